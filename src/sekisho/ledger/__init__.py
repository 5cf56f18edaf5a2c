"""The durable log: entries in, a verifiable tree out; and its verification from files alone."""

from sekisho.ledger.commitment import Committer, check_commitment, commit
from sekisho.ledger.entries import CALLS_KINDS, Entry, EntryKind, decode_entry, encode_entry
from sekisho.ledger.errors import (
    CheckpointDamaged,
    CommitmentRefused,
    EntryRefused,
    LedgerForked,
    LedgerNotFound,
    LedgerUnavailable,
    LogClosed,
    LogLocked,
    LogOverloaded,
    StoreBehind,
    StoreDamaged,
    WrongLog,
)
from sekisho.ledger.log import Log
from sekisho.ledger.postgres_address import find_store
from sekisho.ledger.report import Fault, Gap, LogReport, Problem, Report, Trust
from sekisho.ledger.verify import verify_ledger

__all__ = [
    "CALLS_KINDS",
    "CheckpointDamaged",
    "CommitmentRefused",
    "Committer",
    "Entry",
    "EntryKind",
    "EntryRefused",
    "Fault",
    "Gap",
    "LedgerForked",
    "LedgerNotFound",
    "LedgerUnavailable",
    "Log",
    "LogClosed",
    "LogLocked",
    "LogOverloaded",
    "LogReport",
    "Problem",
    "Report",
    "StoreBehind",
    "StoreDamaged",
    "Trust",
    "WrongLog",
    "check_commitment",
    "commit",
    "decode_entry",
    "encode_entry",
    "find_store",
    "verify_ledger",
]
