"""Sealing the content of a call: bytes in, sealed bytes out, in one pass and bounded memory. Pure but for randomness.

The content is the salts of the entry's two commitments, the request and the answer. It is cut into chunks of 64 KiB,
each under ChaCha20-Poly1305 with a nonce that counts and says whether it is the last (STREAM: Hoang, Reyhanitabar,
Rogaway, Vizar 2015), so that no chunk can be left out, moved or cut off. docs/specs/sealed-transcript.md has the bytes.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sekisho.ledger.commitment import SALT_SIZE_BYTES, check_commitment
from sekisho.ledger.errors import TranscriptRefused
from sekisho.ledger.sealed_header import (
    KEY_SIZE_BYTES,
    Belonging,
    Header,
    decode_header,
    encode_header,
    require_key,
    seal_key,
)
from sekisho.trust import Auditors

CHUNK_SIZE_BYTES: Final = 65_536
TAG_SIZE_BYTES: Final = 16
_REQUEST_SIZE: Final = struct.Struct(">Q")
_PREFIX_BYTES: Final = 2 * SALT_SIZE_BYTES + _REQUEST_SIZE.size


class Sealer:
    """Seals one transcript. Every method returns the next bytes of the file, which may be none; `finish` the last."""

    def __init__(
        self,
        belonging: Belonging,
        auditors: Auditors,
        *,
        request_salt: bytes,
        response_salt: bytes,
        randomness: Callable[[int], bytes],
    ) -> None:
        key = randomness(KEY_SIZE_BYTES)
        self._header = seal_key(key, belonging, auditors, randomness)
        self._aead = ChaCha20Poly1305(key)
        self._salts = request_salt + response_salt
        self._hash = hashlib.sha256()
        self._count = 0
        self._waiting = bytearray()

    def begin(self, request_size_bytes: int) -> bytes:
        """Return the head. Call once, first; the bytes of the request come next, by `add`."""
        prefix = self._salts + _REQUEST_SIZE.pack(request_size_bytes)
        self._salts = b""
        return self._out(encode_header(self._header)) + self.add(prefix)

    def add(self, data: bytes | memoryview) -> bytes:
        """Take the next bytes of the request, or of the answer."""
        self._waiting += data
        sealed = []
        # A full chunk waits until more comes: it may be the last.
        while len(self._waiting) > CHUNK_SIZE_BYTES:
            sealed.append(self._seal(bytes(self._waiting[:CHUNK_SIZE_BYTES]), is_last=False))
            del self._waiting[:CHUNK_SIZE_BYTES]
        return b"".join(sealed)

    def finish(self) -> bytes:
        """Return the last bytes of the file."""
        sealed = self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()
        return sealed

    @property
    def digest(self) -> str:
        """SHA-256 of what was returned so far, 64 hex digits."""
        return self._hash.hexdigest()

    def _seal(self, chunk: bytes, *, is_last: bool) -> bytes:
        nonce = _nonce(self._count, is_last=is_last)
        self._count += 1
        return self._out(self._aead.encrypt(nonce, chunk, self._header.digest))

    def _out(self, data: bytes) -> bytes:
        self._hash.update(data)
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """An opened transcript. The salts open the commitments of intent and outcome."""

    belonging: Belonging
    request_salt: bytes = field(repr=False)
    response_salt: bytes = field(repr=False)
    request: bytes = field(repr=False)
    response: bytes = field(repr=False)


def unseal(sealed: bytes, shares: Mapping[str, bytes]) -> Transcript:
    """Return what the file `sealed` holds, opened with `shares` (auditor → share).

    Raises SharesRefused or TranscriptRefused. The caller MUST hold it against the ledger: `check_transcript`.
    """
    header, start = decode_header(sealed)
    content = b"".join(_open_chunks(header, require_key(header, shares), sealed, start))
    if len(content) < _PREFIX_BYTES:
        raise TranscriptRefused("the content is too short to be a transcript")
    (size,) = _REQUEST_SIZE.unpack_from(content, 2 * SALT_SIZE_BYTES)
    if size > len(content) - _PREFIX_BYTES:
        raise TranscriptRefused("the content is shorter than the request it says it holds")
    return Transcript(
        belonging=header.belonging,
        request_salt=content[:SALT_SIZE_BYTES],
        response_salt=content[SALT_SIZE_BYTES : 2 * SALT_SIZE_BYTES],
        request=content[_PREFIX_BYTES : _PREFIX_BYTES + size],
        response=content[_PREFIX_BYTES + size :],
    )


def check_transcript(
    transcript: Transcript, belonging: Belonging, *, response_commitment: str | None, response_size_bytes: int
) -> None:
    """Raise unless `transcript` is what the ledger's entries of that call commit to.

    `belonging`: as the verified intent says; the response's: as the verified outcome says, None if nothing was passed
    on. Raises TranscriptRefused, or CommitmentRefused for content that the gate sealed falsely.
    """
    if transcript.belonging != belonging:
        raise TranscriptRefused("the transcript is of another call")
    check_commitment(belonging.request_commitment, transcript.request, transcript.request_salt)
    if len(transcript.response) != response_size_bytes:
        raise TranscriptRefused("the transcript's answer has another size than the ledger says")
    if response_commitment is not None:
        check_commitment(response_commitment, transcript.response, transcript.response_salt)


def _open_chunks(header: Header, key: bytes, sealed: bytes, start: int) -> Iterator[bytes]:
    aead, view, step = ChaCha20Poly1305(key), memoryview(sealed), CHUNK_SIZE_BYTES + TAG_SIZE_BYTES
    for count, at in enumerate(range(start, len(sealed), step)):
        is_last = at + step >= len(sealed)
        try:
            yield aead.decrypt(_nonce(count, is_last=is_last), view[at : at + step], header.digest)
        except InvalidTag as error:
            raise TranscriptRefused(
                f"chunk {count} is not the one that was sealed there: changed or cut off"
            ) from error


def _nonce(count: int, *, is_last: bool) -> bytes:
    return count.to_bytes(11) + (b"\x01" if is_last else b"\x00")
