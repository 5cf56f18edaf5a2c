"""The hold: an immediate stop by one party, with a stated basis, for a bounded time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from sekisho.core import format_utc
from sekisho.core.ids import HoldId
from sekisho.formats import jcs
from sekisho.formats.dsse import Envelope
from sekisho.trust.charter import Charter
from sekisho.trust.errors import DocumentLapsed, DocumentRefused, HoldRefused
from sekisho.trust.payload import (
    MODEL_NAME,
    read_id,
    read_match,
    read_name,
    read_object,
    read_payload,
    read_text,
    read_time,
)
from sekisho.trust.quorum import verify_signers

KIND: Final = "hold"
# Clocks of the party and of the control plane differ; a hold dated further ahead would outlast its term.
MAX_SKEW: Final = timedelta(minutes=5)
_FIELDS = frozenset({"id", "programme", "placed_by", "target", "basis", "placed_at", "lapses_at"})


class TargetKind(Enum):
    """What a hold can stop; the value is its spelling in documents."""

    LAB = "lab"
    MODEL = "model"
    INSTITUTION = "institution"
    PRINCIPAL = "principal"
    GRANT = "grant"
    ACCORD = "accord"


_ID_PREFIXES: Final = {
    TargetKind.INSTITUTION: ("ins",),
    TargetKind.PRINCIPAL: ("per", "wkl"),
    TargetKind.GRANT: ("grt",),
    TargetKind.ACCORD: ("acc",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is stopped. `id`: a lab's party name, a model's name, or an id of that kind."""

    kind: TargetKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A stop in force from `placed_at` until `lapses_at` (aware UTC)."""

    id: HoldId
    programme: str
    placed_by: str
    target: Target
    basis: str
    placed_at: datetime
    lapses_at: datetime


def open_hold(envelope: Envelope, charter: Charter, *, at: datetime) -> Hold:
    """Return the hold in `envelope` if the party that places it signed it and it is in force at `at` (aware UTC).

    Steps: (1) fields; (2) of this programme, and a lab or model is one of the charter's: a hold on a misspelt name
    would stop nothing and look as if it did; (3) signed by the placing party; (4) not dated ahead, no longer than
    the charter's term, not lapsed. A second hold on the same target is a new document: whether a party may renew
    its own is for `access/` to say.
    """
    # (1)
    hold = read_hold(envelope)
    # (2)
    if hold.programme != charter.programme:
        raise HoldRefused(f"a hold of the programme {hold.programme}, not {charter.programme}")
    _check_target(hold.target, charter)
    # (3)
    require_placer(envelope, hold, charter, at=at)
    # (4)
    _check_times(hold, charter, at=at)
    return hold


def require_placer(envelope: Envelope, hold: Hold, charter: Charter, *, at: datetime) -> frozenset[str]:
    """Return the signers of `envelope` if the party that places `hold` is one of them, or raise HoldRefused."""
    signers = verify_signers(envelope, charter, at=at)
    if hold.placed_by not in signers:
        raise HoldRefused(f"{hold.placed_by}, which places the hold, has not signed it with a key in force")
    return signers


def read_hold(envelope: Envelope) -> Hold:
    """Return the hold in `envelope`, its signatures NOT verified. Raises DocumentRefused."""
    fields = read_payload(envelope, KIND, _FIELDS)
    return Hold(
        id=HoldId(read_id(fields["id"], ("hld",), "id")),
        programme=read_text(fields["programme"], "programme"),
        placed_by=read_name(fields["placed_by"], "placed_by"),
        target=_read_target(fields["target"]),
        basis=read_text(fields["basis"], "basis"),
        placed_at=read_time(fields["placed_at"], "placed_at"),
        lapses_at=read_time(fields["lapses_at"], "lapses_at"),
    )


def hold_payload(hold: Hold) -> dict[str, jcs.Json]:
    """Return `hold` as `read_hold` reads it: what the placing party signs."""
    return {
        "id": hold.id,
        "programme": hold.programme,
        "placed_by": hold.placed_by,
        "target": {"kind": hold.target.kind.value, "id": hold.target.id},
        "basis": hold.basis,
        "placed_at": format_utc(hold.placed_at),
        "lapses_at": format_utc(hold.lapses_at),
    }


def _read_target(value: jcs.Json) -> Target:
    fields = read_object(value, frozenset({"kind", "id"}), "target")
    try:
        kind = TargetKind(fields["kind"])
    except ValueError as error:
        raise DocumentRefused(f"target.kind is one of {', '.join(k.value for k in TargetKind)}") from error
    return Target(kind=kind, id=_read_target_id(fields["id"], kind))


def _read_target_id(value: jcs.Json, kind: TargetKind) -> str:
    if kind is TargetKind.LAB:
        return read_name(value, "target.id")
    if kind is TargetKind.MODEL:
        return read_match(value, MODEL_NAME, "target.id")
    return read_id(value, _ID_PREFIXES[kind], "target.id")


def _check_target(target: Target, charter: Charter) -> None:
    known = {
        TargetKind.LAB: {lab.party for lab in charter.labs},
        TargetKind.MODEL: {model for lab in charter.labs for model in lab.models},
    }
    if target.kind in known and target.id not in known[target.kind]:
        raise HoldRefused(f"the charter knows no {target.kind.value} {target.id}")


def _check_times(hold: Hold, charter: Charter, *, at: datetime) -> None:
    # As differences: a sum could leave the calendar, and both times are a stranger's.
    if hold.placed_at - at > MAX_SKEW:
        raise HoldRefused(f"hold {hold.id} is dated ahead, {hold.placed_at.isoformat()}")
    if not timedelta(0) < hold.lapses_at - hold.placed_at <= charter.hold_term:
        raise HoldRefused(f"hold {hold.id} must lapse after it is placed, within {charter.hold_term} of it")
    if at >= hold.lapses_at:
        raise DocumentLapsed(f"hold {hold.id} lapsed at {hold.lapses_at.isoformat()}")
