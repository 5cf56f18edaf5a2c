"""What the decisions log shows of one accord: its own signatures, its grants, their ends, and the stops.

No entry's word is taken where it carries the signed document: `ledger.documents` opens each under the pinned charter,
and the accord's and the grants' terms are read from the document alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sekisho.core import SekishoError, parse_utc
from sekisho.formats import dsse
from sekisho.formats.jcs import Json
from sekisho.ledger.audit.sheets import Sheets, drain, mark_of
from sekisho.ledger.audit.types import ClauseKind, Ground, Mark
from sekisho.ledger.claims import Decisions, EntryReader
from sekisho.ledger.documents import Documents
from sekisho.ledger.entries import Entry, EntryKind
from sekisho.ledger.heads import DECISIONS
from sekisho.ledger.report import Notebook
from sekisho.trust import Accord, Grant, PinnedCharter, read_accord, read_grant

# Kinds of entries that enrol, without their version: their later versions say the same of whose something is.
_PRINCIPAL: Final = "principal-enrolled/"
_ASSET: Final = "asset-declared/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A grant on record. `grant` is None if its document cannot be read; `is_good`: nothing speaks against it."""

    mark: Mark
    grant: Grant | None
    is_good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A hold on record."""

    mark: Mark
    target: tuple[str, str]
    lapses_at: datetime
    grounds: frozenset[Ground]


@dataclass(slots=True)
class Decided:
    """Collects what the decisions log says about the accord `accord_id`. `take` every entry in order, then `finish`."""

    accord_id: str
    pinned: PinnedCharter
    sheets: Sheets
    accord: Accord | None = None
    accord_sha256: str = ""
    grants: dict[str, Granted] = field(default_factory=dict)
    foreign_grants: set[str] = field(default_factory=set)
    revoked: dict[str, datetime] = field(default_factory=dict)
    stops: dict[tuple[str, str], list[Stop]] = field(default_factory=dict)
    notebook: Notebook = field(default_factory=Notebook)
    decisions: Decisions = field(init=False)
    _documents: Documents = field(init=False)
    _is_signed: bool = False
    _kinds: dict[str, str] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.decisions = Decisions(reader=EntryReader(DECISIONS, self.notebook, is_calls_log=False))
        self._documents = Documents(self.pinned, DECISIONS, self.notebook)

    def take(self, index: int, entry: Entry) -> None:
        """Take the entry at `index` of the decisions log."""
        self.decisions.take(index, entry)
        self._documents.take(index, entry)
        grounds, mark, body = drain(self.notebook), mark_of(DECISIONS, index, entry), entry.body
        match entry.kind:
            case EntryKind.ACCORD_IN_FORCE:
                self._take_accord(mark, body, grounds)
            case EntryKind.GRANT_ISSUED:
                self._take_grant(mark, body, grounds)
            case EntryKind.GRANT_REVOKED:
                self._take_revocation(mark, str(body["grant"]), grounds)
            case EntryKind.HOLD_PLACED:
                self._take_hold(mark, body, grounds)
            case EntryKind.INSTITUTION_ENROLLED:
                self._kinds.setdefault(str(body["institution"]), str(body["institution_kind"]))
            case _:
                self._take_owner(entry)

    def finish(self) -> None:
        """Write down the holds that bear on this accord: which those are is known once all its grants are."""
        for target in sorted(self._targets() & set(self.stops)):
            for stop in self.stops[target]:
                self._weigh(ClauseKind.HOLDS, stop.mark, stop.grounds)

    def _take_accord(self, mark: Mark, body: Mapping[str, Json], grounds: frozenset[Ground]) -> None:
        accord = _read_accord(body)
        if self.accord_id not in (body["accord"], None if accord is None else accord.id):
            return
        # What the parties did not sign gives way to what they did: else an operator could lend the accord other terms.
        is_better = self.accord is None or (not grounds and not self._is_signed)
        if accord is not None and accord.id == self.accord_id and is_better:
            self.accord, self.accord_sha256, self._is_signed = accord, str(body["accord_sha256"]), not grounds
        self._weigh(ClauseKind.QUORUM, mark, grounds)

    def _take_grant(self, mark: Mark, body: Mapping[str, Json], grounds: frozenset[Ground]) -> None:
        """Take a grant if it is one of this accord's, by its document or by its entry: either would be used as one."""
        grant, name = _read_grant(body), str(body["grant"])
        if self.accord_id not in (body["accord"], None if grant is None else grant.accord_id):
            self.foreign_grants.add(name)
            return
        self.grants.setdefault(name, Granted(mark=mark, grant=grant, is_good=not grounds))
        self._weigh(ClauseKind.GRANTS, mark, grounds)
        if self.accord is not None and grant is not None:
            self._weigh_institution(mark, grant, self.accord.kinds)
            self._weigh_owners(mark, grant)

    def _weigh_institution(self, mark: Mark, grant: Grant, admitted: tuple[str, ...]) -> None:
        sheet, kind = self.sheets[ClauseKind.KINDS], self._kinds.get(grant.institution_id)
        if kind is None:
            sheet.open.add(replace(mark, ground=Ground.NOT_ENROLLED))
        else:
            self._weigh(ClauseKind.KINDS, mark, () if kind in admitted else (Ground.OTHER_KIND,))

    def _weigh_owners(self, mark: Mark, grant: Grant) -> None:
        owners = {self._owners.get(name) for name in (*grant.principals, *grant.assets)}
        if owners - {None, grant.institution_id}:
            self._weigh(ClauseKind.BELONGING, mark, (Ground.OTHER_OWNER,))
        elif None in owners:
            self.sheets[ClauseKind.BELONGING].open.add(replace(mark, ground=Ground.NOT_ENROLLED))
        else:
            self._weigh(ClauseKind.BELONGING, mark, ())

    def _take_revocation(self, mark: Mark, grant: str, grounds: frozenset[Ground]) -> None:
        if grant in self.grants:
            self.revoked.setdefault(grant, mark.at)
            self._weigh(ClauseKind.REVOCATIONS, mark, grounds)

    def _take_hold(self, mark: Mark, body: Mapping[str, Json], grounds: frozenset[Ground]) -> None:
        target = (str(body["target_kind"]), str(body["target"]))
        stop = Stop(mark=mark, target=target, lapses_at=parse_utc(str(body["lapses_at"])), grounds=grounds)
        self.stops.setdefault(target, []).append(stop)

    def _take_owner(self, entry: Entry) -> None:
        for prefix, name in ((_PRINCIPAL, "principal"), (_ASSET, "asset")):
            if entry.kind.value.startswith(prefix):
                self._owners.setdefault(str(entry.body[name]), str(entry.body["institution"]))

    def _targets(self) -> set[tuple[str, str]]:
        """Return what a hold can be placed on to stop calls under this accord."""
        return {("accord", self.accord_id), *self._accord_targets(), *self._grant_targets()}

    def _accord_targets(self) -> Iterator[tuple[str, str]]:
        if self.accord is not None:
            yield "lab", self.accord.lab
            yield from (("model", model.name) for model in self.accord.models)

    def _grant_targets(self) -> Iterator[tuple[str, str]]:
        for name, granted in self.grants.items():
            yield "grant", name
            if granted.grant is not None:
                yield "institution", granted.grant.institution_id
                yield from (("principal", principal) for principal in granted.grant.principals)

    def _weigh(self, kind: ClauseKind, mark: Mark, grounds: Iterable[Ground]) -> None:
        weigh(self.sheets, kind, mark, grounds)


def weigh(sheets: Sheets, kind: ClauseKind, mark: Mark, grounds: Iterable[Ground]) -> None:
    """Put `mark` down for the clause if there are no `grounds` against it, and else against it, once a ground."""
    against = sorted(grounds, key=lambda ground: ground.value)
    for ground in against:
        sheets[kind].against.add(replace(mark, ground=ground))
    if not against:
        sheets[kind].shows.add(mark)


def _read_accord(body: Mapping[str, Json]) -> Accord | None:
    try:
        return read_accord(dsse.decode(str(body.get("envelope", "")).encode()))
    except SekishoError:
        return None


def _read_grant(body: Mapping[str, Json]) -> Grant | None:
    try:
        return read_grant(dsse.decode(str(body.get("envelope", "")).encode()))
    except SekishoError:
        return None
