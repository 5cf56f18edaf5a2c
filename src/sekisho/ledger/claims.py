"""What entries say about each other and about other logs, collected while the logs are read.

A log can be a perfect tree and still say that a call was made after its grant was revoked. These are the checks of
what is said, with `permits` for what the decisions allow; `tree_check` has those of the tree.
"""

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, cast

from sekisho.formats.jcs import Json
from sekisho.ledger.entries import CALLS_KINDS, Entry, EntryKind, decode_entry
from sekisho.ledger.errors import EntryRefused
from sekisho.ledger.permits import Made, Permits
from sekisho.ledger.repeats import Repeats
from sekisho.ledger.report import Fault, Notebook

# Called with the index and the value of every entry, in order.
TakeEntry: TypeAlias = Callable[[int, Entry], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootClaim:
    """A root that an entry says a log had at a size. `index`: where it says so first."""

    index: int
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor(RootClaim):
    """A calls log's checkpoint as the decisions log has it on record, since `at`."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A calls log that the decisions log put on record."""

    origin: str
    vkey: str


class EntryReader:
    """Decodes the entries of one log, counts them, and notes what cannot be one."""

    def __init__(self, log: str, notebook: Notebook, *, is_calls_log: bool | None) -> None:
        self.log = log
        self.notebook = notebook
        self.counts: Counter[str] = Counter()
        self._is_calls_log = is_calls_log

    def read(self, index: int, data: bytes) -> Entry | None:
        """Return the entry in `data`, or None after noting why it is none."""
        try:
            entry = decode_entry(data)
        except EntryRefused as error:
            self.note(Fault.ENTRY_REFUSED, index, error.message)
            return None
        self.counts[entry.kind.value] += 1
        if self._is_calls_log is not None and (entry.kind in CALLS_KINDS) != self._is_calls_log:
            self.note(Fault.ENTRY_MISPLACED, index, f"{entry.kind.value} does not belong into this log")
        return entry

    def reading(self, *takers: TakeEntry) -> Callable[[int, Sequence[bytes]], None]:
        """Return what takes the index of the first, and the bytes, of entries that follow each other, and hands those
        that are entries to `takers`, one by one.
        """

        def on_entries(first: int, entries: Sequence[bytes]) -> None:
            for index, data in enumerate(entries, start=first):
                if (entry := self.read(index, data)) is not None:
                    for take in takers:
                        take(index, entry)

        return on_entries

    def note(self, fault: Fault, index: int, message: str) -> None:
        self.notebook.add(fault, f"{self.log} entry {index}", message)


@dataclass(slots=True)
class Decisions:
    """What the decisions log says that the calls logs are held against. Indexes are where it says so first."""

    reader: EntryReader
    permits: Permits = field(default_factory=Permits)
    opened: dict[str, Opened] = field(default_factory=dict)
    anchors: dict[str, list[Anchor]] = field(default_factory=dict)
    # Origin or key → the log that it was opened for first.
    _named: dict[str, str] = field(default_factory=dict)

    def take(self, index: int, entry: Entry) -> None:
        """Take the entry at `index`."""
        self.permits.take(index, entry)
        if entry.kind is EntryKind.CALLS_LOG_OPENED:
            self._take_opening(index, entry.body)
        elif entry.kind is EntryKind.CALLS_CHECKPOINT:
            self._take_anchor(index, entry.at, entry.body)

    def _take_opening(self, index: int, body: Mapping[str, Json]) -> None:
        log, opened = _text(body, "log"), Opened(origin=_text(body, "origin"), vkey=_text(body, "vkey"))
        if self.opened.setdefault(log, opened) != opened:
            self.reader.note(Fault.LOG_REOPENED, index, f"{log} was opened before under another key")
        for value in (opened.origin, opened.vkey):
            # Else two trees that one key signed would pass as two logs, and a receipt fit either.
            if (first := self._named.setdefault(value, log)) != log:
                self.reader.note(Fault.LOG_REOPENED, index, f"{log} has origin or key of {first}")

    def _take_anchor(self, index: int, at: datetime, body: Mapping[str, Json]) -> None:
        log = _text(body, "log")
        size, anchors = _count(body, "size"), self.anchors.setdefault(log, [])
        # Said again, a checkpoint is as old as before: else calls made since the first time would look dated back.
        since = anchors[-1].at if anchors and anchors[-1].size == size else at
        claim = Anchor(index=index, size=size, root=_root(body, "root"), at=since)
        if log not in self.opened:
            self.reader.note(Fault.LOG_UNKNOWN, index, f"{log} was not opened before this checkpoint")
        if anchors and claim.size < anchors[-1].size:
            self.reader.note(Fault.LOG_SHRANK, index, f"{log} had {anchors[-1].size} entries before, here {claim.size}")
        anchors.append(claim)


@dataclass(slots=True)
class Calls:
    """What one calls log says. `decisions` is None if the log is read alone; then nothing is held against it.

    `_open` keeps only intents without an outcome, so memory follows the calls under way, not the log's length,
    but for 8 bytes a request. The caller MUST hand all intents to `note_repeated` once more if there are `suspects`.
    """

    reader: EntryReader
    decisions: Decisions | None
    decisions_size: int = 0
    claims: dict[int, RootClaim] = field(default_factory=dict)
    _open: dict[int, str] = field(default_factory=dict)
    _repeats: Repeats = field(default_factory=Repeats)
    # How many anchors do not cover the intent that came last.
    _passed: int = 0

    def take(self, index: int, entry: Entry) -> None:
        """Take the entry at `index`."""
        if entry.kind is EntryKind.CALL_INTENDED:
            self._take_intent(index, entry)
        elif entry.kind is EntryKind.CALL_ANSWERED:
            self._take_answer(index, entry.body)

    def open_intents(self) -> Iterator[tuple[int, str]]:
        """Yield index and request id of each intent that has no outcome, in order."""
        yield from self._open.items()

    def suspects(self) -> frozenset[int]:
        """Return the hashes of request ids of which some may have been intended twice; mostly there are none."""
        return self._repeats.suspects()

    def note_repeated(self, suspects: frozenset[int], intents: Iterable[tuple[int, Entry]]) -> None:
        """Note each request of `intents` (all of the log, by index) that was intended before. `suspects`: which."""
        seen: set[str] = set()
        for index, intent in intents:
            request_id = _text(intent.body, "request_id")
            if hash(request_id) in suspects:
                if request_id in seen:
                    self.reader.note(Fault.REQUEST_REPEATED, index, f"request {request_id} was intended before")
                seen.add(request_id)

    def _take_intent(self, index: int, intent: Entry) -> None:
        request_id = _text(intent.body, "request_id")
        self._repeats.add(request_id)
        self._open[index] = request_id
        if self.decisions is not None:
            self._hold_against(self.decisions, index, intent)

    def _take_answer(self, index: int, body: Mapping[str, Json]) -> None:
        intent, request_id = _count(body, "intent_index"), _text(body, "request_id")
        if self._open.get(intent) != request_id:
            message = f"no intent of request {request_id} waits for an outcome at entry {intent}"
            self.reader.note(Fault.ANSWER_WITHOUT_INTENT, index, message)
            return
        del self._open[intent]

    def _hold_against(self, decisions: Decisions, index: int, intent: Entry) -> None:
        """Steps: (1) the decisions it names exist; (2) none of them is against the call."""
        # (1) The root itself is compared once the decisions log's roots at all named sizes are made.
        body = intent.body
        claim = RootClaim(index=index, size=_count(body, "decisions_size"), root=_root(body, "decisions_root"))
        if claim.size > self.decisions_size:
            message = f"names {claim.size} decisions; the decisions log has {self.decisions_size}"
            self.reader.note(Fault.DECISIONS_DIFFER, index, message)
        elif self.claims.setdefault(claim.size, claim).root != claim.root:
            message = f"names another root of decisions at size {claim.size} than entry {self.claims[claim.size].index}"
            self.reader.note(Fault.DECISIONS_DIFFER, index, message)
        # (2)
        for fault, message in decisions.permits.object_to(
            intent, self._made(decisions, index, intent), size=claim.size
        ):
            self.reader.note(fault, index, message)

    def _made(self, decisions: Decisions, index: int, intent: Entry) -> Made:
        """Return when the intent at `index` was made. Intents come in order, and so do the anchors of a sound log."""
        anchors = decisions.anchors.get(self.reader.log, [])
        while self._passed < len(anchors) and anchors[self._passed].size <= index:
            self._passed += 1
        return Made.of(
            intent.at,
            uncovered_at=anchors[self._passed - 1].at if self._passed else None,
            covered_at=anchors[self._passed].at if self._passed < len(anchors) else None,
        )


# `decode_entry` has checked the shape of every field.
def _text(body: Mapping[str, Json], name: str) -> str:
    return cast(str, body[name])


def _count(body: Mapping[str, Json], name: str) -> int:
    return cast(int, body[name])


def _root(body: Mapping[str, Json], name: str) -> bytes:
    return base64.b64decode(_text(body, name))
