"""The sequencing store on SQLite: one file, one writing process. Private to the ledger.

store.py tells what it promises. The lock file beside it keeps a second process out, so the process that has it open
is also the one that publishes.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from errno import ESTALE
from pathlib import Path
from typing import Final

from sekisho.core.errors import SekishoError
from sekisho.core.utc import format_utc
from sekisho.ledger.errors import LedgerUnavailable, StoreBehind, StoreDamaged, WrongLog
from sekisho.ledger.files import FileLock, make_folder, sync_folder
from sekisho.ledger.store import Appended, Head, Row, require_growth

# How long a statement waits for a reader's lock; a reader here is never longer than a page of entries.
_BUSY_TIMEOUT_S: Final = 5.0
# Entries a read fetches at once: readers must not hold the WAL open over a whole log.
_PAGE: Final = 256
# What SQLite lets a write-ahead log grow to before it begins it anew: 1000 pages of 4096 bytes, and a little.
_ROOM_BYTES: Final = 4_300_000
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
_INSERT: Final = "INSERT INTO entries VALUES (?, ?, ?, ?)"
_DESTROY: Final = "UPDATE entries SET private = NULL WHERE position = ? AND private IS NOT NULL"
# What SQLite says of a file whose bytes are wrong, as against a disk that does not serve.
_DAMAGE: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


class SqliteStore:
    """One log's database. `_writing` guards `_connection` and `_files`: sequencer and publisher both write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._file_lock = FileLock(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT)
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[int, ...] = ()

    @classmethod
    def open(cls, path: Path, *, origin: str, vkey: str) -> "SqliteStore":
        """Return the store at `path`, made if there is none.

        Raises LogLocked, WrongLog, StoreDamaged or LedgerUnavailable.
        """
        with _reported(path):
            make_folder(path.parent)
        store = cls(path)
        try:
            with _reported(path):
                # Salts lie in it: readable by its owner alone, and SQLite gives its side files the same mode.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                sync_folder(path.parent)
                store._connect()
                store._prepare(origin=origin, vkey=vkey)
                store._make_room()
        except SekishoError:
            store.close()
            raise
        return store

    @property
    def is_shared(self) -> bool:
        return False

    def append(self, rows: Sequence[Row], *, known_size: int, before_commit: Callable[[], None]) -> Appended:
        """Write `rows` in one transaction: at once if all are new, and else one by one."""
        with _reported(self._path), self._writing:
            with self._transaction() as run:
                self._require_in_place()
                (start,) = run("SELECT coalesce(max(position) + 1, 0) FROM entries").fetchone()
                if start < known_size:
                    raise StoreBehind(f"{known_size} entries were acknowledged; the store holds {start}")
                run("SAVEPOINT batch")
                try:
                    indexes = self._insert_new(rows, start)
                except sqlite3.IntegrityError:
                    # A key is there already: seldom, so it is not looked for before.
                    run("ROLLBACK TO batch")
                    indexes = self._insert(rows, start)
                before_commit()
            return Appended(start=start, indexes=indexes)

    def reopen(self) -> None:
        with _reported(self._path), self._writing:
            # Closing would take away the side files of whatever lies at the path by now.
            self._require_in_place()
            self._disconnect()
            self._connect()

    def size(self) -> int:
        """Return how many entries are durable, by the last index. A missing one shows when it is read."""
        with _reported(self._path), self._reader() as connection:
            (size,) = connection.execute("SELECT coalesce(max(position) + 1, 0) FROM entries").fetchone()
        return int(size)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        if start >= stop:
            return
        with _reported(self._path), self._reader() as connection:
            for first in range(start, stop, _PAGE):
                yield from self._page(connection, first, min(first + _PAGE, stop))

    def private(self, index: int) -> bytes | None:
        with _reported(self._path), self._reader() as connection:
            row = connection.execute("SELECT private FROM entries WHERE position = ?", (index,)).fetchone()
        return None if row is None else row[0]

    def find(self, key: str) -> int | None:
        with _reported(self._path), self._reader() as connection:
            row = connection.execute("SELECT position FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def destroy_private(self, indexes: Sequence[int]) -> None:
        """Steps: (1) the cells are rewritten without it, the old bytes overwritten (`secure_delete`); (2) older pages
        in the write-ahead log go with the log, which is emptied into the database, also when (1) was done before.
        """
        with _reported(self._path), self._writing:
            # (1)
            with self._transaction():
                self._require_in_place()
                self._required.executemany(_DESTROY, [(index,) for index in indexes])
            # (2)
            busy, *_ = self._required.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise LedgerUnavailable(f"{self._path}: a reader holds the write-ahead log")

    def head(self) -> Head | None:
        with _reported(self._path), self._writing:
            return self._head()

    def persist_head(self, head: Head, *, last: Head | None, at: datetime, after_commit: Callable[[], None]) -> None:
        with _reported(self._path), self._writing:
            with self._transaction() as run:
                self._require_in_place()
                require_growth(self._head(), last, head)
                run(
                    "INSERT OR REPLACE INTO head (one, size, root, signed_at) VALUES (1, ?, ?, ?)",
                    (head.size, head.root, format_utc(at)),
                )
            after_commit()

    def try_become_publisher(self) -> bool:
        """Say that this process publishes: the lock file keeps every other one out."""
        return True

    def resign(self) -> None:
        """Do nothing: nobody else could take over while this process has the store open."""

    def close(self) -> None:
        with self._writing:
            self._disconnect()
            self._file_lock.release()

    def _prepare(self, *, origin: str, vkey: str) -> None:
        with self._transaction() as run:
            if run("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
                for statement in _SCHEMA:
                    run(statement)
                run("INSERT INTO log (one, origin, vkey) VALUES (1, ?, ?)", (origin, vkey))
            marks = (*run("PRAGMA application_id").fetchone(), *run("PRAGMA user_version").fetchone())
            if marks != (_APPLICATION_ID, _VERSION):
                raise StoreDamaged(f"{self._path} is not a log's database of version {_VERSION}")
            if run("SELECT origin, vkey FROM log").fetchall() != [(origin, vkey)]:
                raise WrongLog(f"{self._path} is the store of another log, or of this log under another key")

    def _make_room(self) -> None:
        """Give the write-ahead log the length that it will keep: a flush of a file that grows costs twice as much.

        What is written is taken back and changes nothing. A disk that has no room for it may still have some for
        entries.
        """
        run = self._required.execute
        (cache,) = run("PRAGMA cache_size").fetchone()
        # More than a few pages go to the file before the transaction ends.
        run("PRAGMA cache_size = 10")
        run("BEGIN IMMEDIATE")
        with suppress(sqlite3.OperationalError):
            run("CREATE TABLE room (filling BLOB) STRICT")
            run("INSERT INTO room VALUES (zeroblob(?))", (_ROOM_BYTES,))
        if self._required.in_transaction:
            run("ROLLBACK")
        run(f"PRAGMA cache_size = {cache}")

    def _insert_new(self, rows: Sequence[Row], start: int) -> tuple[int, ...]:
        indexes = range(start, start + len(rows))
        self._required.executemany(
            _INSERT, [(index, row.data, row.key, row.private) for index, row in zip(indexes, rows, strict=True)]
        )
        return tuple(indexes)

    def _insert(self, rows: Sequence[Row], size: int) -> tuple[int, ...]:
        run = self._required.execute
        indexes: list[int] = []
        for row in rows:
            known = None
            if row.key is not None:
                known = run("SELECT position FROM entries WHERE key = ?", (row.key,)).fetchone()
            if known is None:
                run(_INSERT, (size, row.data, row.key, row.private))
                known, size = (size,), size + 1
            indexes.append(known[0])
        return tuple(indexes)

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection of its own, so that no reader waits for a flush."""
        self._require_in_place()
        with closing(_connect(self._path)) as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """Commit at the end, durably, or take back what was written."""
        connection = self._required
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection.execute
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @property
    def _required(self) -> sqlite3.Connection:
        if self._connection is None:
            raise LedgerUnavailable(f"{self._path} could not be opened again")
        return self._connection

    def _connect(self) -> None:
        self._connection = _connect(self._path)
        (mode,) = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise LedgerUnavailable(f"{self._path} cannot keep a write-ahead log: its journal mode is {mode}")
        self._connection.execute("PRAGMA synchronous = FULL")
        # Off in most builds of SQLite: then what is destroyed stays in the file until something else needs its place.
        self._connection.execute("PRAGMA secure_delete = ON").fetchall()
        # Makes the write-ahead log, so that there is a file to know it by.
        self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        self._files = _identities(self._path)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _require_in_place(self) -> None:
        """Raise OSError unless the files that are written are still the ones at their paths.

        SQLite goes on writing into a file that was removed: it would answer for entries that nobody can read again.
        """
        if self._connection is not None and _identities(self._path) != self._files:
            raise OSError(ESTALE, "the database or its write-ahead log was removed or replaced while it was open")

    def _head(self) -> Head | None:
        row = self._required.execute("SELECT size, root FROM head").fetchone()
        return None if row is None else Head(size=row[0], root=row[1])

    def _page(self, connection: sqlite3.Connection, first: int, stop: int) -> list[bytes]:
        rows = connection.execute(
            "SELECT position, data FROM entries WHERE position >= ? AND position < ? ORDER BY position", (first, stop)
        ).fetchall()
        if [position for position, _ in rows] != list(range(first, stop)):
            raise StoreDamaged(f"{self._path} lacks an entry between {first} and {stop - 1}")
        return [data for _, data in rows]


def _connect(path: Path) -> sqlite3.Connection:
    """Connect to the database at `path`, which MUST exist: an empty one in its place would look like a new log."""
    # Every use is under the store's lock or in one thread; SQLite itself is built to be shared.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _identities(path: Path) -> tuple[int, ...]:
    """Return what the database and its write-ahead log are known by, whatever their names."""
    return tuple(os.stat(name).st_ino for name in (path, f"{path}-wal"))


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "") in _DAMAGE:
            raise StoreDamaged(f"{path} is damaged: {error}") from error
        raise LedgerUnavailable(f"{path}: {error}") from error
