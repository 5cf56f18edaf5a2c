"""Where a log's store is, and the one place that picks its implementation. Private to the ledger."""

from pathlib import Path
from typing import TypeAlias

from sekisho.ledger.sqlite_store import SqliteStore
from sekisho.ledger.store import SequencingStore

# A path is a SQLite file on this machine.
StoreAddress: TypeAlias = Path


def open_store(address: StoreAddress, *, origin: str, vkey: str) -> SequencingStore:
    """Return the store at `address`, made if there is none.

    Raises LogLocked, WrongLog, StoreDamaged or LedgerUnavailable.
    """
    return SqliteStore.open(address, origin=origin, vkey=vkey)
