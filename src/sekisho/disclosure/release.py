"""The one decision about who may know what: `may_release`. Pure; everything that leaves a case passes here.

Invariant 7 of the design: technical detail never reaches an audience ring before its time. The table is the whole
policy; docs/disclosure.md shows it and a test compares the two.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from sekisho.disclosure.case import Case
from sekisho.disclosure.embargo import EmbargoState
from sekisho.disclosure.errors import ReleaseRefused
from sekisho.disclosure.rings import Level, Ring


class Phase(Enum):
    """Where the embargo stands, as far as release is concerned."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


# The most that each ring may know: before an embargo is agreed, while it is in force, after its end.
# Existence is public from the start: the commitment stands in the ledger. The vendor is told in full once it is
# bound. A reproducer never goes beyond those who can mend the flaw: it is a test for the fix, not news.
WIDEST: Mapping[Ring, Mapping[Phase, Level]] = MappingProxyType(
    {
        Ring.TRIAGE: {
            Phase.BEFORE: Level.REPRODUCER,
            Phase.DURING: Level.REPRODUCER,
            Phase.AFTER: Level.REPRODUCER,
        },
        Ring.VENDOR: {
            Phase.BEFORE: Level.EXISTENCE,
            Phase.DURING: Level.REPRODUCER,
            Phase.AFTER: Level.REPRODUCER,
        },
        Ring.FINDER: {
            Phase.BEFORE: Level.REPRODUCER,
            Phase.DURING: Level.REPRODUCER,
            Phase.AFTER: Level.REPRODUCER,
        },
        Ring.AFFECTED: {
            Phase.BEFORE: Level.EXISTENCE,
            Phase.DURING: Level.FIX,
            Phase.AFTER: Level.TECHNICAL,
        },
        Ring.MEMBERS: {
            Phase.BEFORE: Level.EXISTENCE,
            Phase.DURING: Level.SEALED_MATCH,
            Phase.AFTER: Level.TECHNICAL,
        },
        Ring.PUBLIC: {
            Phase.BEFORE: Level.EXISTENCE,
            Phase.DURING: Level.EXISTENCE,
            Phase.AFTER: Level.TECHNICAL,
        },
    }
)


def phase_of(state: EmbargoState) -> Phase:
    """Return the phase that an embargo's state means for release."""
    if state is EmbargoState.EXITED:
        return Phase.AFTER
    return Phase.DURING if state.is_in_force else Phase.BEFORE


def may_release(content: Level, ring: Ring, case: Case) -> bool:
    """Say whether `content` of `case` may reach `ring` now.

    Rules: (1) technical detail and reproducers reach no ring wider than the finder before the embargo has ended,
    whatever the table says; (2) otherwise each ring may know as much as the table gives it in this phase. The
    passing of `lifts_at` opens nothing: the end of an embargo is recorded, never inferred from a clock.
    """
    phase = phase_of(case.embargo.state)
    # (1)
    if content >= Level.TECHNICAL and ring >= Ring.AFFECTED and phase is not Phase.AFTER:
        return False
    # (2)
    return content <= WIDEST[ring][phase]


def require_release(content: Level, ring: Ring, case: Case) -> None:
    """Raise ReleaseRefused unless `content` of `case` may reach `ring` now."""
    if not may_release(content, ring, case):
        raise ReleaseRefused(
            f"{content.name.lower()} may not reach ring {ring.name.lower()} "
            f"while the embargo is in state {case.embargo.state.value}"
        )
