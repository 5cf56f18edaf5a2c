"""What the decisions permitted when a call was intended: grants with their scope, revocations, holds, snapshots.

A gate says in each intent which decisions it knew. Whatever those say against the call is proof that it was let
through all the same; and decisions much older than the call are proof that the gate stopped listening.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sekisho.core import SekishoError, parse_utc
from sekisho.formats import dsse
from sekisho.formats.jcs import Json
from sekisho.ledger.entries import Entry, EntryKind
from sekisho.ledger.report import Fault
from sekisho.trust import read_grant

# Two clocks that are right within a minute each, and a lease of seconds (docs/threat-model.md).
MAX_CLOCK_DIFFERENCE: Final = timedelta(minutes=2)
# From a calls log's checkpoint until the decisions log has it on record: seconds, or the longest that a log may take to
# publish (a receipt's ten minutes).
MAX_ANCHOR_DELAY: Final = timedelta(minutes=10)

# A fault and its message.
Objection: TypeAlias = tuple[Fault, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issued:
    """A grant as its entry has it. `scope`: field of an intent → the values that the grant allows it."""

    index: int
    accord: str
    scope: Mapping[str, frozenset[str]]
    opens: datetime | None
    closes: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    index: int
    placed_at: datetime
    lapses_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """When a call was made: its gate's word for it, held against the decisions log's clock.

    `late`: not earlier than the last recorded checkpoint of its log that does not cover it, by MAX_ANCHOR_DELAY;
    `early`: not later than the first that does, by MAX_CLOCK_DIFFERENCE. Where the gate's clock is right, both are the
    intent's own time.
    """

    early: datetime
    late: datetime

    @classmethod
    def of(cls, at: datetime, *, uncovered_at: datetime | None, covered_at: datetime | None) -> "Made":
        """`uncovered_at`, `covered_at`: when these two checkpoints were put on record, None if there is none."""
        early = late = at
        if covered_at is not None and at - covered_at > MAX_CLOCK_DIFFERENCE:
            early = covered_at
        if uncovered_at is not None and uncovered_at - at > MAX_ANCHOR_DELAY:
            late = uncovered_at - MAX_ANCHOR_DELAY
        return cls(early=early, late=late)


@dataclass(slots=True)
class Permits:
    """What the decisions log says about who may call. Indexes are where it says so first."""

    _grants: dict[str, _Issued] = field(default_factory=dict)
    _revoked: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    _stops: dict[tuple[str, str], list[_Stop]] = field(default_factory=dict)
    _snapshots: dict[tuple[int, str], int] = field(default_factory=dict)
    # Of every snapshot entry, in order: a snapshot ends when the next one is published.
    _snapshot_indexes: list[int] = field(default_factory=list)
    _snapshot_times: list[datetime] = field(default_factory=list)

    def take(self, index: int, entry: Entry) -> None:
        """Take the entry at `index` of the decisions log."""
        body = entry.body
        match entry.kind:
            case EntryKind.GRANT_ISSUED:
                self._grants.setdefault(str(body["grant"]), _issued(index, body))
            case EntryKind.GRANT_REVOKED:
                self._revoked.setdefault(str(body["grant"]), (index, entry.at))
            case EntryKind.HOLD_PLACED:
                stop = _Stop(index=index, placed_at=entry.at, lapses_at=parse_utc(str(body["lapses_at"])))
                self._stops.setdefault((str(body["target_kind"]), str(body["target"])), []).append(stop)
            case EntryKind.SNAPSHOT_PUBLISHED:
                self._snapshots.setdefault(_snapshot(body, "version"), index)
                self._snapshot_indexes.append(index)
                self._snapshot_times.append(entry.at)

    def object_to(self, intent: Entry, made: Made, *, size: int) -> Iterator[Objection]:
        """Yield what the decisions say against `intent`, which names the first `size` of them.

        Steps: (1) its snapshot is one of them, and was the newest not long before; (2) its grant was issued in them
        and not revoked, in them or long before the call; (3) it lies within the grant; (4) nothing that it needs was
        on hold, likewise. A gate chooses the decisions that it names, so what it ought to have known counts too.
        """
        # (1)
        yield from self._object_to_snapshot(intent, made, size)
        # (2)
        name = str(intent.body["grant"])
        grant = self._grants.get(name)
        if grant is None or grant.index >= size:
            yield Fault.GRANT_UNKNOWN, f"grant {name} was not issued within the {size} decisions it names"
        yield from self._object_to_revocation(name, made, size)
        # (3)
        if grant is not None:
            yield from _object_to_scope(intent, made, name, grant)
        # (4)
        yield from self._object_to_holds(intent, made, None if grant is None else grant.accord, size)

    def _object_to_snapshot(self, intent: Entry, made: Made, size: int) -> Iterator[Objection]:
        snapshot = _snapshot(intent.body, "snapshot_version")
        index = self._snapshots.get(snapshot, size)
        if index >= size:
            message = f"snapshot {snapshot[0]} was not published within the {size} decisions it names"
            yield Fault.SNAPSHOT_UNKNOWN, message
            return
        following = bisect_right(self._snapshot_indexes, index)
        ended = self._snapshot_times[following] if following < len(self._snapshot_times) else None
        if ended is not None and _is_long_after(made, ended):
            message = f"snapshot {snapshot[0]} had ended at {ended.isoformat()}, by decisions entry "
            yield Fault.SNAPSHOT_STALE, f"{message}{self._snapshot_indexes[following]}"

    def _object_to_revocation(self, grant: str, made: Made, size: int) -> Iterator[Objection]:
        if grant in self._revoked:
            index, at = self._revoked[grant]
            if (known := _knowledge(made, at, index, size)) is not None:
                yield Fault.CALLED_AFTER_REVOCATION, f"grant {grant} was revoked by decisions entry {index}, {known}"

    def _object_to_holds(self, intent: Entry, made: Made, accord: str | None, size: int) -> Iterator[Objection]:
        needed = [(kind, str(intent.body[kind])) for kind in ("principal", "institution", "lab", "model", "grant")]
        for kind, target in needed if accord is None else (*needed, ("accord", accord)):
            for stop in self._stops.get((kind, target), ()):
                known = _knowledge(made, stop.placed_at, stop.index, size)
                if known is not None and made.early < stop.lapses_at:
                    yield Fault.CALLED_ON_HOLD, f"{kind} {target} was on hold by decisions entry {stop.index}, {known}"


def _knowledge(made: Made, at: datetime, index: int, size: int) -> str | None:
    """Say why a call that names `size` decisions ought to have gone by decision `index` of the time `at`, if so."""
    if index < size:
        return "which this call knew"
    return "long before this call" if _is_long_after(made, at) else None


def _is_long_after(made: Made, at: datetime) -> bool:
    # As a difference: a sum could leave the calendar, and the times are a stranger's.
    return made.late - at > MAX_CLOCK_DIFFERENCE


def _object_to_scope(intent: Entry, made: Made, name: str, grant: _Issued) -> Iterator[Objection]:
    outside = [what for what, allowed in grant.scope.items() if intent.body[what] not in allowed]
    # Judged a moment before it was written down: a window may have closed between the two.
    if grant.closes is not None and made.late - grant.closes >= MAX_CLOCK_DIFFERENCE:
        outside.append("time")
    if grant.opens is not None and made.early < grant.opens:
        outside.append("time")
    if outside:
        yield Fault.CALLED_OUT_OF_SCOPE, f"not within grant {name}: {', '.join(outside)}"


def _issued(index: int, body: Mapping[str, Json]) -> _Issued:
    """Return the grant as the document in its entry has it; without one that can be read, as the entry has it."""
    try:
        grant = read_grant(dsse.decode(str(body.get("envelope", "")).encode()))
    except SekishoError:
        return _issued_by_entry(index, body)
    scope = {
        "institution": frozenset({str(grant.institution_id)}),
        "lab": frozenset({grant.lab}),
        "principal": frozenset[str](grant.principals),
        "model": frozenset(grant.models),
        "asset": frozenset[str](grant.assets),
        "technique": frozenset(grant.techniques),
    }
    return _Issued(
        index=index, accord=grant.accord_id, scope=scope, opens=grant.window.opens, closes=grant.window.closes
    )


def _issued_by_entry(index: int, body: Mapping[str, Json]) -> _Issued:
    one = {name: frozenset({str(body[name])}) for name in ("institution", "lab") if name in body}
    lists = {"principal": "principals", "model": "models", "asset": "assets", "technique": "techniques"}
    many = {name: _texts(body[listed]) for name, listed in lists.items() if listed in body}
    return _Issued(
        index=index,
        accord=str(body["accord"]),
        scope=one | many,
        opens=parse_utc(str(body["opens"])) if "opens" in body else None,
        closes=parse_utc(str(body["closes"])) if "closes" in body else None,
    )


def _snapshot(body: Mapping[str, Json], version: str) -> tuple[int, str]:
    return int(str(body[version])), str(body["snapshot_sha256"])


def _texts(value: Json) -> frozenset[str]:
    return frozenset(str(item) for item in value) if isinstance(value, Sequence) else frozenset()
