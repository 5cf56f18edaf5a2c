"""Steps 8 and 11 on paper: the gate's entries in its calls log, each durable before anything rests on it.

The log's writer thread is the only hand-off on a call's path. What it cannot take in time counts as not written: the
call is not made. An outcome that could not be written is kept and tried again, so that a full disk leaves no gap that
time would not close.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from sekisho.access import Denied
from sekisho.core import Clock, IdSource, Reason, SekishoError, format_utc
from sekisho.formats.jcs import Json
from sekisho.gate import limits
from sekisho.ledger import Entry, EntryKind, LedgerUnavailable, encode_entry
from sekisho.tlog.merkle import hash_leaf

# Outcomes kept in memory while the ledger does not write: more than calls can be under way.
_MAX_OWED = 16_384


class CallsLog(Protocol):
    """What the gate uses of `ledger.Log`."""

    def append_async(
        self, entry: Entry, *, key: str | None = None, private: bytes | None = None
    ) -> "asyncio.Future[int]":
        """Return a future of the running loop for the entry's index, done once it is durable."""
        ...

    def promise(self, *, request_id: str, index: int, leaf_hash: bytes, at: datetime) -> str:
        """Return the log's signed promise that this durable entry will be published."""
        ...

    @property
    def trouble(self) -> SekishoError | None:
        """Why the log cannot be published, or None if it can."""
        ...

    def entries(self, start: int = 0) -> Iterator[tuple[int, Entry]]:
        """Yield every durable entry with its index."""
        ...

    def close(self) -> None:
        """Publish what there is and let go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A durable intent: its index, and the log's signed promise to publish it, one line of ASCII."""

    index: int
    promise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owed:
    kind: EntryKind
    body: Mapping[str, Json]
    key: str
    private: bytes | None


class Recorder:
    """Writes the gate's entries."""

    def __init__(
        self, log: CallsLog, *, clock: Clock, ids: IdSource, timeout_s: float = limits.LEDGER_TIMEOUT_S
    ) -> None:
        self._log = log
        self._clock = clock
        self._ids = ids
        self._timeout_s = timeout_s
        self._owed: deque[_Owed] = deque(maxlen=_MAX_OWED)
        self._wrote = True

    @property
    def is_writable(self) -> bool:
        """Say whether the latest entry became durable in time, and the log can be published."""
        return self._wrote and self._log.trouble is None

    async def intend(self, body: Mapping[str, Json], *, salt: bytes) -> Intent:
        """Return the intent once it is durable, or raise Denied (LEDGER_UNAVAILABLE).

        An intent that lands after its time gets its outcome all the same: the call was not made.
        """
        # A database whose file is gone takes entries as before and keeps them from everybody: only reading them back,
        # as the publisher does, finds that out.
        if self._log.trouble is not None:
            raise Denied(Reason.LEDGER_UNAVAILABLE)
        request_id = str(body["request_id"])
        entry = self._entry(EntryKind.CALL_INTENDED, body)
        index = await self._write(
            entry, key=f"intent:{request_id}", private=salt, on_late=lambda index: self._answer_late(body, index)
        )
        # Request ids are new for each call, so what is durable under the key is this very entry.
        leaf_hash = hash_leaf(encode_entry(entry))
        try:
            promise = self._log.promise(request_id=request_id, index=index, leaf_hash=leaf_hash, at=self._clock.now())
        except SekishoError:
            # A call that nobody could prove later is not made.
            self._answer_late(body, index)
            raise Denied(Reason.LEDGER_UNAVAILABLE) from None
        return Intent(index=index, promise=promise)

    async def answer(self, body: Mapping[str, Json], *, salt: bytes) -> None:
        """Return once the outcome is durable, or raise Denied (LEDGER_UNAVAILABLE): then it is owed and tried again."""
        owed = _Owed(kind=EntryKind.CALL_ANSWERED, body=body, key=f"outcome:{body['request_id']}", private=salt)
        try:
            await self._write(self._entry(owed.kind, owed.body), key=owed.key, private=owed.private)
        except Denied:
            self._owed.append(owed)
            raise

    async def deny(self, body: Mapping[str, Json]) -> None:
        """Return once the denial is durable, or raise Denied (LEDGER_UNAVAILABLE)."""
        entry = self._entry(EntryKind.CALL_DENIED, body)
        await self._write(entry, key=f"denial:{body['request_id']}", private=None)

    async def count(self, body: Mapping[str, Json]) -> None:
        """Return once the counts are durable, or raise Denied (LEDGER_UNAVAILABLE)."""
        await self._write(self._entry(EntryKind.DENIALS_COUNTED, body), key=None, private=None)

    async def pay_owed(self) -> None:
        """Write the outcomes that the ledger did not take before; stop at the first that it refuses again."""
        while self._owed:
            owed = self._owed[0]
            try:
                await self._write(self._entry(owed.kind, owed.body), key=owed.key, private=owed.private)
            except Denied:
                return
            self._owed.popleft()

    def _entry(self, kind: EntryKind, body: Mapping[str, Json]) -> Entry:
        return Entry(kind=kind, at=self._clock.now(), id=self._ids.new("ent"), body=body)

    async def _write(
        self,
        entry: Entry,
        *,
        key: str | None,
        private: bytes | None,
        on_late: Callable[[int], None] | None = None,
    ) -> int:
        try:
            written = self._log.append_async(entry, key=key, private=private)
            # Never cancelled: what lands late is still to be accounted for.
            await asyncio.wait((written,), timeout=self._timeout_s)
            if not written.done():
                written.add_done_callback(partial(_land, on_late))
                raise LedgerUnavailable("the ledger did not answer in time")
            index = written.result()
        except SekishoError:
            self._wrote = False
            raise Denied(Reason.LEDGER_UNAVAILABLE) from None
        self._wrote = True
        return index

    def _answer_late(self, intent: Mapping[str, Json], index: int) -> None:
        body = unanswered(str(intent["request_id"]), index, Reason.LEDGER_UNAVAILABLE)
        self._owed.append(
            _Owed(kind=EntryKind.CALL_ANSWERED, body=body, key=f"outcome:{body['request_id']}", private=None)
        )


def _land(on_late: Callable[[int], None] | None, written: "asyncio.Future[int]") -> None:
    if not written.cancelled() and written.exception() is None and on_late is not None:
        on_late(written.result())


def unanswered(request_id: str, intent_index: int, reason: Reason) -> dict[str, Json]:
    """Return the outcome of a call that never reached the lab."""
    return {
        "request_id": request_id,
        "intent_index": intent_index,
        "outcome": reason.value,
        "status": None,
        "model_answered": None,
        "input_tokens": None,
        "output_tokens": None,
        "settled_tokens": 0,
        "response_commitment": None,
        "response_size_bytes": 0,
        "duration_us": 0,
    }


class DenialCounts:
    """Counts denials that get no entry of their own: those before authentication, and those the ledger did not take."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opened_at = clock.now()
        self._counts: Counter[str] = Counter()

    def add(self, reason: Reason) -> None:
        """Count one more."""
        self._counts[reason.value] += 1

    def __bool__(self) -> bool:
        return bool(self._counts)

    async def write(self, recorder: Recorder) -> None:
        """Write one entry of what was counted, if anything was; what cannot be written stays counted."""
        if not self._counts:
            return
        opens, closes, counts = self._opened_at, self._clock.now(), self._counts
        self._opened_at, self._counts = closes, Counter()
        try:
            await recorder.count(count_body(opens, closes, counts))
        except Denied:
            self._opened_at = opens
            self._counts.update(counts)


def count_body(opens: datetime, closes: datetime, counts: Mapping[str, int]) -> dict[str, Json]:
    """Return the body of `denials-counted/v1`."""
    return {"opens": format_utc(opens), "closes": format_utc(closes), "counts": dict(sorted(counts.items()))}
