"""Sequence: give each entry its index and make both durable, many a flush. Private to the ledger."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple

from sekisho.core.errors import SekishoError
from sekisho.ledger.answers import Answer, Turn, give_error, give_indexes, is_wanted
from sekisho.ledger.errors import LedgerUnavailable, LogClosed, LogOverloaded, StoreBehind
from sekisho.ledger.steps import AtStep, Step
from sekisho.ledger.store import Head, Row, SequencingStore
from sekisho.tlog.merkle import Frontier, hash_leaf

# Entries in one transaction: enough that the flush is shared, few enough that the first waits for milliseconds.
MAX_BATCH: Final = 512
# Entries waiting for the disk. A disk that hangs must show as a refusal, not as memory.
MAX_WAITING: Final = 16_384


class _Waiting(NamedTuple):
    # A named tuple: made for each entry, at a third of what a frozen dataclass costs.
    row: Row
    answer: Answer


class Sequencer:
    """The only writer of a store's entries in this process; in a shared store, other processes write as well.

    Whoever leads takes what waits and writes it in one transaction, while others queue up for the next. A thread that
    comes when nobody leads leads itself, so that a lone writer waits for the disk alone and for no other thread;
    otherwise, and for whoever cannot wait, the sequencer's own thread leads.

    `_lock` guards `_waiting`, `_has_leader`, `_refusal` and `_is_over`; something waits only while there is a leader,
    and `_leaderless` tells when there is none. `_wake` is released each time the sequencer's thread is made leader.
    `_writing` guards the store's entries as far as this process goes, `_frontier` and `_is_in_doubt`; `head` is
    replaced under it, whole.
    """

    def __init__(
        self, *, store: SequencingStore, frontier: Frontier, at_step: AtStep, when_grown: Callable[[], None]
    ) -> None:
        self._store = store
        self._frontier = frontier
        self._at_step = at_step
        self._when_grown = when_grown
        self._lock = threading.Lock()
        self._leaderless = threading.Condition(self._lock)
        self._waiting: deque[_Waiting] = deque()
        self._has_leader = False
        self._refusal: SekishoError | None = None
        self._is_over = False
        self._wake = threading.Lock()
        self._wake.acquire()
        self._writing = threading.Lock()
        self._is_in_doubt = False
        self.head = Head(size=frontier.size, root=frontier.root())
        self._thread = threading.Thread(target=self._run, name="ledger-sequencer", daemon=True)
        self._thread.start()

    def submit(self, row: Row, answer: "Future[int] | asyncio.Future[int]") -> None:
        """Queue `row`, whose index `answer` will be told. Never waits for the disk."""
        try:
            if self._enqueue(_Waiting(row, answer)):
                self._wake.release()
        except SekishoError as error:
            answer.set_exception(error)

    def write(self, row: Row) -> int:
        """Write `row` and return its index once both are durable. Raises what `submit` answers."""
        turn = Turn()
        if self._enqueue(_Waiting(row, turn)):
            try:
                # Nothing waited before, so it is in this batch.
                self._sequence(self._next_batch())
            finally:
                self._pass_on()
        return turn.wait()

    def refuse(self, refusal: SekishoError) -> None:
        """Take no more entries and answer later ones with `refusal`; what is queued is still written."""
        with self._lock:
            if self._refusal is None:
                self._refusal = refusal

    def catch_up(self) -> None:
        """Learn of the entries that other processes wrote. Raises StoreBehind, StoreDamaged or LedgerUnavailable."""
        with self._writing:
            if self._is_in_doubt:
                self._settle_doubt()
            else:
                self._follow(self._store.size())

    def close(self) -> None:
        """Write what is queued and end the thread."""
        self.refuse(LogClosed("the log is closed"))
        with self._leaderless:
            self._leaderless.wait_for(lambda: not self._has_leader)
            # None who leads, nothing that waits, and none who may come: that is the end.
            is_first, self._is_over = not self._is_over, True
        if is_first:
            self._wake.release()
        self._thread.join()

    def _enqueue(self, waiting: _Waiting) -> bool:
        """Queue `waiting` and say whether the caller leads from now on, or makes the thread lead."""
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            if len(self._waiting) >= MAX_WAITING:
                raise LogOverloaded(f"{MAX_WAITING} entries wait for the disk")
            self._waiting.append(waiting)
            is_leader, self._has_leader = not self._has_leader, True
            return is_leader

    def _run(self) -> None:
        while True:
            self._wake.acquire()
            if self._is_over:
                return
            while batch := self._next_batch():
                self._sequence(batch)

    def _next_batch(self) -> list[_Waiting]:
        """Take what waits, or stop leading if nothing does."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            if not batch:
                self._has_leader = False
                self._leaderless.notify_all()
            return batch

    def _pass_on(self) -> None:
        """Make the thread lead if anything waits, and else stop leading."""
        with self._lock:
            self._has_leader = bool(self._waiting)
            if not self._has_leader:
                self._leaderless.notify_all()
                return
        self._wake.release()

    def _sequence(self, batch: Iterable[_Waiting]) -> None:
        batch = [waiting for waiting in batch if is_wanted(waiting.answer)]
        try:
            indexes = self._write(batch) if batch else ()
        except BaseException as error:
            # Whatever it was, nobody may wait for ever, and nothing may be taken for durable.
            self._fail(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            give_indexes([waiting.answer for waiting in batch], indexes)
            self._when_grown()

    def _fail(self, batch: Iterable[_Waiting], error: BaseException) -> None:
        with self._writing:
            self._is_in_doubt = True
        if not isinstance(error, SekishoError):
            error = LedgerUnavailable(f"the entry was not written: {type(error).__name__}")
        give_error([waiting.answer for waiting in batch], error)

    def _write(self, batch: Sequence[_Waiting]) -> tuple[int, ...]:
        with self._writing:
            if self._is_in_doubt:
                self._settle_doubt()
            appended = self._store.append(
                [waiting.row for waiting in batch],
                known_size=self._frontier.size,
                before_commit=lambda: self._at_step(Step.SEQUENCE_WRITTEN),
            )
            self._at_step(Step.SEQUENCE_DURABLE)
            # What others wrote in between comes first.
            if appended.start > self._frontier.size:
                self._grow(self._store.read(self._frontier.size, appended.start))
            self._grow(
                waiting.row.data
                for waiting, index in zip(batch, appended.indexes, strict=True)
                if index == self._frontier.size
            )
            return appended.indexes

    def _grow(self, entries: Iterable[bytes]) -> None:
        for entry in entries:
            self._frontier.append(hash_leaf(entry))
        self.head = Head(size=self._frontier.size, root=self._frontier.root())

    def _settle_doubt(self) -> None:
        """Find out what a failed transaction left: a flush that failed may still have reached the disk."""
        self._store.reopen()
        self._follow(self._store.size())
        self._is_in_doubt = False

    def _follow(self, size: int) -> None:
        if size < self._frontier.size:
            raise StoreBehind(f"{self._frontier.size} entries were acknowledged; the store holds {size}")
        self._grow(self._store.read(self._frontier.size, size))
