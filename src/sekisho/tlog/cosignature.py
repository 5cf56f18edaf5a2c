"""Cosignatures (C2SP tlog-cosignature v1.1.0-rc.1): a witness's word that a checkpoint agrees with all it saw before.

Two kinds. Ed25519 (type 0x04) covers a time and the whole text of the checkpoint, not the cosigner's name. ML-DSA-44
(type 0x06) covers the names of cosigner and log, a time and a subtree, not the checkpoint's extension lines. A time
is POSIX seconds; with ML-DSA-44 it may be 0, which says nothing of when, nor that the tree was the largest seen.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sekisho.core.errors import SekishoError
from sekisho.tlog.checkpoint import Checkpoint, parse_checkpoint
from sekisho.tlog.merkle import EMPTY_ROOT, HASH_SIZE_BYTES
from sekisho.tlog.note import (
    KeyRefused,
    Note,
    NoteSignature,
    VerifierKey,
    check_ed25519_key,
    encode_signature,
    is_key_name,
    lines_of,
)
from sekisho.tlog.subtree import Subtree, SubtreeRefused

ED25519_COSIGNATURE: Final = 0x04
MLDSA44_COSIGNATURE: Final = 0x06
MAX_TIME_S: Final = 2**63 - 1
# opaque<1..2^8-1> in the message that ML-DSA-44 signs.
MAX_NAME_SIZE_BYTES: Final = 255
_TIME_SIZE_BYTES: Final = 8
_KEY_SIZES_BYTES: Final = {ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}
_SIGNATURE_SIZES_BYTES: Final = {ED25519_COSIGNATURE: 64, MLDSA44_COSIGNATURE: 2420}
_LABEL: Final = b"subtree/v1\n\x00"


class CosignatureRefused(SekishoError):
    """The cosignature is false, or what was asked for is not something that a cosigner may sign."""

    code: ClassVar[str] = "SKS-TLOG-008"
    hint = "Fetch the checkpoint again, and check that the key is this witness's; if it still fails, keep it."


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignedSubtree:
    """What ML-DSA-44 cosigns: `root` (32 bytes) is the root of [start, end) of the log `origin`, said at `time_s`."""

    origin: str
    start: int
    end: int
    root: bytes
    time_s: int

    def __post_init__(self) -> None:
        _require_time(self.time_s)
        if not 1 <= len(self.origin.encode()) <= MAX_NAME_SIZE_BYTES:
            raise CosignatureRefused(f"an origin has 1 to {MAX_NAME_SIZE_BYTES} bytes")
        if len(self.root) != HASH_SIZE_BYTES:
            raise CosignatureRefused("a root is 32 bytes")
        if self.start and self.time_s:
            raise CosignatureRefused("a subtree that begins inside the log is signed without time")
        # The head of an empty log is cosigned as [0, 0), which is a checkpoint though no subtree.
        if (self.start, self.end, self.root) == (0, 0, EMPTY_ROOT):
            return
        try:
            Subtree(start=self.start, end=self.end)
        except SubtreeRefused as error:
            raise CosignatureRefused(str(error.args[0])) from error

    def message(self, cosigner: str) -> bytes:
        """Return `cosigned_message`: the bytes that the cosigner of this name signs."""
        return b"".join(
            (
                _LABEL,
                _short_string(cosigner),
                struct.pack(">Q", self.time_s),
                _short_string(self.origin),
                struct.pack(">QQ", self.start, self.end),
                self.root,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignatureVerifier:
    """A cosigner's public key under its name. `type`: 0x04 with 32 bytes or 0x06 with 1312 bytes of `public_key`.

    An Ed25519 key is one that only its holder can sign under, in its one spelling: else one party would have two
    keys, or nobody in particular one.
    """

    name: str
    type: int
    public_key: bytes

    def __post_init__(self) -> None:
        if _KEY_SIZES_BYTES.get(self.type) != len(self.public_key):
            raise KeyRefused("a cosigner's key is Ed25519 of type 0x04 or ML-DSA-44 of type 0x06")
        if not is_key_name(self.name):
            raise KeyRefused("a key's name is not empty and holds no space and no plus")
        if self.type == MLDSA44_COSIGNATURE:
            _require_short(self.name)
        else:
            check_ed25519_key(self.public_key)

    @classmethod
    def parse(cls, vkey: str) -> "CosignatureVerifier":
        """Return the verifier that `vkey` says, or raise KeyRefused. A log's own type, 0x01, is refused."""
        key = VerifierKey.parse(vkey)
        return cls(name=key.name, type=key.type, public_key=key.public_key)

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(name=self.name, type=self.type, public_key=self.public_key)

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a signature line names this key."""
        return self.key.key_id

    @property
    def vkey(self) -> str:
        """The key as text, as `parse` reads it."""
        return self.key.vkey

    def verify(self, text: str, signature: NoteSignature) -> int:
        """Return the time (POSIX seconds) at which this key cosigned the checkpoint `text`.

        Raises CosignatureRefused, or CheckpointRefused if `text` is no checkpoint.
        """
        # (1) The form of the line, and that there is a checkpoint to speak of.
        time_s, value = self._split(signature)
        checkpoint = parse_checkpoint(text)
        # (2) The signature over the message that this type signs.
        if self.type == ED25519_COSIGNATURE:
            self._verify(value, _timed_text(text, time_s))
        else:
            self._verify(value, _head(checkpoint, time_s).message(self.name))
        return time_s

    def verify_subtree(self, subtree: CosignedSubtree, signature: NoteSignature) -> None:
        """Raise CosignatureRefused unless this key, of type 0x06, cosigned `subtree`."""
        if self.type != MLDSA44_COSIGNATURE:
            raise CosignatureRefused("Ed25519 cosigns checkpoints only")
        time_s, value = self._split(signature)
        if time_s != subtree.time_s:
            raise CosignatureRefused("the line states another time")
        self._verify(value, subtree.message(self.name))

    def _split(self, signature: NoteSignature) -> tuple[int, bytes]:
        time_s = int.from_bytes(signature.value[:_TIME_SIZE_BYTES], "big")
        value = signature.value[_TIME_SIZE_BYTES:]
        if len(value) != _SIGNATURE_SIZES_BYTES[self.type] or time_s > MAX_TIME_S:
            raise CosignatureRefused(f"the line of {self.name[:80]!r} holds no time and signature of its type")
        return time_s, value

    def _verify(self, value: bytes, message: bytes) -> None:
        try:
            if self.type == ED25519_COSIGNATURE:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(value, message)
            else:
                MLDSA44PublicKey.from_public_bytes(self.public_key).verify(value, message)
        except InvalidSignature as error:
            raise CosignatureRefused(f"the cosignature of {self.name[:80]!r} is false") from error


class CosignatureSigner:
    """A cosigner's private key under its name. One Ed25519 key is for one name: its signatures do not cover it."""

    def __init__(self, name: str, key: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
        self._key = key
        self._verifier = CosignatureVerifier(
            name=name,
            type=ED25519_COSIGNATURE if isinstance(key, Ed25519PrivateKey) else MLDSA44_COSIGNATURE,
            public_key=key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        )

    @property
    def verifier(self) -> CosignatureVerifier:
        return self._verifier

    def sign(self, text: str, *, time_s: int) -> str:
        """Return the signature line (ending in a newline) by which this key cosigns the checkpoint `text`.

        Raises CosignatureRefused or CheckpointRefused, both before the key is used. The caller MUST have recorded
        durably that it cosigns this checkpoint, and that it extends what it cosigned before.
        """
        checkpoint = parse_checkpoint(text)
        if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
            raise CosignatureRefused("the root of size 0 is not the empty root")
        if self._verifier.type == MLDSA44_COSIGNATURE:
            return self._line(time_s, _head(checkpoint, time_s).message(self._verifier.name))
        if time_s == 0:
            raise CosignatureRefused("an Ed25519 cosignature states a time")
        return self._line(time_s, _timed_text(text, time_s))

    def sign_subtree(self, subtree: CosignedSubtree) -> str:
        """Return the signature line by which this key, ML-DSA-44, cosigns `subtree`, or raise CosignatureRefused."""
        if self._verifier.type != MLDSA44_COSIGNATURE:
            raise CosignatureRefused("Ed25519 cosigns checkpoints only")
        return self._line(subtree.time_s, subtree.message(self._verifier.name))

    def _line(self, time_s: int, message: bytes) -> str:
        value = struct.pack(">Q", time_s) + self._key.sign(message)
        return encode_signature(
            NoteSignature(name=self._verifier.name, key_id=self._verifier.key_id, value=value),
        )


def verify_cosignatures(note: Note, verifiers: Sequence[CosignatureVerifier]) -> dict[CosignatureVerifier, int]:
    """Return which of `verifiers` cosigned the checkpoint `note`, each with its time in POSIX seconds.

    Each line of a known key must verify; lines of other keys are passed over. A key counts once, with the latest
    time that it states. Raises CosignatureRefused, CheckpointRefused or KeyRefused.
    """
    times: dict[CosignatureVerifier, int] = {}
    for verifier, line in lines_of(note, verifiers):
        times[verifier] = max(verifier.verify(note.text, line), times.get(verifier, 0))
    return times


def _timed_text(text: str, time_s: int) -> bytes:
    _require_time(time_s)
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _head(checkpoint: Checkpoint, time_s: int) -> CosignedSubtree:
    return CosignedSubtree(origin=checkpoint.origin, start=0, end=checkpoint.size, root=checkpoint.root, time_s=time_s)


def _require_time(time_s: int) -> None:
    if not 0 <= time_s <= MAX_TIME_S:
        raise CosignatureRefused("a time is from 0 to 2**63 - 1 POSIX seconds")


def _require_short(name: str) -> None:
    if len(name.encode()) > MAX_NAME_SIZE_BYTES:
        raise KeyRefused(f"the name of an ML-DSA-44 cosigner has at most {MAX_NAME_SIZE_BYTES} bytes")


def _short_string(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">B", len(data)) + data
