"""Evidence that a log showed two histories: two heads that its key signed. docs/specs/log-fork.md has the format.

Two heads of one size with two roots prove it to anybody, without network. Two heads of different sizes prove it only
together with the log's silence: the log could still show that one extends the other, and nobody else can.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sekisho.core.errors import SekishoError
from sekisho.core.utc import format_utc, parse_utc
from sekisho.formats import jcs
from sekisho.ledger.files import make_folder, sync_folder
from sekisho.ledger.witness.errors import EvidenceRefused, RecordUnavailable
from sekisho.tlog.base64_strict import decode_base64, encode_base64
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.note import MAX_NOTE_SIZE_BYTES, NoteVerifier

KIND: Final = "sekisho-log-fork/v1"
# Two notes in base64, and room for the rest.
MAX_EVIDENCE_SIZE_BYTES: Final = 3 * MAX_NOTE_SIZE_BYTES
# A log whose key is in wrong hands could sign forks without end. The first hundred say enough.
MAX_KEPT: Final = 100
_FIELDS: Final = frozenset({"kind", "vkey", "first", "second", "seen_at"})
_FORK_SUFFIX: Final = ".fork.json"
_UNPROVEN_SUFFIX: Final = ".unproven.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Two heads that the key `vkey` signed. `first`, `second`: signed notes; `seen_at`: aware UTC, by the witness."""

    vkey: str
    first: bytes
    second: bytes
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Proof that a log signed two trees of one size."""

    origin: str
    size: int
    first_root: bytes
    second_root: bytes


def encode_evidence(evidence: Evidence) -> bytes:
    """Return `evidence` as canonical JSON."""
    # The notes in base64: JSON of one reading refuses text that a hostile log could choose, and so evade its evidence.
    return jcs.canonical(
        {
            "kind": KIND,
            "vkey": evidence.vkey,
            "first": encode_base64(evidence.first),
            "second": encode_base64(evidence.second),
            "seen_at": format_utc(evidence.seen_at),
        }
    )


def parse_evidence(data: bytes) -> Evidence:
    """Return the evidence in `data`, nothing verified, or raise EvidenceRefused."""
    if len(data) > MAX_EVIDENCE_SIZE_BYTES:
        raise EvidenceRefused(f"{len(data)} bytes, more than {MAX_EVIDENCE_SIZE_BYTES}")
    try:
        value = jcs.parse(data)
    except jcs.JsonRefused as error:
        raise EvidenceRefused(f"not JSON: {error.message}") from error
    if not isinstance(value, Mapping) or set(value) != _FIELDS or value["kind"] != KIND:
        raise EvidenceRefused(f"not {KIND}")
    texts = {name: item for name, item in value.items() if isinstance(item, str)}
    if len(texts) != len(_FIELDS):
        raise EvidenceRefused("every field is text")
    try:
        seen_at = parse_utc(texts["seen_at"])
    except SekishoError as error:
        raise EvidenceRefused(error.message) from error
    first, second = decode_base64(texts["first"]), decode_base64(texts["second"])
    if first is None or second is None:
        raise EvidenceRefused("a head is not canonical base64")
    return Evidence(vkey=texts["vkey"], first=first, second=second, seen_at=seen_at)


def check_fork(evidence: Evidence, verifier: NoteVerifier | None = None) -> Fork:
    """Return the fork that `evidence` proves, or raise EvidenceRefused.

    `verifier`: the log's key from a pinned charter; without it the key in the evidence is taken, and the fork is
    that key's, whoever holds it. Steps: (1) whose key; (2) it signed both heads; (3) they are of one size; (4) their
    roots differ. When and where the witness saw them is its word alone.
    """
    try:
        # (1)
        claimed = NoteVerifier.parse(evidence.vkey)
        if verifier is not None and claimed != verifier:
            raise EvidenceRefused("the evidence is about another key")
        # (2)
        first, second = _heads(evidence, claimed)
    except EvidenceRefused:
        raise
    except SekishoError as error:
        raise EvidenceRefused(f"not two heads that one key signed: {error.message}") from error
    # (3)
    if first.size != second.size:
        raise EvidenceRefused(
            f"two heads of sizes {first.size} and {second.size}: no proof by themselves. "
            "The log must show that one extends the other"
        )
    # (4)
    if first.root == second.root:
        raise EvidenceRefused("one head twice")
    return Fork(origin=first.origin, size=first.size, first_root=first.root, second_root=second.root)


class EvidenceFolder:
    """The witness's evidence, one file each: added durably, never changed or removed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, evidence: Evidence) -> Path | None:
        """Keep `evidence` unless it is there or its kind is full, and return its file if it is new.

        Raises RecordUnavailable.
        """
        suffix = _FORK_SUFFIX if _is_fork(evidence) else _UNPROVEN_SUFFIX
        heads = hashlib.sha256(evidence.first + evidence.second).hexdigest()
        path = self._folder / f"{heads[:32]}{suffix}"
        try:
            make_folder(self._folder)
            if path.exists() or sum(1 for _ in self._folder.glob(f"*{suffix}")) >= MAX_KEPT:
                return None
            self._place(path, encode_evidence(evidence))
        except OSError as error:
            raise RecordUnavailable(f"{path}: {error.strerror or error}") from error
        return path

    def forks(self) -> Iterator[Path]:
        """Yield the files that prove a fork."""
        return iter(sorted(self._folder.glob(f"*{_FORK_SUFFIX}")))

    def unproven(self) -> Iterator[Path]:
        """Yield the files of two heads of different sizes, of which nobody has shown that one extends the other."""
        return iter(sorted(self._folder.glob(f"*{_UNPROVEN_SUFFIX}")))

    def _place(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(self._folder)


def _is_fork(evidence: Evidence) -> bool:
    try:
        check_fork(evidence)
    except EvidenceRefused:
        return False
    return True


def _heads(evidence: Evidence, verifier: NoteVerifier) -> tuple[Checkpoint, Checkpoint]:
    return open_checkpoint(evidence.first, verifier), open_checkpoint(evidence.second, verifier)
