"""Opening a database by its URL, with the guarantees that the rooms above rely on.

SQLite: WAL, so that readers never wait for the writer; synchronous=FULL, since what was answered must survive a power
cut; foreign keys on, which SQLite leaves off; BEGIN IMMEDIATE for writers, so that two never find out at commit.
PostgreSQL takes the same code by its URL: serialisable transactions, and nothing of the above to set.
"""

import os
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from sekisho.db.errors import DatabaseRefused

# One process writes a file, so only a copy or a checkpoint can be in the way; five seconds cover both.
_BUSY_TIMEOUT_MS = 5_000
# The execution option that marks a session as one that only reads.
READ_ONLY = "sekisho_read_only"


def sqlite_url(path: Path) -> str:
    """Return the URL of the SQLite database in the file `path`."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def open_engine(url: str) -> Engine:
    """Return an engine for `url`, or raise DatabaseRefused. Nothing is read yet, but a SQLite file is made, 0600."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseRefused("not the URL of a database") from error
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, isolation_level="SERIALIZABLE")
    _make_private(parsed)
    engine = create_engine(parsed)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(url: URL) -> None:
    """Make the file before SQLite does: it names people, and SQLite would make it readable for all.

    SQLite gives the -wal and -shm files the mode of the database.
    """
    if url.database in (None, "", ":memory:"):
        raise DatabaseRefused("a database in memory keeps nothing")
    try:
        os.close(os.open(str(url.database), os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseRefused(f"cannot open {url.database}: {error.strerror}") from error


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # sqlite3 would begin transactions by itself, and not before a SELECT; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    mode = cursor.fetchone()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
    if mode is None or mode[0] != "wal":
        raise DatabaseRefused("the file system cannot hold a write-ahead log")


def _begin_sqlite(connection: Connection) -> None:
    reads = bool(connection.get_execution_options().get(READ_ONLY, False))
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
