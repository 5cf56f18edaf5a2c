"""A finding cannot be malformed: what would mislead a reader or drive a terminal is refused."""

from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from sekisho.findings import Confidence, FindingRefused, FlowStep, Location, NotAnalyzed, Severity, State, StateReason
from sekisho.findings.types import Gap, check_path, check_text


@pytest.mark.parametrize(
    "path", ["", "/etc/app.py", "../app.py", "a/../b.py", "a//b.py", "./a.py", "a\\b.py", "a\nb.py", "a/", "e\u0301.py"]
)
def test_a_path_that_leaves_its_root_or_has_two_spellings_is_refused(path: str) -> None:
    """Paths are relative, POSIX, NFC, and stay below the hunted root."""
    with pytest.raises(FindingRefused):
        check_path(path)


@pytest.mark.parametrize("text", ["\x1b[2J", "a\rb", "\u202ecod", "\ud800", "e\u0301", "x" * 1_001, "a\u2028b"])
def test_text_that_drives_a_terminal_or_reads_otherwise_than_it_runs_is_refused(text: str) -> None:
    """Controls, bidirectional overrides, surrogates, text that is not NFC, and endless text."""
    with pytest.raises(FindingRefused):
        check_text(text)


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


def test_a_campaign_holds_its_own_findings_once(make_finding: Any, make_campaign: Any) -> None:
    """No finding of another campaign or asset, no fingerprint and no id twice."""
    finding = make_finding(1)
    make_campaign(finding, make_finding(2))
    for wrong in (
        make_finding(2, campaign=2),
        make_finding(2, asset_id="ast_" + "0" * 26),
        replace(finding, id=make_finding(3).id),
        replace(finding, fingerprint="f" * 64),
    ):
        with pytest.raises(FindingRefused):
            make_campaign(finding, wrong)


def test_a_folder_is_not_analysed_under_its_name_and_a_slash() -> None:
    """A gap may be a folder; its path ends in one slash."""
    NotAnalyzed(path="app/tests/", gap=Gap.EXCLUDED, detail="")
    with pytest.raises(FindingRefused):
        NotAnalyzed(path="app/tests//", gap=Gap.EXCLUDED, detail="")


def test_ranks_follow_the_words() -> None:
    """Thresholds compare ranks: critical is above low, high confidence above low."""
    assert Severity.LOW.rank < Severity.MEDIUM.rank < Severity.HIGH.rank < Severity.CRITICAL.rank
    assert Confidence.LOW.rank < Confidence.MEDIUM.rank < Confidence.HIGH.rank
