"""One caller's connection: a thin shell of sockets and timers around `request.RequestReader`.

One request at a time, in the order they came. Who a caller is gets settled on the head alone, before a byte of the
body is kept, so that a stranger can make the gate store nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from sekisho.core import Reason
from sekisho.gate import answers, limits
from sekisho.gate.caller import Caller
from sekisho.gate.errors import HttpRefused
from sekisho.gate.lifeline import Lifeline
from sekisho.gate.request import BodyPart, RequestEnd, RequestEvent, RequestHead, RequestReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a caller may take, in seconds; tests shorten it."""

    head_s: float = limits.HEAD_TIMEOUT_S
    body_s: float = limits.BODY_TIMEOUT_S
    idle_s: float = limits.IDLE_TIMEOUT_S
    stalled_s: float = limits.STALLED_CALLER_TIMEOUT_S


class Door(Protocol):
    """What a connection asks of the gate. None of it waits."""

    patience: Patience
    max_body_bytes: int

    def enter(self, connection: "CallerConnection") -> bool:
        """Say whether there is room for one more connection, and remember it."""
        ...

    def leave(self, connection: "CallerConnection") -> None:
        """Forget a connection that was entered."""
        ...

    def authenticate(self, head: RequestHead) -> Caller | None:
        """Return who is calling, or None, the reason counted."""
        ...

    def answer_stranger(self) -> bytes:
        """Return the one answer that everybody gets who did not authenticate."""
        ...

    def answer_malformed(self, refusal: HttpRefused) -> bytes:
        """Return the answer to bytes that are no request; the connection closes after it."""
        ...

    def take_room(self, size_bytes: int) -> bool:
        """Say whether so many more bytes of bodies may be kept, and count them."""
        ...

    def give_room(self, size_bytes: int) -> None:
        """Count so many bytes of bodies as gone."""
        ...

    def start_call(self, call: "IncomingCall") -> None:
        """Begin to serve a whole request; it ends with `connection.end_call`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncomingCall:
    """A whole request of an authenticated caller. `body` is None if there was no room to keep it."""

    connection: "CallerConnection"
    head: RequestHead
    caller: Caller
    body: bytes | None
    lifeline: Lifeline
    started_at: float


class CallerConnection(asyncio.Protocol):
    """The protocol of one connection. Calls write through it and learn from their lifeline when it breaks."""

    def __init__(self, door: Door, loop: asyncio.AbstractEventLoop) -> None:
        self._door = door
        self._loop = loop
        self._reader = RequestReader(max_body_bytes=door.max_body_bytes)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._head: RequestHead | None = None
        self._caller: Caller | None = None
        # One buffer, not the pieces: of chunks of two bytes each piece would cost thirty times what it brings.
        self._body = bytearray()
        self._kept_bytes = 0
        self._has_room = True
        self._started_at = 0.0
        self._lifeline: Lifeline | None = None
        self._early_bytes = 0
        self._is_reading = True  # requests; not while one is answered, nor once the connection ends
        self._is_full = False
        self._drained: asyncio.Future[None] | None = None
        self.closes_after = False  # this connection ends with the answer under way

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance: uvloop's transports have the methods and not the base.
        self._transport = stream = cast(asyncio.Transport, transport)
        stream.set_write_buffer_limits(high=limits.MAX_CALLER_QUEUED_BYTES)
        if not self._door.enter(self):
            stream.abort()
            return
        self._set_timer(self._door.patience.head_s, self._on_head_late)

    def data_received(self, data: bytes) -> None:
        if not self._is_reading:
            self._take_early(data)
            return
        begun = self._reader.has_begun
        try:
            events = self._reader.receive(data)
        except HttpRefused as refusal:
            self._refuse(refusal)
            return
        if not begun and self._reader.has_begun:
            # From the first byte of a head, not from its latest: a drip must not renew its time.
            self._set_timer(self._door.patience.head_s, self._on_head_late)
        for event in events:
            self._on_event(event)

    def _on_event(self, event: RequestEvent) -> None:
        if not self._is_reading:
            return
        if isinstance(event, BodyPart):
            self._on_part(event.data)
        elif isinstance(event, RequestEnd):
            self._on_end(event)
        else:
            self._on_head(event)

    def eof_received(self) -> bool:
        # A caller that has closed its half cannot be told from one that has gone.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closes_after = True
        self._clear_timer()
        self._drop_body()
        self._door.leave(self)
        if self._lifeline is not None:
            self._lifeline.cut(Reason.CALLER_LEFT)
        self._wake()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    # the request comes in

    def _on_head(self, head: RequestHead) -> None:
        self._set_timer(self._door.patience.body_s, self._on_body_late)
        self._head = head
        self._started_at = self._loop.time()
        self._caller = self._door.authenticate(head)
        self.closes_after = not head.keep_alive
        if not head.expects_continue or head.body_bytes == 0:
            return
        if self._caller is not None:
            self._write(answers.CONTINUE)
            return
        # RFC 9110 10.1.1: the caller waits for leave to send its body, and gets an answer instead.
        self.closes_after = True
        self._answer_stranger()

    def _on_part(self, data: bytes) -> None:
        if self._caller is None or not self._has_room:
            return
        self._has_room = self._door.take_room(len(data))
        if not self._has_room:
            self._drop_body()
            return
        self._kept_bytes += len(data)
        self._body += data

    def _on_end(self, end: RequestEnd) -> None:
        self._clear_timer()
        self._is_reading = False
        self.closes_after = self.closes_after or end.overrun
        if self._caller is None or self._head is None:
            self._answer_stranger()
            return
        self._lifeline = Lifeline(self._loop)
        body = bytes(self._body) if self._has_room else None
        self._body.clear()
        self._door.start_call(
            IncomingCall(
                connection=self,
                head=self._head,
                caller=self._caller,
                body=body,
                lifeline=self._lifeline,
                started_at=self._started_at,
            )
        )

    def _take_early(self, data: bytes) -> None:
        # Not read and not kept: the answer under way is given, then the connection closes.
        self.closes_after = True
        self._early_bytes += len(data)
        if self._early_bytes > limits.MAX_EARLY_BYTES:
            self.abort()

    def _refuse(self, refusal: HttpRefused) -> None:
        self._clear_timer()
        self._drop_body()
        self._write(self._door.answer_malformed(refusal))
        self._close()

    def _answer_stranger(self) -> None:
        self._write(self._door.answer_stranger())
        self._end_request()

    def _on_head_late(self) -> None:
        if self._reader.has_begun:
            self._refuse(HttpRefused("the header fields did not arrive in time", status=408))
        else:
            self._close()

    def _on_body_late(self) -> None:
        self._refuse(HttpRefused("the body did not arrive in time", status=408))

    # the call's side

    def write(self, data: bytes) -> None:
        """Send `data` to the caller, or nothing if it has gone."""
        self._write(data)

    async def wait_for_room(self, lifeline: Lifeline) -> None:
        """Return when the caller has taken enough, or raise CutShort: CALLER_LEFT if it took nothing for too long."""
        while self._is_full:
            self._drained = self._loop.create_future()
            await lifeline.wait(self._drained, timeout_s=self._door.patience.stalled_s, late=Reason.CALLER_LEFT)

    def end_call(self, *, whole: bool) -> None:
        """Say that the call is over. `whole`: its answer was written to the end; if not, the connection closes."""
        self._lifeline = None
        self._drop_body()
        self.closes_after = self.closes_after or not whole
        self._end_request()

    def close_if_idle(self) -> None:
        """Close the connection unless a request is on it; if one is, close after its answer."""
        if self._lifeline is None and self._head is None and not self._reader.has_begun:
            self._close()
        self.closes_after = True

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _end_request(self) -> None:
        self._clear_timer()
        self._head = self._caller = None
        self._has_room = True
        # Answers that are not taken are no reason to make more of them: no client sends on without reading.
        if self.closes_after or self._is_full:
            self._close()
        else:
            self._is_reading = True
            self._set_timer(self._door.patience.idle_s, self._on_head_late)

    def _drop_body(self) -> None:
        self._body.clear()
        self._door.give_room(self._kept_bytes)
        self._kept_bytes = 0

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        """Send what is written, then close; a caller that does not take it is dropped."""
        self._clear_timer()
        self._is_reading = False
        self.closes_after = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            self._timer = self._loop.call_later(self._door.patience.stalled_s, self.abort)

    def _set_timer(self, after_s: float, action: Callable[[], None]) -> None:
        self._clear_timer()
        self._timer = self._loop.call_later(after_s, action)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
