"""Portable proofs (C2SP tlog-proof): one file that shows, without network, that an entry is in a witnessed log."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.tlog.base64_strict import decode_base64, encode_base64
from sekisho.tlog.checkpoint import MAX_SIZE
from sekisho.tlog.merkle import HASH_SIZE_BYTES, hash_leaf, verify_inclusion
from sekisho.tlog.note import MAX_NOTE_SIZE_BYTES, NoteVerifier
from sekisho.tlog.policy import Policy, Witnessed, check_witnessed

# A tree of 2**63 - 1 entries is 63 levels high.
MAX_PATH_LENGTH: Final = 63
# Ours carry an entry, at most 65,535 bytes.
MAX_EXTRA_SIZE_BYTES: Final = 65_535
MAX_PROOF_SIZE_BYTES: Final = MAX_NOTE_SIZE_BYTES + 131_072
_HEADER: Final = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


class ProofRefused(SekishoError):
    """The bytes are not a tlog-proof file."""

    code: ClassVar[str] = "SKS-TLOG-011"
    hint = "Fetch the proof again; its first line must read c2sp.org/tlog-proof@v1."


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That the entry at `index` lies in the tree of a checkpoint. Says nothing until `check_proof` has passed.

    `path`: 32-byte hashes, from the leaf's sibling upwards. `checkpoint`: the signed note, verbatim. `extra`: bytes
    for the application, which nobody signed.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_SIZE:
            raise ProofRefused("an index is from 0 to 2**63 - 2")
        if len(self.path) > MAX_PATH_LENGTH or any(len(step) != HASH_SIZE_BYTES for step in self.path):
            raise ProofRefused(f"a path has at most {MAX_PATH_LENGTH} hashes of 32 bytes")
        if self.extra is not None and len(self.extra) > MAX_EXTRA_SIZE_BYTES:
            raise ProofRefused(f"the extra data is longer than {MAX_EXTRA_SIZE_BYTES} bytes")
        if not self.checkpoint.endswith(b"\n") or len(self.checkpoint) > MAX_NOTE_SIZE_BYTES:
            raise ProofRefused(f"a checkpoint ends in a newline and has at most {MAX_NOTE_SIZE_BYTES} bytes")


def encode_proof(proof: Proof) -> bytes:
    """Return `proof` as a `.tlog-proof` file."""
    extra = () if proof.extra is None else (f"extra {encode_base64(proof.extra)}",)
    lines = (_HEADER, *extra, f"index {proof.index}", *map(encode_base64, proof.path), "")
    return "".join(f"{line}\n" for line in lines).encode() + proof.checkpoint


def parse_proof(data: bytes) -> Proof:
    """Return the proof that `data` says, nothing verified, or raise ProofRefused.

    Steps: (1) size; (2) the first empty line parts proof and checkpoint; (3) header, extra if any, index, hashes.
    """
    # (1)
    if len(data) > MAX_PROOF_SIZE_BYTES:
        raise ProofRefused(f"{len(data)} bytes, more than {MAX_PROOF_SIZE_BYTES}")
    # (2)
    head, _, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise ProofRefused("not ASCII above the checkpoint") from error
    # (3)
    if lines.pop(0) != _HEADER:
        raise ProofRefused(f"the first line is not {_HEADER}")
    extra = _base64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
    match = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if match is None:
        raise ProofRefused("no line `index N` where it belongs")
    path = tuple(_base64(line) for line in lines)
    return Proof(index=int(match[1]), path=path, checkpoint=checkpoint, extra=extra)


def check_proof(proof: Proof, entry: bytes, policy: Policy, *, log: NoteVerifier | None = None) -> Witnessed:
    """Return the witnessed checkpoint that `proof` shows `entry` to be in, or raise.

    `log` as in `check_witnessed`, whose errors it raises besides InclusionRefused. The extra data is not looked at.
    """
    return check_proof_of_hash(proof, hash_leaf(entry), policy, log=log)


def check_proof_of_hash(
    proof: Proof, leaf_hash: bytes, policy: Policy, *, log: NoteVerifier | None = None
) -> Witnessed:
    """As `check_proof`, for an entry of which the caller has the leaf hash, SHA-256(0x00 || entry), only.

    The caller MUST know the hash for an entry's: an inner node's hash proves itself just as well.
    """
    # (1) The checkpoint is signed and witnessed as the policy asks.
    witnessed = check_witnessed(proof.checkpoint, policy, log=log)
    # (2) The entry lies in its tree.
    head = witnessed.checkpoint
    verify_inclusion(leaf_hash, proof.index, head.size, proof.path, head.root)
    return witnessed


def _base64(text: str) -> bytes:
    data = decode_base64(text)
    if data is None:
        raise ProofRefused("a line is not canonical base64")
    return data
