"""The tables of one log in a PostgreSQL database of its own. Private to the ledger.

`log` has one row: whose log it is and how many entries it has. Whoever writes entries holds that row until the commit,
so indexes come from it and never from a sequence, which leaves a hole at each rollback. Keys are bytes: a text index
follows the collation, which changes under it when the system's C library is upgraded.
"""

from typing import Final

from psycopg import sql

from sekisho.ledger.errors import StoreDamaged, WrongLog
from sekisho.ledger.postgres_address import PostgresAddress
from sekisho.ledger.postgres_session import Connection

_VERSION: Final = 1
# "SKLG" and a number each: what no other program in the database would lock by accident.
LOCK_SPACE: Final = 0x534B4C47
SETUP_LOCK: Final = 1
PUBLISHER_LOCK: Final = 2

_SCHEMA: Final = (
    "CREATE SCHEMA sekisho_log",
    # The row changes with every batch: room on its page lets the server reuse it in place.
    """CREATE TABLE sekisho_log.log (
      one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL,
      origin text NOT NULL, vkey text NOT NULL, size bigint NOT NULL CHECK (size >= 0)
    ) WITH (fillfactor = 10)""",
    """CREATE TABLE sekisho_log.entries (
      position bigint PRIMARY KEY CHECK (position >= 0), data bytea NOT NULL, key bytea, private bytea
    )""",
    "CREATE UNIQUE INDEX entries_by_key ON sekisho_log.entries (key) WHERE key IS NOT NULL",
    # There from the beginning, so that there is a row to lock before the first head is persisted.
    """CREATE TABLE sekisho_log.head (
      one boolean PRIMARY KEY DEFAULT true CHECK (one), size bigint, root bytea, signed_at text,
      CHECK (num_nulls(size, root, signed_at) IN (0, 3))
    ) WITH (fillfactor = 10)""",
    "INSERT INTO sekisho_log.head DEFAULT VALUES",
)
_TABLES: Final = ("entries", "head", "log")


def prepare(connection: Connection, address: PostgresAddress, *, origin: str, vkey: str) -> None:
    """Make the tables if there are none, and see that they are of this log. Raises WrongLog or StoreDamaged.

    Steps: (1) one process at a time; (2) make what is missing, all or nothing; (3) tables that a crash does not
    empty; (4) our version; (5) this log and no other.
    """
    run = connection.execute
    with connection.transaction():
        # (1)
        run("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_SPACE, SETUP_LOCK))
        # (2)
        if run("SELECT to_regnamespace('sekisho_log') IS NULL").fetchone() == (True,):
            for statement in _SCHEMA:
                run(sql.SQL(statement))
            run(
                "INSERT INTO sekisho_log.log (version, origin, vkey, size) VALUES (%s, %s, %s, 0)",
                (_VERSION, origin, vkey),
            )
        # (3) An unlogged table is truncated by the server after a crash.
        kept = run(
            "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace('sekisho_log')"
            " AND relkind = 'r' AND relpersistence = 'p' ORDER BY relname"
        ).fetchall()
        if not {(name,) for name in _TABLES} <= set(kept):
            raise StoreDamaged(f"{address.shown} lacks a table of the log, or has one that no crash would leave whole")
        # (4)
        rows = run("SELECT version, origin, vkey FROM sekisho_log.log").fetchall()
        if [row[0] for row in rows] != [_VERSION]:
            raise StoreDamaged(f"{address.shown} is not a log's database of version {_VERSION}")
        # (5)
        if rows[0][1:] != (origin, vkey):
            raise WrongLog(f"{address.shown} is the store of another log, or of this log under another key")
