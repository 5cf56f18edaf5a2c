"""Checkpoints (C2SP tlog-checkpoint v1.0.0): the signed head of a log, a note of origin, size and root."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.tlog.base64_strict import decode_base64, encode_base64
from sekisho.tlog.merkle import EMPTY_ROOT, HASH_SIZE_BYTES
from sekisho.tlog.note import NoteSigner, NoteVerifier, open_note, parse_note, sign_note

# What fits a signed 64-bit integer, as the other implementations hold it.
MAX_SIZE: Final = 2**63 - 1
# ASCII digits only: int() would take full-width digits, underscores and spaces. 19 digits reach MAX_SIZE.
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class CheckpointRefused(SekishoError):
    """The text is not a checkpoint, or not one of this log."""

    code: ClassVar[str] = "SKS-TLOG-005"
    hint = "Fetch the checkpoint again; its first line must be the origin of the log."


class ForkShown(SekishoError):
    """Two signed heads of one log cannot both be true.

    `notes`: the two signed notes, which prove it to anybody.
    """

    code: ClassVar[str] = "SKS-TLOG-019"
    hint = "Keep both signed notes and show them to every party: the log, or who holds its key, showed two histories."

    def __init__(self, message: str, *, notes: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.notes = notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of the log `origin`: its first `size` entries have the Merkle root `root` (32 bytes).

    `extensions` are further lines, which the specification allows and advises against; ours have none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or any("\n" in line or not line for line in (self.origin, *self.extensions)):
            raise CheckpointRefused("the origin and each extension are one line and not empty")
        if not 0 <= self.size <= MAX_SIZE:
            raise CheckpointRefused("a size is from 0 to 2**63 - 1")
        if len(self.root) != HASH_SIZE_BYTES:
            raise CheckpointRefused("a root is 32 bytes")


def encode_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the text of `checkpoint`, each line ending in a newline."""
    lines = (checkpoint.origin, str(checkpoint.size), encode_base64(checkpoint.root), *checkpoint.extensions)
    return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that `text` says, or raise CheckpointRefused. What it says is not verified here."""
    if not text.endswith("\n"):
        raise CheckpointRefused("the last line does not end in a newline")
    lines = text[:-1].split("\n")
    if len(lines) < 3:
        raise CheckpointRefused("fewer than three lines")
    if not _SIZE.fullmatch(lines[1]):
        raise CheckpointRefused("the size is not a decimal number without leading zeros")
    root = decode_base64(lines[2])
    if root is None:
        raise CheckpointRefused("the root is not canonical base64")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root, extensions=tuple(lines[3:]))


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> bytes:
    """Return `checkpoint` as a signed note, or raise CheckpointRefused.

    The caller MUST have recorded durably that it signs this size and root.
    """
    _require_own(checkpoint, signer.verifier)
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise CheckpointRefused("the root of size 0 is not the empty root")
    return sign_note(encode_checkpoint(checkpoint), signer)


def open_checkpoint(note: bytes, verifier: NoteVerifier) -> Checkpoint:
    """Return the checkpoint in `note` if `verifier` signed it and is named for its origin.

    Raises NoteRefused or CheckpointRefused.
    """
    checkpoint = parse_checkpoint(open_note(note, (verifier,)))
    _require_own(checkpoint, verifier)
    return checkpoint


def require_same_tree(first: bytes, second: bytes) -> None:
    """Raise ForkShown if the signed heads `first` and `second` of one log state two roots for one size.

    The caller MUST have verified both notes, each by whichever keys it trusts. Heads of two sizes pass: whether the
    larger extends the smaller takes a consistency path. Raises CheckpointRefused if the origins differ.
    """
    one, other = (parse_checkpoint(parse_note(note).text) for note in (first, second))
    if one.origin != other.origin:
        raise CheckpointRefused(f"the origins are {one.origin[:80]!r} and {other.origin[:80]!r}")
    if one.size == other.size and one.root != other.root:
        raise ForkShown(f"{one.origin[:80]!r} has two roots for size {one.size}", notes=(first, second))


def _require_own(checkpoint: Checkpoint, verifier: NoteVerifier) -> None:
    # C2SP: the key's name should be the origin. Ours must, so that one key never vouches for two logs.
    if checkpoint.origin != verifier.name:
        raise CheckpointRefused(f"the origin is {checkpoint.origin[:80]!r}, the key is named {verifier.name[:80]!r}")
