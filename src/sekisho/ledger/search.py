"""Finding entries: those of one call together, read through the logs once, whatever their length.

An outcome names its request and nothing else of the call; institution and grant are in its intent. So intent and
outcome are held against a query as one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sekisho.formats.jcs import Json
from sekisho.ledger.entries import Entry, EntryKind, decode_entry
from sekisho.ledger.heads import DECISIONS
from sekisho.ledger.proven import read_entries
from sekisho.ledger.source import Source
from sekisho.tlog.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLog:
    """A log whose `head` and entries the caller verified; each is shown to be in it again as it is read."""

    name: str
    source: Source
    head: Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One entry and its place."""

    log: str
    index: int
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for: all that is given must hold. `since` is inside, `until` is not; both aware UTC."""

    request: str | None = None
    institution: str | None = None
    grant: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, group: Iterable[Found]) -> bool:
        """Say whether entries that belong together hold, between them, what is looked for."""
        entries = [found.entry for found in group]
        ids = {"request_id": self.request, "institution": self.institution, "grant": self.grant}
        return (
            all(any(entry.body.get(name) == one for entry in entries) for name, one in ids.items() if one is not None)
            and (self.kind is None or any(entry.kind.value == self.kind for entry in entries))
            and any(self._is_in_time(entry.at) for entry in entries)
        )

    def _is_in_time(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def search_entries(logs: Iterable[VerifiedLog], query: Query) -> Iterator[tuple[Found, ...]]:
    """Yield the groups of entries that match, log by log: an intent with its outcome, any other entry alone.

    Memory follows the calls under way. Raises LogDamaged where the files are no longer those that were verified.
    """
    for log in logs:
        for group in _groups(log):
            if query.matches(group):
                yield group


def search_request(logs: Iterable[VerifiedLog], query: Query) -> Iterator[tuple[Found, ...]]:
    """As `search_entries` for one request: each group begins with the decisions on its grant, and its snapshot's.

    The calls logs are read first: what is to be looked for among the decisions is known after them.
    """
    every = tuple(logs)
    groups = list(search_entries((log for log in every if log.name != DECISIONS), query))
    decisions = [log for log in every if log.name == DECISIONS]
    linked = [found for log in decisions for (found,) in _groups(log) if any(_rests_on(g, found) for g in groups)]
    for group in groups:
        yield (*(found for found in linked if _rests_on(group, found)), *group)


def _groups(log: VerifiedLog) -> Iterator[tuple[Found, ...]]:
    """Yield the entries of `log`, each outcome with its intent; intents without one come last."""
    waiting: dict[int, Found] = {}
    for index, data in read_entries(log.source, log.head):
        found = Found(log=log.name, index=index, entry=decode_entry(data))
        if found.entry.kind is EntryKind.CALL_INTENDED:
            waiting[index] = found
        elif found.entry.kind is EntryKind.CALL_ANSWERED:
            intent = waiting.pop(_number(found.entry.body, "intent_index"), None)
            yield (found,) if intent is None else (intent, found)
        else:
            yield (found,)
    yield from ((found,) for found in waiting.values())


def _rests_on(group: tuple[Found, ...], decision: Found) -> bool:
    """Say whether `decision` issued or ended the grant of the call in `group`, or is the snapshot it was judged by."""
    call, body = group[0].entry.body, decision.entry.body
    match decision.entry.kind:
        case EntryKind.GRANT_ISSUED | EntryKind.GRANT_REVOKED:
            return call.get("grant") is not None and body["grant"] == call.get("grant")
        case EntryKind.SNAPSHOT_PUBLISHED:
            names = ("snapshot_version", "snapshot_sha256")
            return tuple(map(call.get, names)) == (body["version"], body["snapshot_sha256"])
        case _:
            return False


def _number(body: Mapping[str, Json], name: str) -> int:
    return int(str(body[name]))
