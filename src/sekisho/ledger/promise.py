"""Promises: a log's signed word that an entry is durable at an index and will be under a checkpoint by a time.

docs/specs/promise.md in code. The log's key signs checkpoints too, so what is signed here can never be read as one:
it begins with a tag that holds a zero byte, and no text of a signed note holds one (C2SP signed-note).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.core.utc import format_utc, parse_utc
from sekisho.tlog.base64_strict import decode_base64, encode_base64
from sekisho.tlog.merkle import HASH_SIZE_BYTES
from sekisho.tlog.note import NoteSignature, NoteSigner, NoteVerifier

# A promise without an end binds nobody: no reader takes one that may be kept later than this.
MAX_DELAY_S: Final = 86_400
# An origin of 160 characters and all other fields at their longest; a header's value in the gate may have 1,024.
MAX_PROMISE_CHARACTERS: Final = 480
_TAG: Final = "sekisho-promise/v1\x00"
_VERSION: Final = "v1"
_SIGNATURE_SIZE_BYTES: Final = 64
# Visible ASCII: a value that could end its line, or hold the space that divides the fields, is no origin and no id.
_ORIGIN = re.compile(r"[!-*,-~]{1,160}", re.ASCII)
_REQUEST_ID = re.compile(r"[!-~]{1,80}", re.ASCII)
# As far as entries count: 2**53 - 1 has 16 digits.
_INDEX = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_DELAY = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


class PromiseRefused(SekishoError):
    """The text is not a promise, or not one that this log's key signed."""

    code: ClassVar[str] = "SKS-LEDGER-030"
    hint = "Give the sekisho-promise header byte for byte as the gate sent it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The log `origin` holds the entry of `request_id` at `index`, its leaf hash (32 bytes) `leaf_hash`.

    Said at `at` (aware UTC); a checkpoint covers the entry not later than `max_delay_s` seconds after that.
    """

    origin: str
    request_id: str
    index: int
    leaf_hash: bytes
    at: datetime
    max_delay_s: int

    def __post_init__(self) -> None:
        if not _ORIGIN.fullmatch(self.origin) or not _REQUEST_ID.fullmatch(self.request_id):
            raise PromiseRefused("an origin and a request id are visible ASCII, an origin without plus")
        if not _INDEX.fullmatch(str(self.index)) or not 0 < self.max_delay_s <= MAX_DELAY_S:
            raise PromiseRefused(f"an index has at most 16 digits, a delay is 1 to {MAX_DELAY_S} seconds")
        if len(self.leaf_hash) != HASH_SIZE_BYTES:
            raise PromiseRefused("a leaf hash is 32 bytes")
        # A promise dated to the end of the calendar would be due on no day that can be named.
        if datetime.max.replace(tzinfo=UTC) - self.at < timedelta(seconds=self.max_delay_s):
            raise PromiseRefused("it is due after the year 9999")

    @property
    def due_at(self) -> datetime:
        """When a checkpoint must cover the entry, at the latest."""
        return self.at + timedelta(seconds=self.max_delay_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPromise:
    """A well-formed promise of which nothing is verified. `statement`: what was signed, behind the tag."""

    promise: Promise
    statement: str
    signature: bytes


def sign_promise(promise: Promise, signer: NoteSigner) -> str:
    """Return `promise` as one line of ASCII, or raise PromiseRefused if the key is not named for its origin.

    The caller MUST know that the entry is durable at that index.
    """
    _require_own(promise, signer.verifier)
    statement = _encode(promise)
    return f"{statement} {encode_base64(signer.sign(_TAG + statement).value)}"


def parse_promise(text: str) -> SignedPromise:
    """Return what `text` says, nothing verified, or raise PromiseRefused.

    Steps: (1) length; (2) eight fields, one space between two; (3) each in its one spelling.
    """
    # (1)
    if len(text) > MAX_PROMISE_CHARACTERS:
        raise PromiseRefused(f"{len(text)} characters, more than {MAX_PROMISE_CHARACTERS}")
    # (2)
    fields = text.split(" ")
    if len(fields) != 8 or fields[0] != _VERSION:
        raise PromiseRefused("not version v1 and seven fields")
    # (3)
    promise, signature = _decode(fields), decode_base64(fields[7])
    statement = text.rpartition(" ")[0]
    if signature is None or len(signature) != _SIGNATURE_SIZE_BYTES or _encode(promise) != statement:
        raise PromiseRefused("a field is not in its one spelling")
    return SignedPromise(promise=promise, statement=statement, signature=signature)


def open_promise(text: str, verifier: NoteVerifier) -> Promise:
    """Return the promise in `text` if `verifier` signed it and is named for its origin, or raise PromiseRefused."""
    signed = parse_promise(text)
    _require_own(signed.promise, verifier)
    signature = NoteSignature(name=verifier.name, key_id=verifier.key_id, value=signed.signature)
    try:
        verifier.verify(_TAG + signed.statement, signature)
    except SekishoError as error:
        raise PromiseRefused(f"the signature is not one of {verifier.name}") from error
    return signed.promise


def _encode(promise: Promise) -> str:
    fields = (
        _VERSION,
        promise.origin,
        promise.request_id,
        str(promise.index),
        encode_base64(promise.leaf_hash),
        format_utc(promise.at),
        str(promise.max_delay_s),
    )
    return " ".join(fields)


def _decode(fields: list[str]) -> Promise:
    _, origin, request_id, index, leaf, at, delay, _ = fields
    leaf_hash = decode_base64(leaf)
    # ASCII digits only: int() would take underscores and full-width digits.
    if leaf_hash is None or not _INDEX.fullmatch(index) or not _DELAY.fullmatch(delay):
        raise PromiseRefused("index, leaf hash or delay is not well-formed")
    try:
        made_at = parse_utc(at)
    except SekishoError as error:
        raise PromiseRefused("the time is not well-formed") from error
    return Promise(
        origin=origin,
        request_id=request_id,
        index=int(index),
        leaf_hash=leaf_hash,
        at=made_at,
        max_delay_s=int(delay),
    )


def _require_own(promise: Promise, verifier: NoteVerifier) -> None:
    # As with checkpoints: one key never vouches for two logs.
    if promise.origin != verifier.name:
        raise PromiseRefused(f"a promise of {promise.origin[:80]!r}, a key named {verifier.name[:80]!r}")
