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
    LogDamaged,
    LogForked,
    LogLocked,
    LogOverloaded,
    NoSuchEntry,
    NoSuchLog,
    StoreBehind,
    StoreDamaged,
    WrongLog,
)
from sekisho.ledger.export import ExportRefused, Trusted, export_ledger
from sekisho.ledger.follow import Follower
from sekisho.ledger.fsck import check_files
from sekisho.ledger.heads import DECISIONS, locate_log
from sekisho.ledger.log import Log
from sekisho.ledger.postgres_address import find_store
from sekisho.ledger.prove import ProofFalse, ProofNeedsEntry, Proven, check_entry_proof, prove_entry
from sekisho.ledger.proven import read_entries
from sekisho.ledger.report import Fault, Gap, LogReport, Problem, Report, Trust
from sekisho.ledger.search import Found, Query, VerifiedLog, search_entries, search_request
from sekisho.ledger.source import Source
from sekisho.ledger.verify import OnProgress, verify_ledger
from sekisho.ledger.web import WebUnavailable, open_source
from sekisho.ledger.witness.quorum import open_witnesses

__all__ = [
    "CALLS_KINDS",
    "DECISIONS",
    "CheckpointDamaged",
    "CommitmentRefused",
    "Committer",
    "Entry",
    "EntryKind",
    "EntryRefused",
    "ExportRefused",
    "Fault",
    "Follower",
    "Found",
    "Gap",
    "LedgerForked",
    "LedgerNotFound",
    "LedgerUnavailable",
    "Log",
    "LogClosed",
    "LogDamaged",
    "LogForked",
    "LogLocked",
    "LogOverloaded",
    "LogReport",
    "NoSuchEntry",
    "NoSuchLog",
    "OnProgress",
    "Problem",
    "ProofFalse",
    "ProofNeedsEntry",
    "Proven",
    "Query",
    "Report",
    "Source",
    "StoreBehind",
    "StoreDamaged",
    "Trust",
    "Trusted",
    "VerifiedLog",
    "WebUnavailable",
    "WrongLog",
    "check_commitment",
    "check_entry_proof",
    "check_files",
    "commit",
    "decode_entry",
    "encode_entry",
    "export_ledger",
    "find_store",
    "locate_log",
    "open_source",
    "open_witnesses",
    "prove_entry",
    "read_entries",
    "search_entries",
    "search_request",
    "verify_ledger",
]
