"""What a witness cosigned last, for each log: SQLite, durable before any cosignature leaves. Private to the witness.

The promise of a witness rests on this file. It must outlive the keys' use: a witness whose record is lost, or put
back from a backup, could cosign a second history, so keys without a record are refused, never given a new one.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

from sekisho.core.clock import Clock
from sekisho.ledger.files import sync_folder
from sekisho.ledger.witness.errors import ClockBehind, RecordDamaged, RecordMissing, RecordUnavailable
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.witness import KnownHead

# How long a transaction waits for another one, which is never longer than one flush.
_BUSY_TIMEOUT_S: Final = 5.0
# A clock that is set back a little repeats its last time; beyond this the witness would date heads falsely.
MAX_CLOCK_STEP_BACK_S: Final = 300
_APPLICATION_ID: Final = 0x534B5457  # "SKTW"
_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE keys (vkey TEXT PRIMARY KEY) STRICT",
    """CREATE TABLE heads (
      origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, time_s INTEGER NOT NULL
    ) STRICT""",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
)
_SELECT: Final = "SELECT origin, size, root, note, time_s FROM heads"
_DAMAGE: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignedHead:
    """The newest head that was cosigned for `origin`, with the signed note it came in, at `time_s` POSIX seconds."""

    origin: str
    head: KnownHead
    note: bytes
    time_s: int

    @property
    def at(self) -> datetime:
        """The time that was stated, aware UTC."""
        return datetime.fromtimestamp(self.time_s, UTC)


# Returns the head to record, given what was cosigned last for its origin; or raises, and nothing is recorded.
Judge: TypeAlias = Callable[[CosignedHead | None], Checkpoint]


class HeadRecord:
    """The record of one witness. `_lock` guards `_connection`: one request at a time reads, judges and writes."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection = connection

    @classmethod
    def create(cls, path: Path) -> None:
        """Make an empty record at `path`, which must not exist; or raise RecordUnavailable, RecordDamaged."""
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with closing(_connect(path)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute("COMMIT")
            sync_folder(path.parent)
        except (OSError, sqlite3.Error) as error:
            _refuse(path, error)

    @classmethod
    def open(cls, path: Path) -> "HeadRecord":
        """Return the record at `path`, or raise RecordMissing, RecordDamaged or RecordUnavailable."""
        if not path.exists():
            raise RecordMissing(f"there is no record at {path}")
        try:
            connection = _connect(path)
        except (OSError, sqlite3.Error) as error:
            _refuse(path, error)
        try:
            marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        except sqlite3.Error as error:
            connection.close()
            _refuse(path, error)
        if marks != [_APPLICATION_ID, _VERSION]:
            connection.close()
            raise RecordDamaged(f"{path} is not a witness's record of version {_VERSION}")
        return cls(path, connection)

    def advance(self, origin: str, note: bytes, judge: Judge, clock: Clock) -> int:
        """Record durably the head that `judge` returns for what was cosigned last, and return the time to state.

        Reading, judging and writing are one transaction, so that of two requests one comes first (C2SP
        tlog-witness). Raises what `judge` raises, ClockBehind or RecordUnavailable; then the record is as before.
        """
        try:
            with self._lock:
                return self._advance(origin, note, judge, clock)
        except (OSError, sqlite3.Error) as error:
            _refuse(self._path, error)

    def heads(self) -> tuple[CosignedHead, ...]:
        """Return what was cosigned last for every log, by origin."""
        try:
            with self._lock:
                rows = self._connection.execute(f"{_SELECT} ORDER BY origin").fetchall()
        except sqlite3.Error as error:
            _refuse(self._path, error)
        return tuple(map(_head_of, rows))

    def add_key(self, vkey: str) -> None:
        """Remember that the key `vkey` belongs to this record."""
        try:
            with self._lock:
                self._connection.execute("INSERT OR IGNORE INTO keys (vkey) VALUES (?)", (vkey,))
        except sqlite3.Error as error:
            _refuse(self._path, error)

    def check_keys(self, vkeys: Iterable[str]) -> None:
        """Raise RecordDamaged unless each of `vkeys` belongs to this record."""
        try:
            with self._lock:
                known = {vkey for (vkey,) in self._connection.execute("SELECT vkey FROM keys")}
        except sqlite3.Error as error:
            _refuse(self._path, error)
        for vkey in vkeys:
            if vkey not in known:
                raise RecordDamaged(f"{self._path} is the record of other keys than {vkey.partition('+')[0]}'s")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _advance(self, origin: str, note: bytes, judge: Judge, clock: Clock) -> int:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            known = self._head(origin)
            checkpoint = judge(known)
            time_s = _time_to_state(clock, 0 if known is None else known.time_s)
            run(
                "INSERT OR REPLACE INTO heads (origin, size, root, note, time_s) VALUES (?, ?, ?, ?, ?)",
                (origin, checkpoint.size, checkpoint.root, note, time_s),
            )
            run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise
        return time_s

    def _head(self, origin: str) -> CosignedHead | None:
        row = self._connection.execute(f"{_SELECT} WHERE origin = ?", (origin,)).fetchone()
        return None if row is None else _head_of(row)


def _head_of(row: tuple[str, int, bytes, bytes, int]) -> CosignedHead:
    origin, size, root, note, time_s = row
    return CosignedHead(origin=origin, head=KnownHead(size=size, root=root), note=note, time_s=time_s)


def _time_to_state(clock: Clock, last_s: int) -> int:
    """Return the present in POSIX seconds, never before `last_s`: a larger tree is not the older one."""
    now_s = int(clock.now().timestamp())
    if now_s < last_s - MAX_CLOCK_STEP_BACK_S:
        raise ClockBehind(f"the clock is {last_s - now_s} s before the last cosignature")
    return max(now_s, last_s, 1)


def _connect(path: Path) -> sqlite3.Connection:
    # Every use is under the record's lock; SQLite itself is built to be shared.
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse(path: Path, error: OSError | sqlite3.Error) -> NoReturn:
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "") in _DAMAGE:
        raise RecordDamaged(f"{path} is damaged: {error}") from error
    raise RecordUnavailable(f"{path}: {error}") from error
