"""A case cannot be malformed, and its clocks run from its opening."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sekisho.disclosure import CLOCKS, CaseRefused, DeadlineKind, Text, deadlines_of, due


@pytest.mark.parametrize(
    "change",
    [
        {"id": "cas_1"},
        {"owner": ""},
        {"fixed_version": "<1"},
        {"fixed_version": "one two"},
        {"commitment": "0" * 64},
        {"opened_at": datetime(2026, 11, 22, 9)},  # noqa: DTZ001
    ],
)
def test_a_case_that_lacks_something_does_not_exist(case, change) -> None:
    """Each field keeps its shape."""
    with pytest.raises(CaseRefused):
        replace(case, **change)


@pytest.mark.parametrize("bad", ["", "  \n", "x" * 5000, "e\u0301", "a\u202eb", "a\x1b[31m", "a\x00"])
def test_texts_are_given_in_both_languages_and_show_what_they_say(bad: str) -> None:
    """No text is missing, endless, or written with characters that make it read otherwise than it is."""
    for fields in ({"en": bad, "ja": "文"}, {"en": "text", "ja": bad}):
        with pytest.raises(CaseRefused):
            Text(**fields)


def test_clocks_run_from_the_opening(case) -> None:
    """30 days of silence to a coordinator, 90 to publication, and nothing is due a moment before."""
    coordinator, publication = deadlines_of(case)
    assert (coordinator.kind, publication.kind) == (DeadlineKind.COORDINATOR, DeadlineKind.PUBLICATION)
    assert [deadline.at - case.opened_at for deadline in (coordinator, publication)] == [span for _, span in CLOCKS]
    assert due(case, at=coordinator.at - timedelta(microseconds=1)) == ()
    assert due(case, at=coordinator.at) == (coordinator,)
    assert due(case, at=publication.at) == (coordinator, publication)
