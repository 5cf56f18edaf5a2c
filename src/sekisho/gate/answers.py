"""HTTP/1.1 answers as bytes. Pure: what the caller sees is decided here and nowhere else.

Header values are made here or filtered in `relay`; a value that could end its line raises instead of being written.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from types import MappingProxyType

from sekisho.gate.errors import LabRefused

Field = tuple[bytes, bytes]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
JSON = (b"content-type", b"application/json")
EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
CLOSE = (b"connection", b"close")
# Answers are a person's work under a grant: no cache and no content sniffing, anywhere on the way.
_ALWAYS = b"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"

_FIELD_NAME = re.compile(rb"[a-z0-9-]{1,64}")
_FIELD_VALUE = re.compile(rb"[\x20-\x7e]{0,1024}")
_PHRASES = MappingProxyType({status.value: status.phrase.encode() for status in HTTPStatus} | {499: b"Caller Left"})


def encode_head(status: int, fields: Iterable[Field]) -> bytes:
    """Return status line and fields, up to and with the empty line."""
    lines = b"".join([_line(name, value) for name, value in fields])
    return b"HTTP/1.1 %d %s\r\n%s%s\r\n" % (status, _PHRASES.get(status, b"Answer"), lines, _ALWAYS)


def encode_whole(status: int, fields: Iterable[Field], body: bytes) -> bytes:
    """Return an answer with its length; a cut one can never look whole (RFC 9112 6.3)."""
    return encode_head(status, (*fields, (b"content-length", b"%d" % len(body)))) + body


def encode_stream_head(status: int, fields: Iterable[Field]) -> bytes:
    """Return the head of an answer whose body follows as chunks."""
    return encode_head(status, (*fields, (b"transfer-encoding", b"chunked")))


def encode_chunk(data: bytes) -> bytes:
    """Return `data`, not empty, as one chunk (RFC 9112 7.1). Only LAST_CHUNK makes the answer whole."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _line(name: bytes, value: bytes) -> bytes:
    if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
        raise LabRefused("a header field that could not be written safely")
    return b"%b: %b\r\n" % (name, value)
