"""Where a log's store is, and the one place that picks its implementation. Private to the ledger."""

from pathlib import Path
from typing import TypeAlias

from sekisho.ledger.errors import DriverMissing
from sekisho.ledger.postgres_address import PostgresAddress
from sekisho.ledger.sqlite_store import SqliteStore
from sekisho.ledger.store import SequencingStore

# A path is a SQLite file on this machine.
StoreAddress: TypeAlias = Path | PostgresAddress


def open_store(address: StoreAddress, *, origin: str, vkey: str) -> SequencingStore:
    """Return the store at `address`, made if there is none.

    Raises LogLocked, WrongLog, StoreDamaged or LedgerUnavailable; for PostgreSQL, UnsafeServer or DriverMissing too.
    """
    if isinstance(address, PostgresAddress):
        return _open_postgres(address, origin=origin, vkey=vkey)
    return SqliteStore.open(address, origin=origin, vkey=vkey)


def _open_postgres(address: PostgresAddress, *, origin: str, vkey: str) -> SequencingStore:
    # Imported only here: the driver is an extra, and LGPL (ADR 0013).
    try:
        from sekisho.ledger.postgres_store import PostgresStore
    except ImportError as error:
        raise DriverMissing(f"the log is in PostgreSQL ({address.shown}), and its driver is not installed") from error
    return PostgresStore.open(address, origin=origin, vkey=vkey)
