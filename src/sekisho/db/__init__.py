"""The database under the domains: engine, unit of work, column types, and the outbox that feeds the ledger.

It knows no domain and no ledger: tables belong to the rooms above, ledger entries pass through as bytes.
"""

from sekisho.db.base import Base, CanonicalJson, UtcDateTime, closed_list
from sekisho.db.engine import sqlite_url
from sekisho.db.errors import Conflict, DatabaseFailed, DatabaseRefused
from sekisho.db.outbox import Append, HistoryDiffers, check_history, drain, is_recorded, record
from sekisho.db.session import Database

__all__ = [
    "Append",
    "Base",
    "CanonicalJson",
    "Conflict",
    "Database",
    "DatabaseFailed",
    "DatabaseRefused",
    "HistoryDiffers",
    "UtcDateTime",
    "check_history",
    "closed_list",
    "drain",
    "is_recorded",
    "record",
    "sqlite_url",
]
