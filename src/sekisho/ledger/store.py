"""What a log asks of the store that sequences it: entries at indexes, one head, one publisher. Private to the ledger.

Two stores keep these promises: SQLite for one process (sqlite_store.py) and PostgreSQL for several (postgres_store.py).
Everything here may be called from any thread. Foreign exceptions never leave a store: a database that does not serve
is LedgerUnavailable, one whose bytes are wrong StoreDamaged, one of another log WrongLog.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from sekisho.ledger.errors import HeadMoved, LedgerForked, StoreBehind


class Row(NamedTuple):
    """An entry to be written. `key`: makes the append idempotent; `private`: kept in the store, never published."""

    # A named tuple: made for each entry, at a third of what a frozen dataclass costs.

    data: bytes
    key: str | None
    private: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """Where a batch went. `start`: the log's size just before it; `indexes`: the index of each row, in their order.

    Rows that were new stand at `start`, `start + 1`, ... in the order of the batch; any other index is below the new
    size, and is that of the entry that had the row's key before, in this batch or ever.
    """

    start: int
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A size and root that the store allowed to be signed."""

    size: int
    root: bytes


class SequencingStore(Protocol):
    """One log's entries, durable. The store belongs to one origin and one key for good."""

    @property
    def is_shared(self) -> bool:
        """Say whether other processes may append to the log while this one has it open.

        If not, opening a store that another process has open MUST have raised LogLocked.
        """
        ...

    def append(self, rows: Sequence[Row], *, known_size: int, before_commit: Callable[[], None]) -> Appended:
        """Write `rows` in one transaction and return where they went, once all of them are durable.

        The store decides where the batch begins, under a lock of its own that every writing process takes and that
        is held until the commit: indexes have no holes, and a smaller index is never visible later than a larger one.
        Durable means that neither the death of any process nor a power cut takes it back. `known_size`: what the
        caller knows to be durable; a store that holds fewer raises StoreBehind and writes nothing. `before_commit`
        is called when all rows are written and not committed; what it raises takes the batch back.
        Raises LedgerUnavailable, after which the batch may be durable or not: the caller MUST call `reopen` before
        the next append, and then compares `size` with what it knows.
        """
        ...

    def reopen(self) -> None:
        """Connect anew after a failed append, so that nothing of its transaction is under way; or LedgerUnavailable."""
        ...

    def size(self) -> int:
        """Return how many entries are durable now, those of all processes. It never shrinks."""
        ...

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from index `start` up to, not including, `stop`, which is at most `size()`.

        Holds no lock that an append would wait for, and no snapshot longer than a page of entries. Raises
        StoreDamaged if one is missing.
        """
        ...

    def private(self, index: int) -> bytes | None:
        """Return what was kept privately with entry `index`."""
        ...

    def find(self, key: str) -> int | None:
        """Return the index of the entry that was appended under `key`, if one was."""
        ...

    def destroy_private(self, indexes: Sequence[int]) -> None:
        """Destroy what was kept privately with the entries `indexes`; the entries stay. Again it changes nothing.

        On return the bytes are in no file of the store, as far as the database can say so. Raises LedgerUnavailable;
        then they may be, and the caller MUST call again.
        """
        ...

    def head(self) -> Head | None:
        """Return the head that was allowed to be signed last, by any process, if any was."""
        ...

    def persist_head(self, head: Head, *, last: Head | None, at: datetime, after_commit: Callable[[], None]) -> None:
        """Record durably that `head` may be signed, in the place of `last`, and call `after_commit`. `at`: aware UTC.

        Compare-and-set: as one atomic act `require_growth(stored, last, head)` is asked, and `head` written. So of
        two processes that both take themselves for the publisher, one gets HeadMoved. The caller MUST have grown
        `head` out of the tree of `last`. Raises HeadMoved, StoreBehind, LedgerForked or LedgerUnavailable.
        """
        ...

    def try_become_publisher(self) -> bool:
        """Say whether this process is the publisher, having become it if nobody was. Never waits for another process.

        At most one process is the publisher. It is one until `resign`, `close` or its death; a store that cannot know
        whether it still is (a lost connection) takes part in the election anew. Called before each publication:
        at most one round trip. Raises LedgerUnavailable.
        """
        ...

    def resign(self) -> None:
        """Let another process become the publisher. Harmless when this one is not."""
        ...

    def close(self) -> None:
        """Let go of everything, the publisher's office among it. No call may follow."""
        ...


def require_growth(stored: Head | None, last: Head | None, head: Head) -> None:
    """Raise unless `head` may take the place of `stored`, which its maker believes to be `last`.

    HeadMoved: `stored` is not `last`. StoreBehind: `head` is smaller. LedgerForked: another root at the same size.
    """
    if stored != last:
        raise HeadMoved("the head is not the one that was persisted last: another process published, or a hand wrote")
    if last is None:
        return
    if head.size < last.size:
        raise StoreBehind(f"size {last.size} was signed before; {head.size} is smaller")
    if head.size == last.size and head.root != last.root:
        raise LedgerForked(f"another root was signed before at size {head.size}")
