"""The states of a finding: which steps there are, and for which reasons. Nothing is deleted; a fix can be undone.

    open → confirmed → fixed
      ↘ dismissed      ↓
      ↖──── reopened ←─┘

Pure: `move` returns the finding in its new state or raises.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from sekisho.findings.errors import StateRefused
from sekisho.findings.types import Finding, State, StateReason

REASONS_OF: Mapping[State, frozenset[StateReason]] = MappingProxyType(
    {
        State.OPEN: frozenset(),
        State.CONFIRMED: frozenset({StateReason.REPRODUCED, StateReason.REVIEWED, StateReason.PUBLISHED}),
        State.DISMISSED: frozenset({StateReason.FALSE_POSITIVE, StateReason.NOT_REACHABLE, StateReason.RISK_ACCEPTED}),
        State.FIXED: frozenset({StateReason.PATCHED, StateReason.UPGRADED}),
    }
)

_STEPS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.OPEN: frozenset({State.CONFIRMED, State.DISMISSED, State.FIXED}),
        State.CONFIRMED: frozenset({State.DISMISSED, State.FIXED}),
        State.DISMISSED: frozenset({State.OPEN}),
        State.FIXED: frozenset({State.OPEN}),
    }
)


def move(finding: Finding, *, to: State, reason: StateReason | None) -> Finding:
    """Return `finding` in state `to`, or raise StateRefused. `reason` is None exactly when `to` is open."""
    if to not in _STEPS[finding.state]:
        raise StateRefused(f"a finding that is {finding.state.value} cannot become {to.value}")
    if not _fits(to, reason):
        raise StateRefused(f"{reason.value if reason else 'no reason'} is not why a finding is {to.value}")
    return replace(finding, state=to, state_reason=reason)


def _fits(state: State, reason: StateReason | None) -> bool:
    return reason is None if state is State.OPEN else reason in REASONS_OF[state]
