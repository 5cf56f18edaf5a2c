"""The sequencing store of one log: SQLite, one file, one writing process. Private to the ledger.

An entry and its index become durable in one transaction, before anybody is answered. The store also remembers the
largest head (size, root) that it allowed to be signed, and never allows a smaller one or another root at a size.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

from sekisho.core.utc import format_utc
from sekisho.ledger.errors import LedgerForked, LedgerUnavailable, StoreBehind, StoreDamaged, WrongLog
from sekisho.ledger.files import sync_folder

# How long a statement waits for a reader's lock; a reader here is never longer than a page of entries.
_BUSY_TIMEOUT_S: Final = 5.0
# Entries a read fetches at once: readers must not hold the WAL open over a whole log.
_PAGE: Final = 256
_APPLICATION_ID: Final = 0x534B4C47  # "SKLG"
_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE log (one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, vkey TEXT NOT NULL) STRICT",
    "CREATE TABLE entries (position INTEGER PRIMARY KEY, data BLOB NOT NULL, key TEXT, private BLOB) STRICT",
    "CREATE UNIQUE INDEX entries_by_key ON entries (key) WHERE key IS NOT NULL",
    """CREATE TABLE head (
      one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL, signed_at TEXT NOT NULL
    ) STRICT""",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
)
# What SQLite says of a file whose bytes are wrong, as against a disk that does not serve.
_DAMAGE: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry to be written. `key`: makes the append idempotent; `private`: kept here, never published."""

    data: bytes
    key: str | None
    private: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A size and root that the store allowed to be signed."""

    size: int
    root: bytes


class Store:
    """One log's database. `_lock` guards `_connection`: the sequencer and the publisher both write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection = _connect(path)

    @classmethod
    def open(cls, path: Path, *, origin: str, vkey: str) -> "Store":
        """Return the store at `path`, made if there is none. Raises WrongLog, StoreDamaged, LedgerUnavailable."""
        try:
            # Salts lie in it: readable by its owner alone, and SQLite gives its side files the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync_folder(path.parent)
            store = cls(path)
        except (OSError, sqlite3.Error) as error:
            _refuse(path, error)
        try:
            store._prepare(origin=origin, vkey=vkey)
        except (OSError, sqlite3.Error) as error:
            store.close()
            _refuse(path, error)
        except (WrongLog, StoreDamaged):
            store.close()
            raise
        return store

    def append(self, rows: Sequence[Row], *, size: int, before_commit: Callable[[], None]) -> tuple[int, ...]:
        """Write `rows` from index `size` on in one transaction and return the index of each once all are durable.

        A row whose key the log has already takes that index and is not written again. Raises LedgerUnavailable;
        then nothing of it is counted, and the caller MUST call `reopen` before the next append.
        """
        try:
            with self._lock:
                return self._append(rows, size, before_commit)
        except (OSError, sqlite3.Error) as error:
            _refuse(self._path, error)

    def reopen(self) -> None:
        """Connect anew after a failed transaction, whose fate a failed flush leaves open; or LedgerUnavailable."""
        try:
            with self._lock:
                self._connection.close()
                self._connection = _connect(self._path)
        except (OSError, sqlite3.Error) as error:
            _refuse(self._path, error)

    def size(self) -> int:
        """Return how many entries are durable, by the last index. A missing one shows when it is read."""
        try:
            with closing(_connect(self._path)) as connection:
                (last,) = connection.execute("SELECT max(position) FROM entries").fetchone()
        except (OSError, sqlite3.Error) as error:
            _refuse(self._path, error)
        return 0 if last is None else int(last) + 1

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from index `start` up to, not including, `stop`. Raises StoreDamaged if one is missing."""
        try:
            with closing(_connect(self._path)) as connection:
                for first in range(start, stop, _PAGE):
                    yield from self._page(connection, first, min(first + _PAGE, stop))
        except (OSError, sqlite3.Error) as error:
            _refuse(self._path, error)

    def private(self, index: int) -> bytes | None:
        """Return what was kept privately with entry `index`."""
        try:
            with closing(_connect(self._path)) as connection:
                row = connection.execute("SELECT private FROM entries WHERE position = ?", (index,)).fetchone()
        except (OSError, sqlite3.Error) as error:
            _refuse(self._path, error)
        return None if row is None else row[0]

    def head(self) -> Head | None:
        """Return the largest head that was allowed to be signed, if any was."""
        try:
            with self._lock:
                return self._head()
        except (OSError, sqlite3.Error) as error:
            _refuse(self._path, error)

    def persist_head(self, head: Head, *, at: datetime, after_commit: Callable[[], None]) -> None:
        """Record durably that `head` may be signed, or raise StoreBehind or LedgerForked. `at`: aware UTC.

        The caller MUST have grown `head` out of the tree of the last head: the store compares sizes and, at one
        size, roots.
        """
        try:
            with self._lock:
                last = self._head()
                if last is not None and head.size < last.size:
                    raise StoreBehind(f"size {last.size} was signed before; {head.size} is smaller")
                if last is not None and head.size == last.size and head.root != last.root:
                    raise LedgerForked(f"another root was signed before at size {head.size}")
                self._connection.execute(
                    "INSERT OR REPLACE INTO head (one, size, root, signed_at) VALUES (1, ?, ?, ?)",
                    (head.size, head.root, format_utc(at)),
                )
                after_commit()
        except (OSError, sqlite3.Error) as error:
            _refuse(self._path, error)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _prepare(self, *, origin: str, vkey: str) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        with self._connection:
            if run("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
                for statement in _SCHEMA:
                    run(statement)
                run("INSERT INTO log (one, origin, vkey) VALUES (1, ?, ?)", (origin, vkey))
        marks = (*run("PRAGMA application_id").fetchone(), *run("PRAGMA user_version").fetchone())
        if marks != (_APPLICATION_ID, _VERSION):
            raise StoreDamaged(f"{self._path} is not a log's database of version {_VERSION}")
        if run("SELECT origin, vkey FROM log").fetchall() != [(origin, vkey)]:
            raise WrongLog(f"{self._path} is the store of another log, or of this log under another key")

    def _append(self, rows: Sequence[Row], size: int, before_commit: Callable[[], None]) -> tuple[int, ...]:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            indexes: list[int] = []
            for row in rows:
                if row.key is not None:
                    known = run("SELECT position FROM entries WHERE key = ?", (row.key,)).fetchone()
                    if known is not None:
                        indexes.append(known[0])
                        continue
                run("INSERT INTO entries VALUES (?, ?, ?, ?)", (size, row.data, row.key, row.private))
                indexes.append(size)
                size += 1
            before_commit()
            run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise
        return tuple(indexes)

    def _head(self) -> Head | None:
        row = self._connection.execute("SELECT size, root FROM head").fetchone()
        return None if row is None else Head(size=row[0], root=row[1])

    def _page(self, connection: sqlite3.Connection, first: int, stop: int) -> list[bytes]:
        rows = connection.execute(
            "SELECT position, data FROM entries WHERE position >= ? AND position < ? ORDER BY position", (first, stop)
        ).fetchall()
        if [position for position, _ in rows] != list(range(first, stop)):
            raise StoreDamaged(f"{self._path} lacks an entry between {first} and {stop - 1}")
        return [data for _, data in rows]


def _connect(path: Path) -> sqlite3.Connection:
    # Every use is under the store's lock or in one thread; SQLite itself is built to be shared.
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise LedgerUnavailable(f"{path} cannot keep a write-ahead log: its journal mode is {mode}")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse(path: Path, error: OSError | sqlite3.Error) -> NoReturn:
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "") in _DAMAGE:
        raise StoreDamaged(f"{path} is damaged: {error}") from error
    raise LedgerUnavailable(f"{path}: {error}") from error
