"""A lab's HTTP/1.1 answer: bytes in, events out, no I/O. One reader a call.

A lab is trusted to answer, not to behave: sizes are bounded, framing is read strictly, and whether the answer was
whole is said only where the framing says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import httptools

from sekisho.gate import limits
from sekisho.gate.errors import LabRefused

# Large enough that tiny chunks cost little, small enough that a caller's buffer is asked for room often.
_PART_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHead:
    """Status and fields of the final answer; informational ones are skipped. `fields`: lower-case names, first wins."""

    status: int
    fields: Mapping[bytes, bytes]

    @property
    def media_type(self) -> bytes:
        """The media type without parameters, in lower case."""
        return self.fields.get(b"content-type", b"").partition(b";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """Some bytes of the body, unframed."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEnd:
    """The lab has ended the answer. `reusable`: its connection may carry another call."""

    reusable: bool


LabEvent: TypeAlias = AnswerHead | AnswerPart | AnswerEnd


class LabAnswerReader:
    """Reads one answer."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._names: dict[bytes, bytes] = {}
        self._silent_bytes = 0  # since the latest event
        self._head: AnswerHead | None = None
        self._body = bytearray()  # gathered into parts, however finely the lab chops it
        self._ended = False
        self._events: list[LabEvent] = []

    def receive(self, data: bytes) -> list[LabEvent]:
        """Return what `data` completes, or raise LabRefused. Bytes after the end of the answer are refused."""
        if self._ended:
            raise LabRefused("bytes after the end of an answer")
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise LabRefused(f"the lab's answer is not HTTP/1.1: {type(error).__name__}") from None
        self._flush_body()
        events, self._events = self._events, []
        self._silent_bytes = 0 if events else self._silent_bytes + len(data)
        # Heads, trailers and informational answers without end grow inside the parser, where no callback sees it.
        if self._silent_bytes > limits.MAX_LAB_HEAD_BYTES:
            raise LabRefused("the lab's header fields are too large")
        return events

    def receive_eof(self) -> list[LabEvent]:
        """Return the end that a close makes (RFC 9112 6.3, 8), or nothing: then the answer was broken off."""
        if self._head is None or self._ended or self._is_framed():
            return []
        self._ended = True
        return [AnswerEnd(reusable=False)]

    def _is_framed(self) -> bool:
        fields = self._head.fields if self._head is not None else {}
        return b"content-length" in fields or b"transfer-encoding" in fields

    # httptools' callbacks

    def on_message_begin(self) -> None:
        if self._ended:
            raise LabRefused("a second answer")
        self._names = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            self._names.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self._head = AnswerHead(status=status, fields=self._names)
            check_answer_head(self._head)
            self._events.append(self._head)

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) >= _PART_BYTES:
            self._flush_body()

    def on_message_complete(self) -> None:
        if self._head is not None:
            self._flush_body()
            self._ended = True
            # An error may have come before the lab had read the request to its end: what it has not read would be the
            # beginning of the next one, in the words of a caller.
            reusable = self._head.status < 400 and self._is_framed() and self._parser.should_keep_alive()
            self._events.append(AnswerEnd(reusable=reusable))

    def _flush_body(self) -> None:
        if self._body:
            self._events.append(AnswerPart(bytes(self._body)))
            self._body.clear()


def check_answer_head(head: AnswerHead) -> None:
    """Raise LabRefused for an answer that the gate never passes on: redirections, coded or unusually framed bodies.

    The gate asks for no coding, so a coded body is a mistake or a bomb. A redirection would make the lab choose where
    our credential goes next.
    """
    if not 200 <= head.status <= 599 or 300 <= head.status <= 399 or head.status in {204, 205, 206}:
        raise LabRefused(f"the lab answered with status {head.status}")
    if head.fields.get(b"content-encoding", b"identity").lower() != b"identity":
        raise LabRefused("the lab's answer is compressed")
    if head.fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise LabRefused("the lab's answer is framed in an unknown way")
