"""A finding cannot be malformed, nor changed."""

from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from sekisho.findings import (
    Confidence,
    FindingRefused,
    FlowStep,
    Location,
    Severity,
    State,
    StateReason,
)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "fnd_1"},
        {"id": "cmp_" + "0" * 26},
        {"campaign_id": "x"},
        {"asset_id": "x"},
        {"rule_id": "a rule"},
        {"cwe": "22"},
        {"cwe": "CWE-022"},
        {"title": ""},
        {"fingerprint": "AB" * 32},
        {"found_at": datetime(2026, 11, 22, 9, 0)},  # noqa: DTZ001  # naive on purpose
        {"found_at": datetime(2026, 11, 22, 9, 0, tzinfo=timezone(timedelta(hours=9)))},
        {"state": State.FIXED},
        {"state_reason": StateReason.PATCHED},
        {"preconditions": ("a\nb",)},
        {"flow": (FlowStep(path="a.py", line=1, expression="", why=""),) * 51},
    ],
)
def test_a_finding_with_one_false_part_is_refused(make_finding: Any, changes: dict[str, Any]) -> None:
    """Every part has its form, and every state but open its reason."""
    with pytest.raises(FindingRefused):
        make_finding(**changes)


@pytest.mark.parametrize("line", [0, -1, 2**31])
def test_lines_count_from_one(line: int) -> None:
    """Editors and SARIF count from 1."""
    with pytest.raises(FindingRefused):
        Location(path="a.py", line=line, column=1, function="")


def test_a_finding_cannot_be_changed(make_finding: Any) -> None:
    """A value that two rooms share is frozen."""
    with pytest.raises(FrozenInstanceError):
        make_finding().title = "another"


def test_ranks_follow_the_words() -> None:
    """Thresholds compare ranks: critical is above low, high confidence above low."""
    assert Severity.LOW.rank < Severity.MEDIUM.rank < Severity.HIGH.rank < Severity.CRITICAL.rank
    assert Confidence.LOW.rank < Confidence.MEDIUM.rank < Confidence.HIGH.rank
