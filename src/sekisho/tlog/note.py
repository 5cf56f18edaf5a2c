"""Signed notes (C2SP signed-note v1.0.0): the framing that checkpoints and cosignatures share, and logs' own keys.

A note is text, a blank line, and signature lines. Read strictly: where the specification leaves room, this file
refuses, so that a note has one reading. In particular every line of a known key must verify, also when an earlier
line of that key already did, and key ids are lower-case. A log signs with Ed25519, signature type 0x01; the types of
cosignatures are in `cosignature`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sekisho.core.errors import SekishoError
from sekisho.formats.ed25519 import PublicKeyRefused, check_public_key
from sekisho.tlog.base64_strict import decode_base64, encode_base64

# A checkpoint with a hundred ML-DSA-44 cosignatures, the longest kind, is about 340 kB.
MAX_NOTE_SIZE_BYTES: Final = 524_288
# The specification asks for at least 16; golang.org/x/mod stops at 100.
MAX_SIGNATURES: Final = 100
_ED25519: Final = 0x01
_KEY_SIZE_BYTES: Final = 32
_KEY_ID_SIZE_BYTES: Final = 4
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
# They have no UTF-8: a name that came from elsewhere than UTF-8 could hold one.
_SURROGATES: Final = frozenset(map(chr, range(0xD800, 0xE000)))
_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)


class NoteRefused(SekishoError):
    """The bytes are not a signed note, or no key that we know signed it, or a signature is false."""

    code: ClassVar[str] = "SKS-TLOG-003"
    hint = "Fetch the note again, and check that the key is this log's."


class SignatureLineRefused(NoteRefused):
    """A signature line of the note cannot be read, so nothing says who signed."""

    code: ClassVar[str] = "SKS-TLOG-018"
    hint = "Fetch the note again; the base64 of a signature has one spelling."


class KeyRefused(SekishoError):
    """The text is not a verifier key of a kind we take."""

    code: ClassVar[str] = "SKS-TLOG-004"
    hint = "A verifier key reads NAME+KEYID+BASE64; copy it whole from the charter."


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line, not yet verified. `key_id`: 4 bytes; `value`: what follows the key id."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A well-formed note of which nothing is verified. `text` ends in a newline."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key of any type under its name: what a vkey (`name+keyid+base64(type || key)`) says.

    `type`: the byte that says what the key signs, and how.
    """

    name: str
    type: int
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> "VerifierKey":
        """Return what `vkey` says, or raise KeyRefused unless it is well-formed and its key id is this key's."""
        # The key itself may hold a plus, the name and the id may not.
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not is_key_name(parts[0]) or not _KEY_ID.fullmatch(parts[1]):
            raise KeyRefused("not NAME+KEYID+BASE64 with a lower-case key id")
        typed = decode_base64(parts[2])
        if not typed:
            raise KeyRefused("the key is not canonical base64 of a type and a key")
        key = cls(name=parts[0], type=typed[0], public_key=typed[1:])
        if key.key_id.hex() != parts[1]:
            raise KeyRefused("the key id is not this key's")
        return key

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name || newline || type || key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed).digest()[:_KEY_ID_SIZE_BYTES]

    @property
    def vkey(self) -> str:
        """The key as text, as `parse` reads it."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(self._typed)}"

    @property
    def _typed(self) -> bytes:
        return bytes([self.type]) + self.public_key


class KnownKey(Protocol):
    """A key by which a signature line can be found: `name` and `key_id` (4 bytes) stand on the line."""

    @property
    def name(self) -> str: ...
    @property
    def key_id(self) -> bytes: ...


_Known = TypeVar("_Known", bound=KnownKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteVerifier:
    """A log's public key under its name. `public_key`: 32 raw bytes of Ed25519."""

    name: str
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> "NoteVerifier":
        """Return the verifier that `vkey` says, or raise KeyRefused unless it is an Ed25519 key of type 0x01.

        Keys under which anybody can sign, and second spellings of a key, are refused.
        """
        key = VerifierKey.parse(vkey)
        if key.type != _ED25519 or len(key.public_key) != _KEY_SIZE_BYTES:
            raise KeyRefused("not an Ed25519 key (type 0x01)")
        check_ed25519_key(key.public_key)
        return cls(name=key.name, public_key=key.public_key)

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(name=self.name, type=_ED25519, public_key=self.public_key)

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a signature line names this key."""
        return self.key.key_id

    @property
    def vkey(self) -> str:
        """The key as text, as `parse` reads it."""
        return self.key.vkey

    def verify(self, text: str, signature: NoteSignature) -> None:
        """Raise NoteRefused unless `signature` is this key's over `text`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature.value, text.encode())
        except InvalidSignature as error:
            raise NoteRefused(f"the signature of {self.name} is false") from error


def check_ed25519_key(public_key: bytes) -> None:
    """Raise KeyRefused unless `public_key` is the one spelling of a key that only its holder can sign under."""
    try:
        check_public_key(public_key)
    except PublicKeyRefused as error:
        raise KeyRefused(str(error.args[0])) from error


class NoteSigner:
    """A log's private key under its name."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        if not is_key_name(name):
            raise KeyRefused("a key's name is not empty and holds no space and no plus")
        self._key = key
        self._verifier = NoteVerifier(
            name=name, public_key=key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        )

    @property
    def verifier(self) -> NoteVerifier:
        return self._verifier

    def sign(self, text: str) -> NoteSignature:
        """Return the signature over `text`."""
        return NoteSignature(
            name=self._verifier.name, key_id=self._verifier.key_id, value=self._key.sign(text.encode())
        )


def sign_note(text: str, signer: NoteSigner) -> bytes:
    """Return `text` as a note signed by `signer`, or raise NoteRefused if `text` cannot be one's text."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteRefused("a note's text ends in a newline and holds no other control character")
    signature = signer.sign(text)
    return f"{text}\n{encode_signature(signature)}".encode()


def encode_signature(signature: NoteSignature) -> str:
    """Return the signature line, ending in a newline."""
    return f"\u2014 {signature.name} {encode_base64(signature.key_id + signature.value)}\n"


def parse_note(note: bytes) -> Note:
    """Return the note in `note`, nothing verified, or raise NoteRefused.

    Steps: (1) size; (2) UTF-8 without control characters; (3) the last blank line divides text from signatures;
    (4) at least one signature line, each well-formed.
    """
    # (1)
    if len(note) > MAX_NOTE_SIZE_BYTES:
        raise NoteRefused(f"{len(note)} bytes, more than {MAX_NOTE_SIZE_BYTES}")
    # (2)
    try:
        whole = note.decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise NoteRefused("not UTF-8") from error
    if _CONTROL.search(whole):
        raise NoteRefused("a control character")
    # (3)
    body, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise NoteRefused("no text, blank line and signature lines that end in a newline")
    # (4)
    listed = lines[:-1].split("\n")
    if len(listed) > MAX_SIGNATURES:
        raise NoteRefused(f"more than {MAX_SIGNATURES} signature lines")
    return Note(text=body + "\n", signatures=tuple(_parse_signature(line) for line in listed))


def open_note(note: bytes, verifiers: Sequence[NoteVerifier]) -> str:
    """Return the text of `note` if a key of `verifiers` signed it, or raise NoteRefused.

    A line of an unknown key is passed over; a line of a known key (name and key id) must verify, each of them.
    """
    parsed = parse_note(note)
    signed = lines_of(parsed, verifiers)
    for verifier, signature in signed:
        verifier.verify(parsed.text, signature)
    if not signed:
        raise NoteRefused("no key that we know signed this note")
    return parsed.text


def lines_of(note: Note, keys: Sequence[_Known]) -> tuple[tuple[_Known, NoteSignature], ...]:
    """Return the signature lines that name one of `keys`, in their order, each with its key. None is verified here.

    The caller MUST verify each of them. Raises KeyRefused if two keys share name and key id: whose line it is could
    then not be told.
    """
    known = {(key.name, key.key_id): key for key in keys}
    if len(known) != len(set(keys)):
        raise KeyRefused("two keys share one name and one key id")
    found = ((known.get((line.name, line.key_id)), line) for line in note.signatures)
    return tuple((key, line) for key, line in found if key is not None)


def _parse_signature(line: str) -> NoteSignature:
    """Return the signature that `line`, without its newline, says, or raise SignatureLineRefused."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "\u2014" or not is_key_name(name):
        raise SignatureLineRefused("a signature line does not begin with an em dash and a key name")
    blob = decode_base64(encoded)
    if blob is None or len(blob) <= _KEY_ID_SIZE_BYTES:
        raise SignatureLineRefused(
            f"the signature line of {name[:80]!r} holds no canonical base64 of a key id and a signature"
        )
    return NoteSignature(name=name, key_id=blob[:_KEY_ID_SIZE_BYTES], value=blob[_KEY_ID_SIZE_BYTES:])


def is_key_name(name: str) -> bool:
    """Say whether `name` can name a key: one word without plus, so that a line or a vkey has one reading."""
    return bool(name) and not any(letter == "+" or letter.isspace() or letter in _SURROGATES for letter in name)
