"""Sequence: one thread gives each entry its index and makes both durable, many a flush. Private to the ledger."""

import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from sekisho.core.errors import SekishoError
from sekisho.ledger.errors import LedgerUnavailable, LogClosed, LogOverloaded, StoreBehind
from sekisho.ledger.steps import AtStep, Step
from sekisho.ledger.store import Head, Row, SequencingStore
from sekisho.tlog.merkle import Frontier, hash_leaf

# Entries in one transaction: enough that the flush is shared, few enough that the first waits for milliseconds.
MAX_BATCH: Final = 512
# Entries waiting for the disk. A disk that hangs must show as a refusal, not as memory.
MAX_WAITING: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    row: Row
    answer: "Future[int]"


class Sequencer:
    """The only writer of a store's entries in this process; in a shared store, other processes write as well.

    `_lock` guards `_refusal` and that nothing is queued behind the end. `_writing` guards the store's entries as far
    as this process goes, `_frontier` and `_is_in_doubt`; `head` is replaced under it, whole.
    """

    def __init__(
        self, *, store: SequencingStore, frontier: Frontier, at_step: AtStep, when_grown: Callable[[], None]
    ) -> None:
        self._store = store
        self._frontier = frontier
        self._at_step = at_step
        self._when_grown = when_grown
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._refusal: SekishoError | None = None
        self._writing = threading.Lock()
        self._is_in_doubt = False
        self.head = Head(size=frontier.size, root=frontier.root())
        self._thread = threading.Thread(target=self._run, name="ledger-sequencer", daemon=True)
        self._thread.start()

    def submit(self, row: Row) -> "Future[int]":
        """Queue `row` and return the future of its index. Never waits for the disk."""
        answer: Future[int] = Future()
        with self._lock:
            if self._refusal is not None:
                answer.set_exception(self._refusal)
            elif self._queue.qsize() >= MAX_WAITING:
                answer.set_exception(LogOverloaded(f"{MAX_WAITING} entries wait for the disk"))
            else:
                self._queue.put(_Waiting(row=row, answer=answer))
        return answer

    def refuse(self, refusal: SekishoError) -> None:
        """Take no more entries and answer later ones with `refusal`; what is queued is still written."""
        with self._lock:
            if self._refusal is None:
                self._refusal = refusal
                self._queue.put(None)

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
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            self._sequence(batch)

    def _next_batch(self) -> list[_Waiting]:
        """Wait for an entry, take what is queued behind it, and return none of it at the end of the log."""
        batch: list[_Waiting] = []
        first = self._queue.get()
        while first is not None:
            if first.answer.set_running_or_notify_cancel():
                batch.append(first)
            if len(batch) == MAX_BATCH or (batch and self._queue.empty()):
                return batch
            first = self._queue.get()
        # The end mark is seen again by the next call.
        self._queue.put(None)
        return batch

    def _sequence(self, batch: list[_Waiting]) -> None:
        try:
            indexes = self._write(batch)
        except SekishoError as error:
            self._fail(batch, error)
        except Exception as error:
            # Whatever it was, nobody may wait for ever, and nothing may be taken for durable.
            self._fail(batch, LedgerUnavailable(f"the entry was not written: {type(error).__name__}"))
        else:
            for waiting, index in zip(batch, indexes, strict=True):
                waiting.answer.set_result(index)
            self._when_grown()

    def _write(self, batch: list[_Waiting]) -> tuple[int, ...]:
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

    def _fail(self, batch: list[_Waiting], error: SekishoError) -> None:
        with self._writing:
            self._is_in_doubt = True
        for waiting in batch:
            waiting.answer.set_exception(error)

    def _settle_doubt(self) -> None:
        """Find out what a failed transaction left: a flush that failed may still have reached the disk."""
        self._store.reopen()
        self._follow(self._store.size())
        self._is_in_doubt = False

    def _follow(self, size: int) -> None:
        if size < self._frontier.size:
            raise StoreBehind(f"{self._frontier.size} entries were acknowledged; the store holds {size}")
        self._grow(self._store.read(self._frontier.size, size))
