"""The database under the domains: engine, unit of work, column types, and the outbox that feeds the ledger.

It knows no domain and no ledger: tables belong to the rooms above, ledger entries pass through as bytes.
"""

from sekisho.db.base import Base, CanonicalJson, UtcDateTime
from sekisho.db.errors import Conflict, DatabaseFailed, DatabaseRefused
from sekisho.db.outbox import drain, record
from sekisho.db.session import Database

__all__ = [
    "Base",
    "CanonicalJson",
    "Conflict",
    "Database",
    "DatabaseFailed",
    "DatabaseRefused",
    "UtcDateTime",
    "drain",
    "record",
]
