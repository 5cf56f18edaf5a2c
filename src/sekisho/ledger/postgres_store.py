"""The sequencing store on PostgreSQL: one database a log, any number of writing processes. Private to the ledger.

store.py tells what it promises. Three kinds of session: one writes entries, one is the publisher's office and persists
heads, some read. The office is an advisory lock of its session: who loses the session loses the office, and with it
the means to persist a head.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from typing import Any, Final

from sekisho.core.utc import format_utc
from sekisho.ledger.errors import LedgerForked, StoreBehind, StoreDamaged
from sekisho.ledger.postgres_address import PostgresAddress
from sekisho.ledger.postgres_schema import LOCK_SPACE, PUBLISHER_LOCK, prepare
from sekisho.ledger.postgres_session import (
    Connection,
    commit,
    connect,
    reported,
    require_durable,
)
from sekisho.ledger.postgres_statements import (
    COUNT,
    DESTROY,
    ELECT,
    FIND,
    FIND_KEYS,
    READ,
    READ_HEAD,
    READ_ONE,
    TAKE_HEAD,
    TAKE_LOG,
    TIDY,
    TIDY_TIMEOUT,
    WRITE,
    WRITE_HEAD,
)
from sekisho.ledger.store import Appended, Head, Row, require_growth

# Entries a read fetches at once: a long snapshot keeps the server from tidying the row that every batch changes.
_PAGE: Final = 256
# Reading sessions kept for the next reader: the publisher and the sequencer, while somebody lists entries.
_MAX_IDLE: Final = 3


class PostgresStore:
    """One log's database. `_lock` guards `_writer` and `_last`, `_office_lock` guards `_office`.

    `_last`: index and digest of the newest entry that this process was answered for.
    """

    is_shared: Final = True

    def __init__(self, address: PostgresAddress, writer: Connection) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._writer = writer
        self._last: tuple[int, bytes] | None = None
        self._office_lock = threading.Lock()
        self._office: Connection | None = None
        self._idle: list[Connection] = []

    @classmethod
    def open(cls, address: PostgresAddress, *, origin: str, vkey: str) -> "PostgresStore":
        """Return the store at `address`, its tables made if there are none.

        Raises WrongLog, StoreDamaged, UnsafeServer or LedgerUnavailable.
        """
        writer = connect(address)
        try:
            with reported(address):
                prepare(writer, address, origin=origin, vkey=vkey)
        except BaseException:
            writer.close()
            raise
        return cls(address, writer)

    def append(self, rows: Sequence[Row], *, known_size: int, before_commit: Callable[[], None]) -> Appended:
        """Write `rows` where the log ends, in one transaction; see SequencingStore.append."""
        with reported(self._address), self._lock:
            try:
                appended = self._append(rows, known_size, before_commit)
            except BaseException:
                # Whatever is open ends with its session, and `reopen` begins another.
                self._writer.close()
                raise
            index, row = max(zip(appended.indexes, rows, strict=True), key=lambda placed: placed[0])
            # A row that was there before may have come with other bytes: only what stands at the end is ours.
            if index >= appended.start:
                self._last = (index, hashlib.sha256(row.data).digest())
            return appended

    def reopen(self) -> None:
        """Connect anew, and wait until the server has ended what the old session had under way.

        Raises LedgerUnavailable; StoreBehind or LedgerForked if the server no longer has what this process was
        answered for, as after a change to a standby that had not received it.
        """
        with reported(self._address), self._lock:
            self._writer.close()
            self._drop_idle()
            self._writer = connect(self._address)
            # A commit that was on its way holds the row until it has happened, or has not.
            with self._writer.transaction():
                self._writer.execute(TAKE_LOG)
            self._require_last()

    def size(self) -> int:
        """Return how many entries are durable. Raises StoreBehind if the newest were removed."""
        with self._reader() as reader:
            counted, present = _one(reader.execute(COUNT).fetchone())
        if present < counted:
            raise StoreBehind(f"{self._address.shown} counted {counted} entries and holds {present}")
        if present > counted:
            raise StoreDamaged(f"{self._address.shown} counted {counted} entries and holds more")
        return int(counted)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from index `start` up to, not including, `stop`. Raises StoreDamaged if one is missing."""
        for first in range(start, stop, _PAGE):
            yield from self._page(first, min(first + _PAGE, stop))

    def private(self, index: int) -> bytes | None:
        """Return what was kept privately with entry `index`."""
        with self._reader() as reader:
            found = reader.execute(READ_ONE, (index,), binary=True).fetchone()
        return None if found is None else found[1]

    def find(self, key: str) -> int | None:
        """Return the index of the entry that was appended under `key`, if one was."""
        with self._reader() as reader:
            found = reader.execute(FIND, (key.encode(),), binary=True).fetchone()
        return None if found is None else int(found[0])

    def destroy_private(self, indexes: Sequence[int]) -> None:
        """Destroy what was kept privately with the entries `indexes`, and remove the older rows that still have it.

        The server's write-ahead log, its archive, standbys and backups keep it for as long as they are kept.
        """
        with reported(self._address), closing(connect(self._address)) as session:
            session.execute(DESTROY, (list(indexes),))
            session.execute(TIDY_TIMEOUT)
            session.execute(TIDY)

    def head(self) -> Head | None:
        """Return the head that was allowed to be signed last, by any process, if any was."""
        with self._reader() as reader:
            size, root = _one(reader.execute(READ_HEAD, binary=True).fetchone())
        return None if size is None else Head(size=size, root=root)

    def persist_head(self, head: Head, *, last: Head | None, at: datetime, after_commit: Callable[[], None]) -> None:
        """Record durably that `head` may be signed, in the place of `last`; see SequencingStore.persist_head."""
        with self._in_office() as office:
            with office.pipeline():
                office.execute("BEGIN")
                taken = office.execute(TAKE_HEAD, binary=True)
            size, root, *settings = _one(taken.fetchone())
            require_durable(tuple(settings))
            require_growth(None if size is None else Head(size=size, root=root), last, head)
            office.execute(WRITE_HEAD, (head.size, head.root, format_utc(at)))
            commit(office)
        with reported(self._address):
            after_commit()

    def try_become_publisher(self) -> bool:
        """Say whether this process is the publisher, having become it if nobody was."""
        with self._in_office() as office:
            (is_publisher,) = _one(office.execute(ELECT, {"space": LOCK_SPACE, "lock": PUBLISHER_LOCK}).fetchone())
        return bool(is_publisher)

    def resign(self) -> None:
        """Let another process become the publisher: the lock goes with its session."""
        with self._office_lock:
            self._leave_office()

    def close(self) -> None:
        """End every session, and with them the publisher's office."""
        self.resign()
        with self._lock:
            self._writer.close()
        self._drop_idle()

    def _append(self, rows: Sequence[Row], known_size: int, before_commit: Callable[[], None]) -> Appended:
        """Write a batch, in three round trips, since every other writer waits for them.

        Steps: (1) take the log, which shows all that was committed before; (2) its settings and size; (3) where each
        row goes; (4) write; (5) commit.
        """
        writer = self._writer
        keys = [row.key.encode() for row in rows if row.key is not None]
        # (1) Sent together, answered in order: the keys are looked up once the log is taken.
        with writer.pipeline():
            writer.execute("BEGIN")
            taken, found = writer.execute(TAKE_LOG), writer.execute(FIND_KEYS, (keys,), binary=True)
        # (2)
        start, *settings = _one(taken.fetchone())
        require_durable(tuple(settings))
        if start < known_size:
            raise StoreBehind(f"{known_size} entries were durable; {self._address.shown} holds {start}")
        # (3)
        indexes, fresh = _place(rows, dict(found.fetchall()), start)
        # (4)
        batch = {
            "start": start,
            "data": [row.data for row in fresh],
            "keys": [None if row.key is None else row.key.encode() for row in fresh],
            "privates": [row.private for row in fresh],
        }
        writer.execute(WRITE, batch, binary=True)
        before_commit()
        # (5)
        commit(writer)
        return Appended(start=start, indexes=indexes)

    def _require_last(self) -> None:
        """Raise unless the newest entry that this process was answered for is still where it was."""
        if self._last is None:
            return
        index, digest = self._last
        found = self._writer.execute(READ_ONE, (index,), binary=True).fetchone()
        if found is None:
            raise StoreBehind(f"entry {index} was acknowledged; {self._address.shown} does not hold it")
        if hashlib.sha256(found[0]).digest() != digest:
            raise LedgerForked(f"entry {index} was acknowledged; {self._address.shown} has another in its place")

    def _page(self, first: int, stop: int) -> list[bytes]:
        with self._reader() as reader:
            rows = reader.execute(READ, (first, stop), binary=True).fetchall()
        if [position for position, _ in rows] != list(range(first, stop)):
            raise StoreDamaged(f"{self._address.shown} lacks an entry between {first} and {stop - 1}")
        return [data for _, data in rows]

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        """Lend a reading session, an idle one if there is one. When one fails, the others are lost too."""
        with reported(self._address):
            try:
                reader = self._idle.pop()
            except IndexError:
                reader = connect(self._address)
            try:
                yield reader
            except BaseException:
                reader.close()
                self._drop_idle()
                raise
            if len(self._idle) < _MAX_IDLE:
                self._idle.append(reader)
            else:
                reader.close()

    def _drop_idle(self) -> None:
        # Another thread may take or leave one meanwhile.
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    @contextmanager
    def _in_office(self) -> Iterator[Connection]:
        """Lend the office's session. One that failed is given up, and the office with it."""
        with reported(self._address), self._office_lock:
            if self._office is None:
                self._office = connect(self._address)
            try:
                yield self._office
            except BaseException:
                self._leave_office()
                raise

    def _leave_office(self) -> None:
        if self._office is not None:
            self._office.close()
            self._office = None


def _place(rows: Sequence[Row], known: Mapping[bytes, int], start: int) -> tuple[tuple[int, ...], tuple[Row, ...]]:
    """Return the index of each row, and those rows that are new, in order. `known`: index by key of what is there."""
    places, indexes = dict(known), list[int]()
    fresh: list[Row] = []
    for row in rows:
        key = None if row.key is None else row.key.encode()
        index = None if key is None else places.get(key)
        if index is None:
            index = start + len(fresh)
            fresh.append(row)
            if key is not None:
                places[key] = index
        indexes.append(index)
    return tuple(indexes), tuple(fresh)


def _one(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise StoreDamaged("a table of the log has lost its only row")
    return row
