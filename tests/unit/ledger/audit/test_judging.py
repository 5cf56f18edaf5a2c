"""Three values: one clause, and all of them together."""

import itertools

import pytest

from sekisho.ledger.audit import Evidence, Result
from sekisho.ledger.audit.judging import judge
from sekisho.ledger.audit.types import conjunction

NO, SOME = Evidence(), Evidence(count=1)


@pytest.mark.parametrize(("shows", "against", "unsure"), [*itertools.product((NO, SOME), repeat=3)])
@pytest.mark.parametrize("is_enforced", [True, False])
def test_met_needs_an_entry_for_and_nothing_else(
    shows: Evidence, against: Evidence, unsure: Evidence, is_enforced: bool
) -> None:
    """All sixteen cases: against decides; what nothing enforces is never met."""
    result = judge(shows, against, unsure, is_enforced=is_enforced)
    assert (result is Result.NOT_MET) == bool(against.count)
    assert (result is Result.MET) == (bool(shows.count) and not against.count and not unsure.count and is_enforced)


def test_the_whole_is_as_bad_as_its_worst_clause() -> None:
    """Kleene's strong conjunction, whatever the order."""
    for results in itertools.product(Result, repeat=3):
        worst = max(results, key=[Result.MET, Result.NOT_SHOWN, Result.NOT_MET].index)
        assert conjunction(results) is worst
