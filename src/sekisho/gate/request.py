"""Step 1, parse, as far as HTTP goes: bytes in, events out, no I/O. Owned by a connection, one reader each.

llhttp (through httptools) reads strictly; what it leaves open is closed here. Nothing is repaired: two readers that
disagree about where a request ends are how one caller's bytes become another's request.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import httptools

from sekisho.core import Reason
from sekisho.gate import limits
from sekisho.gate.errors import HttpRefused

# RFC 9110 5.3 lets a list field repeat; these mean one thing, and two of them mean an attempt.
_SINGLE = frozenset(
    {
        b"anthropic-version",
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"dpop",
        b"expect",
        b"host",
        b"transfer-encoding",
    }
)
# Methods that a server answers in the ordinary way; HEAD, CONNECT and TRACE frame their answers differently.
_METHODS = frozenset({"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"})
# Origin-form (RFC 9112 3.2.1) in the characters that our surfaces use. No percent, so nothing is spelled twice.
_TARGET = re.compile(rb"(/[A-Za-z0-9._~:@$,/-]*)(?:\?([A-Za-z0-9._~:@$,/?%&=+*-]*))?")
_DIGITS = re.compile(rb"[0-9]{1,12}")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request line and its fields, checked. `fields`: lower-case names; list fields joined by comma and space.

    `body_bytes`: the announced length, None if chunked. `path` and `query` are the raw target's, never decoded.
    """

    method: str
    path: str
    query: str
    fields: Mapping[bytes, bytes]
    body_bytes: int | None
    keep_alive: bool
    expects_continue: bool


@dataclass(frozen=True, slots=True)
class BodyPart:
    """Some bytes of the body, unframed."""

    data: bytes


@dataclass(frozen=True, slots=True)
class RequestEnd:
    """The request is whole. `overrun`: bytes of another request came with it; they were not read."""

    overrun: bool


RequestEvent: TypeAlias = RequestHead | BodyPart | RequestEnd


class RequestReader:
    """Reads one connection's requests. After HttpRefused or an overrun the reader is spent."""

    def __init__(self, *, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._start()

    def _start(self) -> None:
        self._target = b""
        self._names: dict[bytes, bytes] = {}
        self._field_count = 0
        self._head_bytes = 0
        self._silent_bytes = 0  # since the latest event
        self._field_bytes = 0
        self._body_bytes = 0
        self._in_head = True
        self._ended = False
        self._overrun = False
        self._refusal: HttpRefused | None = None
        self._events: list[RequestEvent] = []

    def receive(self, data: bytes) -> list[RequestEvent]:
        """Return what `data` completes, in order, or raise HttpRefused. Never reads past the end of a request."""
        if self._ended:
            self._start()
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._explain(error)
        events, self._events = self._events, []
        if self._ended:
            events.append(RequestEnd(overrun=self._overrun))
        self._silent_bytes = 0 if events else self._silent_bytes + len(data)
        # A head or a trailer that never ends grows inside the parser, where no callback sees it.
        if self._silent_bytes > limits.MAX_HEAD_BYTES:
            raise _head_too_large()
        return events

    @property
    def has_begun(self) -> bool:
        """Say whether part of a head has arrived."""
        return not self._ended and self._head_bytes > 0

    def _explain(self, error: Exception) -> None:
        if self._refusal is not None:
            raise self._refusal from None
        if self._ended and not isinstance(error, httptools.HttpParserUpgrade):
            # The request itself was whole: it is answered, and the connection closes.
            self._overrun = True
            return
        if isinstance(error, httptools.HttpParserUpgrade):
            raise HttpRefused("the gate upgrades to no other protocol") from None
        raise HttpRefused(f"not HTTP/1.1: {error}") from None

    # httptools' callbacks. A raise inside one surfaces as HttpParserCallbackError from feed_data.

    def on_message_begin(self) -> None:
        if self._ended:
            raise _Overrun

    def on_url(self, part: bytes) -> None:
        self._target += part
        if len(self._target) > limits.MAX_TARGET_BYTES:
            self._refuse(HttpRefused("the target is too long", status=431, reason=Reason.REQUEST_TOO_LARGE))

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            self._refuse(HttpRefused("trailer fields are not accepted"))
        self._field_count += 1
        self._field_bytes += len(name) + len(value)
        if self._field_count > limits.MAX_HEADER_FIELDS or self._field_bytes > limits.MAX_HEAD_BYTES:
            self._refuse(_head_too_large())
        self._add_field(name.lower(), value)

    def _add_field(self, name: bytes, value: bytes) -> None:
        if _CONTROL.search(value):
            self._refuse(HttpRefused("a control character in a header field"))
        if name in self._names:
            if name in _SINGLE:
                self._refuse(HttpRefused(f"more than one {name.decode('ascii', 'replace')} field"))
            value = self._names[name] + b", " + value
        self._names[name] = value

    def on_headers_complete(self) -> None:
        try:
            head = check_head(
                method=self._parser.get_method(),
                target=self._target,
                version=self._parser.get_http_version(),
                fields=self._names,
                keep_alive=self._parser.should_keep_alive(),
                max_body_bytes=self._max_body_bytes,
            )
        except HttpRefused as refusal:
            self._refuse(refusal)
        self._in_head = False
        self._events.append(head)

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > self._max_body_bytes:
            self._refuse(_body_too_large(self._max_body_bytes))
        self._events.append(BodyPart(data))

    def on_message_complete(self) -> None:
        self._ended = True

    def _refuse(self, refusal: HttpRefused) -> None:
        self._refusal = refusal
        raise refusal


class _Overrun(Exception):
    """A second request began in the bytes of the first."""


def check_head(
    *,
    method: bytes,
    target: bytes,
    version: str,
    fields: Mapping[bytes, bytes],
    keep_alive: bool,
    max_body_bytes: int,
) -> RequestHead:
    """Return the checked head, or raise HttpRefused. RFC 9112 3 and 6, with every choice taken away.

    (1) HTTP/1.1 and an ordinary method; (2) exactly one Host, which is then never used; (3) an origin-form target
    spelled plainly; (4) one framing of the body, within the limit, not compressed; (5) no protocol switch, and no
    expectation but 100-continue.
    """
    # (1)
    if version != "1.1":
        raise HttpRefused(f"HTTP/{version} is not accepted")
    if method.decode("ascii", "replace") not in _METHODS:
        raise HttpRefused("this method is not accepted")
    # (2) RFC 9112 3.2.
    if not fields.get(b"host"):
        raise HttpRefused("a request names its host")
    # (3)
    path, query = split_target(target)
    # (4)
    body_bytes = _body_bytes(fields, max_body_bytes)
    # (5)
    if b"upgrade" in fields or b"http2-settings" in fields:
        raise HttpRefused("the gate upgrades to no other protocol")
    expect = fields.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue":
        raise HttpRefused("an expectation other than 100-continue")
    return RequestHead(
        method=method.decode("ascii"),
        path=path,
        query=query,
        fields=fields,
        body_bytes=body_bytes,
        keep_alive=keep_alive,
        expects_continue=expect is not None,
    )


def split_target(target: bytes) -> tuple[str, str]:
    """Return path and query of an origin-form `target`, or raise HttpRefused.

    Absolute-form, authority-form and asterisk-form, percent signs, backslashes, parameters, empty and dot segments are
    refused: each is a second spelling of a path, and another reader may take it for another path.
    """
    match = _TARGET.fullmatch(target)
    if match is None:
        raise HttpRefused("the target is not a plain path")
    path = match[1].decode("ascii")
    segments = path.split("/")[1:]
    if any(segment in {".", ".."} for segment in segments) or "" in segments[:-1]:
        raise HttpRefused("the target has dot or empty segments")
    return path, (match[2] or b"").decode("ascii")


def _body_bytes(fields: Mapping[bytes, bytes], max_body_bytes: int) -> int | None:
    length, coding = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    if fields.get(b"content-encoding", b"identity").lower() != b"identity":
        raise HttpRefused("compressed requests are not accepted")
    if coding is not None:
        # RFC 9112 6.1: both together is the classic of request smuggling.
        if length is not None or coding.lower() != b"chunked":
            raise HttpRefused("the body is framed in more than one way, or in an unknown one")
        return None
    if length is None:
        return 0
    if not _DIGITS.fullmatch(length):
        raise HttpRefused("content-length is not a number")
    if int(length) > max_body_bytes:
        raise _body_too_large(max_body_bytes)
    return int(length)


def _head_too_large() -> HttpRefused:
    return HttpRefused("the header fields are too large", status=431, reason=Reason.REQUEST_TOO_LARGE)


def _body_too_large(limit: int) -> HttpRefused:
    return HttpRefused(f"the body is larger than {limit} bytes", status=413, reason=Reason.REQUEST_TOO_LARGE)
