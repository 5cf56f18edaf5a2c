"""Steps 1 and 3 to 7: from a request to a plan, in one go. Nothing here waits, so nothing changes in between."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sekisho.access import Denied
from sekisho.core import Clock, IdSource, Reason
from sekisho.gate.authenticate import Authenticator
from sekisho.gate.budget import Budgets, Reservation
from sekisho.gate.connection import IncomingCall
from sekisho.gate.force import Lease, Reach
from sekisho.gate.forward import check_forwardable
from sekisho.gate.judge import Permit, judge
from sekisho.gate.lab import LabPool
from sekisho.gate.lifeline import Lifeline
from sekisho.gate.metrics import Metrics
from sekisho.gate.record import DenialCounts, Recorder
from sekisho.gate.relay import LabPatience
from sekisho.gate.settings import Upstream
from sekisho.gate.transcripts import Transcripts
from sekisho.labs import BadCall, Call, Dialect, Surface, dialect_named, find_surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """One lab as the gate reaches it."""

    upstream: Upstream
    pool: LabPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a call passes through. `salts` gives 32 random bytes; `under_way`: what a hold may cut."""

    clock: Clock
    ids: IdSource
    salts: Callable[[], bytes]
    lease: Lease
    authenticator: Authenticator
    budgets: Budgets
    recorder: Recorder
    counts: DenialCounts
    labs: Mapping[str, Lab]
    metrics: Metrics
    transcripts: Transcripts
    log_name: str
    patience: LabPatience
    under_way: "set[UnderWay]" = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnderWay:
    """A call that is with a lab."""

    reach: Reach
    lifeline: Lifeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A call that passed steps 1 to 7. `body`: as the caller sent it."""

    request_id: str
    surface: Surface
    dialect: Dialect
    call: Call
    body: bytes
    permit: Permit
    lab: Lab
    reservation: Reservation


def plan_call(parts: Parts, incoming: IncomingCall, request_id: str) -> Plan:
    """Return the plan for `incoming`, its budget reserved, or raise Denied."""
    head, at = incoming.head, parts.clock.now()
    # (1) The rest of parsing: what is asked for. A caller that is known may be told what exists.
    surface = find_surface(head.method, head.path)
    if surface is None:
        raise Denied(Reason.SURFACE_UNKNOWN)
    if incoming.lifeline.reason is not None:
        raise Denied(incoming.lifeline.reason)
    if incoming.body is None:
        raise Denied(Reason.GATE_STOPPING)
    check_forwardable(head)
    dialect = dialect_named(surface.dialect)
    call = _parse(dialect, surface, incoming.body)
    # (3) to (5)
    permit = judge(parts.lease.require(), incoming.caller, model=call.model, surface=surface, at=at)
    lab = _find_lab(parts, permit, surface)
    # (7)
    reservation = parts.budgets.reserve(
        permit.grant.id,
        tokens=permit.grant.budget_tokens,
        calls=permit.grant.budget_calls,
        request_bytes=len(incoming.body),
        output_tokens=call.max_output_tokens,
        choices=call.choices,
    )
    return Plan(
        request_id=request_id,
        surface=surface,
        dialect=dialect,
        call=call,
        body=incoming.body,
        permit=permit,
        lab=lab,
        reservation=reservation,
    )


def _parse(dialect: Dialect, surface: Surface, body: bytes) -> Call:
    try:
        return dialect.parse_call(surface, body)
    except BadCall as error:
        raise Denied(error.reason) from None


def _find_lab(parts: Parts, permit: Permit, surface: Surface) -> Lab:
    lab = parts.labs.get(permit.standing.lab)
    if lab is None:
        raise Denied(Reason.LAB_NOT_SET_UP, grant_id=permit.grant.id)
    # The lab does not speak this API; a translation would be a guess at what the caller meant.
    if lab.upstream.dialect.name != surface.dialect:
        raise Denied(Reason.SURFACE_UNKNOWN, grant_id=permit.grant.id)
    return lab
