"""Step 9's wire: connections to one lab, kept and reused. The only place where bytes leave for a lab.

A request is written once. A connection that dies under it is not replaced: a call is never sent twice.
"""

import asyncio
import ssl
from collections import deque
from typing import cast

from sekisho.core import Reason
from sekisho.gate import limits
from sekisho.gate.errors import LabRefused
from sekisho.gate.lab_answer import AnswerEnd, AnswerPart, LabAnswerReader, LabEvent
from sekisho.gate.lifeline import CutShort, Lifeline
from sekisho.gate.settings import Upstream

# What a queued part costs beside its bytes: the two objects and their place in the queue.
_PART_BYTES = 128


class LabConnection(asyncio.Protocol):
    """One connection to a lab, carrying at most one call. Stops reading while the call has enough to chew on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader: LabAnswerReader | None = None
        self._events: deque[LabEvent] = deque()
        self._queued_bytes = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Reason | None = None
        self.is_lost = False
        self.idle_since = 0.0

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance: uvloop's transports have the methods and not the base.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            # An idle lab has nothing to say; whatever it is, it must not become the answer to the next call.
            self.close()
            return
        try:
            self._add(self._reader.receive(data))
        except LabRefused:
            self._fail(Reason.LAB_GARBLED)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self._reader is not None:
            self._add(self._reader.receive_eof() if exc is None else [])
            self._fail(Reason.LAB_BROKE_OFF)

    # the call's side

    def send(self, request: bytes) -> None:
        """Write one request, whole. Its answer is taken with `next_event`."""
        assert self._transport is not None  # noqa: S101  # the pool hands out connected ones alone
        self._reader = LabAnswerReader()
        self._transport.write(request)

    async def next_event(self, lifeline: Lifeline, *, timeout_s: float) -> LabEvent:
        """Return the answer's next event, or raise CutShort: LAB_TIMEOUT, LAB_BROKE_OFF, LAB_GARBLED, or a cut."""
        while not self._events:
            if self._failure is not None:
                raise CutShort(self._failure)
            self._waiter = self._loop.create_future()
            await lifeline.wait(self._waiter, timeout_s=timeout_s, late=Reason.LAB_TIMEOUT)
        lifeline.check()
        return self._take()

    def is_at_end(self) -> bool:
        """Say whether the end of the answer has come in and is the next event."""
        return bool(self._events) and isinstance(self._events[0], AnswerEnd)

    def is_sending(self) -> bool:
        """Say whether part of the request has not left yet: then an answer to it came before the lab had read it."""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def release(self) -> None:
        """Say that the answer was taken whole and the connection may carry another call."""
        self._reader = None

    def close(self) -> None:
        """Drop the connection and what it still holds; safe to repeat."""
        self.is_lost = True
        if self._transport is not None:
            self._transport.abort()

    def _take(self) -> LabEvent:
        event = self._events.popleft()
        if isinstance(event, AnswerPart):
            self._queued_bytes -= _cost(event)
            if self._paused and self._queued_bytes <= limits.MAX_LAB_QUEUED_BYTES // 2:
                self._pause(False)
        return event

    def _add(self, events: list[LabEvent]) -> None:
        self._events.extend(events)
        self._queued_bytes += sum(_cost(event) for event in events if isinstance(event, AnswerPart))
        if not self._paused and self._queued_bytes > limits.MAX_LAB_QUEUED_BYTES:
            self._pause(True)
        self._wake()

    def _pause(self, paused: bool) -> None:
        self._paused = paused
        if self._transport is not None and not self.is_lost:
            self._transport.pause_reading() if paused else self._transport.resume_reading()

    def _fail(self, reason: Reason) -> None:
        self._failure = self._failure or reason
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _cost(part: AnswerPart) -> int:
    return len(part.data) + _PART_BYTES


class LabPool:
    """The connections of one lab. `connect` gives an idle one or a new one; `give_back` keeps what may be reused."""

    def __init__(
        self,
        upstream: Upstream,
        *,
        loop: asyncio.AbstractEventLoop,
        connect_timeout_s: float = limits.LAB_CONNECT_TIMEOUT_S,
    ) -> None:
        self._upstream = upstream
        self._loop = loop
        self._connect_timeout_s = connect_timeout_s
        self._tls = ssl.create_default_context() if upstream.endpoint.scheme == "https" else None
        self._idle: list[LabConnection] = []

    async def connect(self) -> LabConnection:
        """Return a connection that carries nothing yet, or raise CutShort (LAB_UNREACHABLE, LAB_TIMEOUT)."""
        self._drop_old()
        if self._idle:
            return self._idle.pop()
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                _, connection = await self._loop.create_connection(
                    self._make, self._upstream.endpoint.host, self._upstream.endpoint.port, ssl=self._tls
                )
        except TimeoutError:
            raise CutShort(Reason.LAB_TIMEOUT) from None
        except OSError:
            # Names, addresses and certificates stay out of what a caller sees.
            raise CutShort(Reason.LAB_UNREACHABLE) from None
        if connection.is_lost:
            # The lab hung up, or spoke, before it was asked: nobody would tell the call that no answer comes.
            raise CutShort(Reason.LAB_UNREACHABLE)
        return connection

    def give_back(self, connection: LabConnection, end: AnswerEnd | None, *, unused: bool) -> None:
        """Keep `connection` if nothing was sent on it (`unused`) or its answer ended as HTTP has it, else close it."""
        may_stay = unused or (end is not None and end.reusable and not connection.is_sending())
        connection.release()
        if not may_stay or connection.is_lost or len(self._idle) >= limits.MAX_LAB_IDLE_CONNECTIONS:
            connection.close()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)

    def close(self) -> None:
        """Close every idle connection."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _make(self) -> LabConnection:
        return LabConnection(self._loop)

    def _drop_old(self) -> None:
        oldest = self._loop.time() - limits.LAB_KEEP_S
        for connection in self._idle:
            if connection.idle_since < oldest:
                connection.close()
        self._idle = [connection for connection in self._idle if not connection.is_lost]
