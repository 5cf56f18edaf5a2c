"""The states of a finding: every step that is not drawn is refused, and each state has its own reasons."""

import itertools
from typing import Any

import pytest

from sekisho.findings import REASONS_OF, State, StateReason, StateRefused, move

_DRAWN = {
    (State.OPEN, State.CONFIRMED),
    (State.OPEN, State.DISMISSED),
    (State.OPEN, State.FIXED),
    (State.CONFIRMED, State.DISMISSED),
    (State.CONFIRMED, State.FIXED),
    (State.DISMISSED, State.OPEN),
    (State.FIXED, State.OPEN),
}


def _reason(state: State) -> StateReason | None:
    return min(REASONS_OF[state], key=lambda reason: reason.value, default=None)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(State, State)))
def test_only_the_steps_that_are_drawn_can_be_taken(make_finding: Any, before: State, after: State) -> None:
    """docs/findings.md: open to confirmed, dismissed or fixed; dismissed and fixed open again."""
    finding = make_finding(state=before, state_reason=_reason(before))
    if (before, after) in _DRAWN:
        assert move(finding, to=after, reason=_reason(after)).state is after
    else:
        with pytest.raises(StateRefused):
            move(finding, to=after, reason=_reason(after))


def test_a_reason_belongs_to_exactly_one_state() -> None:
    """A reason tells its state, and none is without one."""
    listed = [reason for reasons in REASONS_OF.values() for reason in reasons]
    assert sorted(listed, key=lambda r: r.value) == sorted(StateReason, key=lambda r: r.value)


def test_a_state_takes_no_other_state_s_reason(make_finding: Any) -> None:
    """A dismissal says why it is one; opening again takes no reason."""
    with pytest.raises(StateRefused):
        move(make_finding(), to=State.DISMISSED, reason=StateReason.PATCHED)
    with pytest.raises(StateRefused):
        move(make_finding(), to=State.DISMISSED, reason=None)
    fixed = make_finding(state=State.FIXED, state_reason=StateReason.PATCHED)
    with pytest.raises(StateRefused):
        move(fixed, to=State.OPEN, reason=StateReason.REVIEWED)
