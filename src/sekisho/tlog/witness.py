"""The witness protocol (C2SP tlog-witness v1.0.0) as values and decisions: `add-checkpoint` without HTTP and storage.

A witness answers a log's request only if the new head extends what it cosigned before. Every refusal carries the
status that the specification gives it; a refusal that shows two histories carries the evidence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.tlog.base64_strict import decode_base64, encode_base64
from sekisho.tlog.checkpoint import MAX_SIZE, Checkpoint, CheckpointRefused, parse_checkpoint
from sekisho.tlog.cosignature import CosignatureRefused, CosignatureVerifier
from sekisho.tlog.merkle import EMPTY_ROOT, HASH_SIZE_BYTES, ConsistencyRefused, verify_consistency
from sekisho.tlog.note import (
    MAX_NOTE_SIZE_BYTES,
    NoteRefused,
    NoteVerifier,
    SignatureLineRefused,
    encode_signature,
    lines_of,
    open_note,
    parse_note,
)

# The specification's limit: a tree of 2**63 - 1 entries is 63 levels high.
MAX_PATH_LENGTH: Final = 63
MAX_REQUEST_SIZE_BYTES: Final = MAX_NOTE_SIZE_BYTES + 4_096
SIZE_CONTENT_TYPE: Final = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class AddCheckpointRefused(SekishoError):
    """A witness does not cosign this head, or the request or the answer is malformed.

    `status` is the HTTP status that the specification asks for.
    """

    code: ClassVar[str] = "SKS-TLOG-012"
    hint = "The message says which step of C2SP tlog-witness refused; correct the request."
    status: ClassVar[int] = 400


class OriginUnknown(AddCheckpointRefused):
    """The witness does not know a log of this origin."""

    code: ClassVar[str] = "SKS-TLOG-013"
    hint = "Ask the witness's operator to add the log's key."
    status: ClassVar[int] = 404


class LogSignatureRefused(AddCheckpointRefused):
    """No key that the witness trusts for this origin signed the checkpoint."""

    code: ClassVar[str] = "SKS-TLOG-014"
    hint = "Check that the witness was given the key that the log signs with."
    status: ClassVar[int] = 403


class OldSizeConflict(AddCheckpointRefused):
    """The request starts from another size than the witness cosigned last."""

    code: ClassVar[str] = "SKS-TLOG-015"
    hint = "Send the request again with a proof from the size that the witness answered."
    status: ClassVar[int] = 409

    def __init__(self, message: str, *, known_size: int) -> None:
        super().__init__(message)
        self.known_size = known_size

    @property
    def body(self) -> bytes:
        """The answer's body, of the content type `SIZE_CONTENT_TYPE`."""
        return f"{self.known_size}\n".encode()


class HistoryRefused(AddCheckpointRefused):
    """The log signed a head, and nothing shows that it extends the head which the witness cosigned last.

    `note` is the signed request: keep it with the head that was cosigned, since it may show two histories.
    """

    code: ClassVar[str] = "SKS-TLOG-016"
    hint = "Keep both heads. If the log cannot prove that one extends the other, it showed two histories."
    status: ClassVar[int] = 422

    def __init__(self, message: str, *, note: bytes) -> None:
        super().__init__(message)
        self.note = note


class HeadForked(HistoryRefused):
    """The log signed two roots for one size: two histories, shown by the two signed heads alone."""

    code: ClassVar[str] = "SKS-TLOG-017"
    hint = "Keep both heads and tell the log's parties: each is signed, and only one can be true."
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request to cosign `note`, with the consistency path from `old_size`. Nothing in it is verified."""

    old_size: int
    path: tuple[bytes, ...]
    note: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.old_size <= MAX_SIZE:
            raise AddCheckpointRefused("an old size is from 0 to 2**63 - 1")
        if len(self.path) > MAX_PATH_LENGTH or any(len(step) != HASH_SIZE_BYTES for step in self.path):
            raise AddCheckpointRefused(f"a path has at most {MAX_PATH_LENGTH} hashes of 32 bytes")

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says, unverified. Raises AddCheckpointRefused if it is no checkpoint."""
        try:
            return parse_checkpoint(parse_note(self.note).text)
        except SignatureLineRefused as error:
            raise LogSignatureRefused(str(error.args[0])) from error
        except (NoteRefused, CheckpointRefused) as error:
            raise AddCheckpointRefused(f"no checkpoint: {error.args[0]}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHead:
    """The head that a witness cosigned last for an origin; before the first, the empty tree."""

    size: int = 0
    root: bytes = EMPTY_ROOT


def encode_add_checkpoint(request: AddCheckpoint) -> bytes:
    """Return the body of the request."""
    lines = (f"old {request.old_size}", *map(encode_base64, request.path), "")
    return "".join(f"{line}\n" for line in lines).encode() + request.note


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Return the request in `body`, its checkpoint well-formed and nothing verified, or raise AddCheckpointRefused.

    Steps: (1) size; (2) the first empty line parts the lines of the request from the checkpoint; (3) old size and
    path; (4) a note that holds a checkpoint.
    """
    # (1)
    if len(body) > MAX_REQUEST_SIZE_BYTES:
        raise AddCheckpointRefused(f"{len(body)} bytes, more than {MAX_REQUEST_SIZE_BYTES}")
    # (2)
    head, _, note = body.partition(b"\n\n")
    try:
        old, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise AddCheckpointRefused("not ASCII above the checkpoint") from error
    # (3)
    match = _OLD.fullmatch(old)
    if match is None:
        raise AddCheckpointRefused("the first line does not read `old SIZE`")
    request = AddCheckpoint(old_size=int(match[1]), path=tuple(_hash(line) for line in lines), note=note)
    # (4)
    _ = request.checkpoint
    return request


def judge_add_checkpoint(request: AddCheckpoint, verifiers: Sequence[NoteVerifier], known: KnownHead) -> Checkpoint:
    """Return the checkpoint that the witness is now to record and then to cosign, or raise AddCheckpointRefused.

    `verifiers`: the keys trusted for `request.checkpoint.origin`, none if the origin is unknown. `known`: what was
    cosigned last for it. The caller MUST read `known` and record the answer in one transaction, before it signs:
    else two requests at once could roll the record back.
    """
    checkpoint = request.checkpoint
    # (1) The origin is known: 404.
    if not any(verifier.name == checkpoint.origin for verifier in verifiers):
        raise OriginUnknown(f"no log {checkpoint.origin[:80]!r} is known here")
    # (2) A trusted key signed: 403. Lines of other keys are passed over.
    try:
        open_note(request.note, [verifier for verifier in verifiers if verifier.name == checkpoint.origin])
    except NoteRefused as error:
        raise LogSignatureRefused(str(error.args[0])) from error
    # (3) The old size is not above the new one: 400.
    if request.old_size > checkpoint.size:
        raise AddCheckpointRefused(f"the old size {request.old_size} is above the new size {checkpoint.size}")
    # (4) The old size is the one cosigned last: 409, with that size.
    if request.old_size != known.size:
        raise OldSizeConflict(f"the last size cosigned is {known.size}", known_size=known.size)
    # (5) Of two heads of one size, the roots are one: 409. Ahead of the proof, since an empty one says the same; but
    # a false root of the empty tree, of which the witness may have cosigned no head, is left to the proof: 422.
    if 0 < checkpoint.size == known.size and not request.path and checkpoint.root != known.root:
        raise HeadForked(f"two roots for the size {known.size}", note=request.note)
    # (6) The new tree begins with the old: 422.
    try:
        verify_consistency(known.size, known.root, checkpoint.size, checkpoint.root, request.path)
    except ConsistencyRefused as error:
        raise HistoryRefused(str(error.args[0]), note=request.note) from error
    return checkpoint


def parse_size_answer(body: bytes) -> int:
    """Return the size in the body of a 409 of type `SIZE_CONTENT_TYPE`, or raise AddCheckpointRefused."""
    match = _SIZE.fullmatch(body)
    if match is None or int(match[1]) > MAX_SIZE:
        raise AddCheckpointRefused("the witness's answer is not a size")
    return int(match[1])


def add_cosignatures(note: bytes, answer: bytes, verifiers: Sequence[CosignatureVerifier]) -> bytes:
    """Return `note` with those cosignature lines of a 200's body that are of `verifiers`, each verified.

    Lines of unknown keys are left out. Raises NoteRefused if the answer is no signature lines, and
    CosignatureRefused if one is false, states no time, or none is of `verifiers`.
    """
    # (1) The answer is read as the signature lines of a note with the checkpoint's text.
    text = parse_note(note).text
    answered = parse_note(text.encode() + b"\n" + answer)
    if answered.text != text:
        raise NoteRefused("the witness's answer is more than signature lines")
    # (2) Each known line is true, and says when: only with a time is it a statement on the newest head.
    lines = lines_of(answered, verifiers)
    for verifier, line in lines:
        if verifier.verify(text, line) == 0:
            raise CosignatureRefused(f"the cosignature of {verifier.name[:80]!r} states no time")
    if not lines:
        raise CosignatureRefused("the answer holds no cosignature of a known witness")
    # (3) Joined, the note still is one, within the limits of a note.
    joined = note + "".join(encode_signature(line) for _, line in lines).encode()
    parse_note(joined)
    return joined


def _hash(line: str) -> bytes:
    data = decode_base64(line)
    if data is None:
        raise AddCheckpointRefused("a line of the path is not canonical base64")
    return data
