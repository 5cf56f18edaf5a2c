"""The admin listener: three pages for the operator's machinery, on a port of its own. It changes nothing."""

import asyncio
from collections.abc import Callable
from typing import cast

from sekisho.gate import answers, limits
from sekisho.gate.errors import HttpRefused
from sekisho.gate.request import RequestEnd, RequestHead, RequestReader

_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_METRICS = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


class AdminConnection(asyncio.Protocol):
    """Answers `GET /livez`, `/readyz` and `/metrics`, one request a connection."""

    def __init__(self, *, why_not_ready: Callable[[], str | None], metrics: Callable[[], bytes]) -> None:
        self._why_not_ready = why_not_ready
        self._metrics = metrics
        self._reader = RequestReader(max_body_bytes=0)
        self._head: RequestHead | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance: uvloop's transports have the methods and not the base.
        self._transport = stream = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(limits.HEAD_TIMEOUT_S, stream.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        try:
            for event in self._reader.receive(data):
                if isinstance(event, RequestHead):
                    self._head = event
                elif isinstance(event, RequestEnd) and self._head is not None:
                    self._answer(*self._page(self._head))
        except HttpRefused as refusal:
            self._answer(refusal.status, _TEXT, b"not a request\n")

    def _page(self, head: RequestHead) -> tuple[int, answers.Field, bytes]:
        page = (head.method, head.path)
        if page == ("GET", "/livez"):
            # That the loop came round to this is the whole answer.
            return 200, _TEXT, b"alive\n"
        if page == ("GET", "/readyz"):
            why_not = self._why_not_ready()
            return (200, _TEXT, b"ready\n") if why_not is None else (503, _TEXT, why_not.encode() + b"\n")
        if page == ("GET", "/metrics"):
            return 200, _METRICS, self._metrics()
        return 404, _TEXT, b"nothing here\n"

    def _answer(self, status: int, kind: answers.Field, body: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answers.encode_whole(status, (kind, answers.CLOSE), body))
            self._transport.close()
