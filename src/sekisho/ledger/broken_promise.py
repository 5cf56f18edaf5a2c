"""Evidence that a log broke a promise: a file that anybody who knows the log's key judges offline.

docs/specs/promise.md, "Evidence", in code. Pure: bytes in, a breach out, or EvidenceRefused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.core.utc import format_utc, parse_utc
from sekisho.formats import jcs
from sekisho.formats.jcs import Json
from sekisho.ledger.entries import EntryKind, decode_entry
from sekisho.ledger.errors import EntryRefused
from sekisho.ledger.promise import Promise, open_promise
from sekisho.tlog.base64_strict import decode_base64, encode_base64
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import hash_leaf, verify_inclusion
from sekisho.tlog.note import NoteVerifier

VERSION: Final = "sekisho-broken-promise/v1"
# A checkpoint with a hundred ML-DSA cosignatures, the longest entry, and a path, all as JSON text.
MAX_EVIDENCE_SIZE_BYTES: Final = 1_048_576
_NAMES: Final = frozenset({"version", "breach", "vkey", "promise", "checkpoint", "entry", "path", "seen_at"})


class EvidenceRefused(SekishoError):
    """The file does not show that the log broke its promise."""

    code: ClassVar[str] = "SKS-LEDGER-033"
    hint = "Ask whoever accuses the log for the file as `sekisho ledger check-receipt` wrote it, and for its key."


class Breach(Enum):
    """How a promise was broken."""

    OTHER_LEAF = "other-leaf"
    OTHER_REQUEST = "other-request"
    NOT_COVERED = "not-covered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A promise and the signed checkpoint that contradicts it. `checkpoint`: the signed note, verbatim.

    `entry` and `path`: what stands at the promised index in that tree; None and nothing for NOT_COVERED. `seen_at`
    (aware UTC): when the checkpoint was found to be the log's newest, by the finder's clock, which nobody signed.
    """

    breach: Breach
    vkey: str
    promise: str
    checkpoint: bytes
    entry: bytes | None
    path: tuple[bytes, ...]
    seen_at: datetime


def encode_evidence(evidence: Evidence) -> bytes:
    """Return `evidence` as a file."""
    fields: dict[str, Json] = {
        "version": VERSION,
        "breach": evidence.breach.value,
        "vkey": evidence.vkey,
        "promise": evidence.promise,
        # Not as text: a stranger's signature line, which nobody verifies, may hold what canonical JSON refuses.
        "checkpoint": encode_base64(evidence.checkpoint),
        "entry": None if evidence.entry is None else encode_base64(evidence.entry),
        "path": [encode_base64(step) for step in evidence.path],
        "seen_at": format_utc(evidence.seen_at),
    }
    return jcs.canonical(fields)


def parse_evidence(data: bytes) -> Evidence:
    """Return what the file `data` says, nothing verified, or raise EvidenceRefused."""
    try:
        fields = jcs.parse(data, max_size_bytes=MAX_EVIDENCE_SIZE_BYTES)
        if not isinstance(fields, Mapping) or set(fields) != _NAMES or fields["version"] != VERSION:
            raise EvidenceRefused(f"not an object of {VERSION} with exactly its names")
        return Evidence(
            breach=Breach(fields["breach"]),
            vkey=_text(fields, "vkey"),
            promise=_text(fields, "promise"),
            checkpoint=_bytes(fields["checkpoint"]),
            entry=None if fields["entry"] is None else _bytes(fields["entry"]),
            path=_path(fields["path"]),
            seen_at=parse_utc(_text(fields, "seen_at")),
        )
    except EvidenceRefused:
        raise
    except (SekishoError, ValueError, TypeError) as error:
        raise EvidenceRefused(f"not well-formed: {type(error).__name__}") from error


def check_evidence(evidence: Evidence, verifier: NoteVerifier) -> Promise:
    """Return the promise that `evidence` shows to be broken by the log of `verifier`, or raise EvidenceRefused.

    Steps: (1) the log signed the promise and (2) the checkpoint; (3) the two contradict each other. `verifier`: the
    log's key as the caller knows it; the one in the file is not looked at.
    """
    try:
        # (1)
        promise = open_promise(evidence.promise, verifier)
        # (2)
        checkpoint = open_checkpoint(evidence.checkpoint, verifier)
        # (3)
        if evidence.breach is Breach.NOT_COVERED:
            _require_not_covered(promise, checkpoint, evidence.seen_at)
        else:
            _require_other_entry(evidence, promise, checkpoint)
    except EvidenceRefused:
        raise
    except SekishoError as error:
        raise EvidenceRefused(error.message) from error
    return promise


def is_intent_of(entry: bytes, request_id: str) -> bool:
    """Say whether `entry` is the intent of the request."""
    try:
        decoded = decode_entry(entry)
    except EntryRefused:
        return False
    return decoded.kind is EntryKind.CALL_INTENDED and decoded.body["request_id"] == request_id


def _require_not_covered(promise: Promise, checkpoint: Checkpoint, seen_at: datetime) -> None:
    if checkpoint.size > promise.index:
        raise EvidenceRefused(f"the checkpoint of {checkpoint.size} entries covers entry {promise.index}")
    if seen_at <= promise.due_at:
        raise EvidenceRefused("the promise was not yet due when the checkpoint was seen")


def _require_other_entry(evidence: Evidence, promise: Promise, checkpoint: Checkpoint) -> None:
    if evidence.entry is None:
        raise EvidenceRefused("there is no entry in it")
    leaf_hash = hash_leaf(evidence.entry)
    verify_inclusion(leaf_hash, promise.index, checkpoint.size, evidence.path, checkpoint.root)
    found = Breach.OTHER_LEAF if leaf_hash != promise.leaf_hash else Breach.OTHER_REQUEST
    if found is not evidence.breach or (
        found is Breach.OTHER_REQUEST and is_intent_of(evidence.entry, promise.request_id)
    ):
        raise EvidenceRefused("what stands at the index does not contradict the promise in this way")


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise EvidenceRefused(f"{name} is not text")
    return value


def _bytes(value: Json) -> bytes:
    data = decode_base64(value) if isinstance(value, str) else None
    if data is None:
        raise EvidenceRefused("not canonical base64")
    return data


def _path(value: Json) -> tuple[bytes, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise EvidenceRefused("the path is not a list")
    return tuple(_bytes(step) for step in value)
