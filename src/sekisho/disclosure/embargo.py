"""The embargo of a case: Vultron's embargo management model, N → P → A ⇄ R → X. Pure.

Laws: one embargo is active at a time; of several proposals the shortest wins; an accepted revision replaces the
end, a refused one leaves it; public information ends an embargo at once, whatever its state, and nothing
begins again after the end. Reaching `lifts_at` ends nothing by itself: the end is an event that somebody records.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from sekisho.disclosure.errors import EmbargoRefused

# Twice the 90 days that finders commonly grant: what needs longer is revised in the open, not agreed on at once.
MAX_SPAN = timedelta(days=180)
# Parties propose a date each; more is a quarrel for people, not for a list.
MAX_PROPOSALS = 32


class EmbargoState(Enum):
    """Vultron's EM states; the value is its letter."""

    NONE = "N"
    PROPOSED = "P"
    ACTIVE = "A"
    REVISE = "R"
    EXITED = "X"

    @property
    def is_in_force(self) -> bool:
        """Say whether the parties are bound: an open revision leaves the accepted embargo standing."""
        return self in {EmbargoState.ACTIVE, EmbargoState.REVISE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Embargo:
    """State, the end agreed on (`lifts_at`, aware UTC, set exactly while in force) and the ends proposed."""

    state: EmbargoState = EmbargoState.NONE
    lifts_at: datetime | None = None
    proposals: tuple[datetime, ...] = ()

    def __post_init__(self) -> None:
        if self.state.is_in_force != (self.lifts_at is not None):
            raise EmbargoRefused("an embargo has its end exactly while it is in force")
        if bool(self.proposals) != (self.state in {EmbargoState.PROPOSED, EmbargoState.REVISE}):
            raise EmbargoRefused("proposals are open exactly while proposed or under revision")
        if len(self.proposals) > MAX_PROPOSALS:
            raise EmbargoRefused(f"at most {MAX_PROPOSALS} proposals are open")
        if any(end.utcoffset() != timedelta(0) for end in (*self.proposals, *_one(self.lifts_at))):
            raise EmbargoRefused("times are aware UTC")


def propose(embargo: Embargo, lifts_at: datetime, *, at: datetime) -> Embargo:
    """Return `embargo` with one more proposed end, or raise EmbargoRefused. An active one comes under revision."""
    if embargo.state is EmbargoState.EXITED:
        raise EmbargoRefused("the embargo has ended; none begins again")
    if not at < lifts_at <= at + MAX_SPAN:
        raise EmbargoRefused(f"an embargo ends in the future, within {MAX_SPAN.days} days")
    state = EmbargoState.REVISE if embargo.state.is_in_force else EmbargoState.PROPOSED
    return replace(embargo, state=state, proposals=(*embargo.proposals, lifts_at))


def accept(embargo: Embargo, *, at: datetime) -> Embargo:
    """Return `embargo` active until the earliest end proposed, or raise EmbargoRefused."""
    _require_open(embargo)
    lifts_at = min(embargo.proposals)
    if lifts_at <= at:
        raise EmbargoRefused("the shortest proposal has passed", hint="Reject the proposals and make a new one.")
    return Embargo(state=EmbargoState.ACTIVE, lifts_at=lifts_at)


def reject(embargo: Embargo) -> Embargo:
    """Return `embargo` without its proposals: what was active stays active, else there is none."""
    _require_open(embargo)
    state = EmbargoState.ACTIVE if embargo.state is EmbargoState.REVISE else EmbargoState.NONE
    return replace(embargo, state=state, proposals=())


def lift(embargo: Embargo) -> Embargo:
    """Return `embargo` ended, by agreement or at its time, or raise EmbargoRefused if none is in force."""
    if not embargo.state.is_in_force:
        raise EmbargoRefused("there is no embargo in force to lift")
    return Embargo(state=EmbargoState.EXITED)


def learn_public(embargo: Embargo) -> Embargo:
    """Return `embargo` ended, because the flaw or an exploit of it is public. Never refused (Vultron: SHALL)."""
    del embargo  # whatever it was
    return Embargo(state=EmbargoState.EXITED)


def _require_open(embargo: Embargo) -> None:
    if embargo.state not in {EmbargoState.PROPOSED, EmbargoState.REVISE}:
        raise EmbargoRefused("no proposal is open")


def _one(end: datetime | None) -> tuple[datetime, ...]:
    return () if end is None else (end,)
