"""One session with a log's PostgreSQL database: asked for what a ledger needs, and refused if the server gives less.

The one place of the ledger, with postgres_store.py, that knows the driver. Private to the ledger.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn, TypeAlias

import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo

from sekisho.ledger.errors import LedgerUnavailable, StoreDamaged, UnsafeServer
from sekisho.ledger.postgres_address import PostgresAddress
from sekisho.ledger.postgres_statements import SETTINGS

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

# The driver tells its logger of what it also raises; without a handler it would land on stderr between our lines.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# A server that is being restarted answers at once or not at all; a call waits for the ledger no longer than this.
CONNECT_TIMEOUT_S: Final = 5
# What a statement may take with everything that it waits for. A batch takes milliseconds, a page of entries less.
STATEMENT_TIMEOUT_MS: Final = 10_000
# How long a batch waits for those of other processes.
LOCK_TIMEOUT_MS: Final = 5_000
# A writer that stands still inside a transaction holds up all others: the server ends it before they give up.
IDLE_IN_TRANSACTION_TIMEOUT_MS: Final = 3_000
# How soon either end finds out that the other's machine is gone: 10 + 3 × 5 seconds of silence.
_KEEPALIVE: Final = {"idle": 10, "interval": 5, "count": 3}
# The oldest that its makers still mend.
MIN_SERVER_VERSION: Final = 140_000

# Each is said for the session, so that no default of the role, the database or the server can weaken it. Names are
# looked up nowhere but where they are written: nobody's function takes the place of one of PostgreSQL's.
_SESSION: Final = {
    "synchronous_commit": "on",
    "default_transaction_isolation": "read\\ committed",
    "default_transaction_read_only": "off",
    "search_path": "pg_catalog",
    "statement_timeout": STATEMENT_TIMEOUT_MS,
    "lock_timeout": LOCK_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
    "idle_session_timeout": 0,
    **{f"tcp_keepalives_{name}": value for name, value in _KEEPALIVE.items()},
}
_ASKED: Final[dict[str, str | int]] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    # A standby answers too, and would refuse the first entry.
    "target_session_attrs": "read-write",
    "application_name": "sekisho ledger",
    "client_encoding": "UTF8",
    "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
    **{f"keepalives_{name}": value for name, value in _KEEPALIVE.items()},
}
_DURABLE: Final = ("on", "on")


def connect(address: PostgresAddress) -> Connection:
    """Return a session in which each statement is its own transaction. Raises LedgerUnavailable or UnsafeServer."""
    with reported(address):
        connection = psycopg.connect(make_conninfo("", **address.parameters, **_ASKED), autocommit=True)
        try:
            if connection.info.server_version < MIN_SERVER_VERSION:
                raise UnsafeServer(f"PostgreSQL {connection.info.server_version // 10_000} is too old")
            row = connection.execute(SETTINGS).fetchone()
            require_durable(row or ())
        except BaseException:
            connection.close()
            raise
    return connection


def require_durable(settings: tuple[Any, ...]) -> None:
    """Raise UnsafeServer unless `settings`, the answer to SETTINGS, mean that a commit outlives a power cut."""
    if settings != _DURABLE:
        raise UnsafeServer("the server has fsync or synchronous_commit off: a commit would not outlive a power cut")


def commit(connection: Connection) -> None:
    """Commit durably, or raise LedgerUnavailable or a driver's error; then the commit may have happened all the same.

    A server answers with a warning when somebody ends its wait for a synchronous standby: committed here, and perhaps
    nowhere else. It answers ROLLBACK, and no error, when the transaction had failed before.
    """
    warnings: list[str] = []

    def keep(notice: errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            warnings.append(notice.message_primary or "")

    connection.add_notice_handler(keep)
    answer = connection.execute("COMMIT").statusmessage
    connection.remove_notice_handler(keep)
    if warnings or answer != "COMMIT":
        raise LedgerUnavailable(f"the database did not commit cleanly: {(*warnings, answer)[0]}")


@contextmanager
def reported(address: PostgresAddress) -> Iterator[None]:
    """Let no exception of the driver or the system out: LedgerUnavailable or StoreDamaged instead."""
    try:
        yield
    except (psycopg.Error, OSError) as error:
        refuse(address, error)


def refuse(address: PostgresAddress, error: psycopg.Error | OSError) -> NoReturn:
    """Raise what `error` means for the log."""
    if isinstance(error, OSError):
        raise LedgerUnavailable(f"{address.shown}: {error}") from error
    said = _first_line(error)
    # A statement on our own tables: that they are not as we made them is damage.
    if isinstance(error, _DAMAGE):
        raise StoreDamaged(f"{address.shown} is damaged: {said}") from error
    raise LedgerUnavailable(f"{address.shown}: {said}", hint=_HINT) from error


_DAMAGE: Final = (
    errors.DataCorrupted,
    errors.IndexCorrupted,
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.DatatypeMismatch,
)
_HINT: Final = (
    "Look at the database server (running, reachable, room on its disk, the role's rights); "
    "the log goes on by itself once it answers."
)


def _first_line(error: psycopg.Error) -> str:
    """Return what the server or the driver said, without the lines that may quote an entry."""
    return error.diag.message_primary or str(error).partition("\n")[0] or type(error).__name__
