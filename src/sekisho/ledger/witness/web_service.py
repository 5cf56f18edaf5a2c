"""The witness over HTTP: Starlette and uvicorn around `service`. The only file here that needs the `server` extra.

Nobody is authenticated but by the signature on the checkpoint, so everything before that is bounded: the body, the
time to send it, the life of a connection, the number of them. What costs a flush comes after the signature.
"""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from sekisho.core.errors import SekishoError
from sekisho.ledger.witness.service import WitnessAnswer, WitnessService
from sekisho.tlog.witness import MAX_REQUEST_SIZE_BYTES

# A request is 70 kB at the most: a log that needs longer to send it is not one to wait for.
BODY_TIMEOUT_S: Final = 10.0
# Also for a connection that is kept: who sends a header a byte at a time, or nothing, holds a place no longer.
CONNECTION_LIFE_S: Final = 60.0
# Each log keeps one connection; a deployment has some dozens.
MAX_CONNECTIONS: Final = 512
_DRAIN_TIMEOUT_S: Final = 5


class AddressTaken(SekishoError):
    """The witness's address cannot be listened on."""

    code: ClassVar[str] = "SKS-LEDGER-093"
    hint = "Stop what uses the port, or give another: --listen HOST:PORT."


def make_app(service: WitnessService) -> Starlette:
    """Return the witness as an ASGI application: `POST /add-checkpoint`, and `GET /` that says who it is."""

    async def add_checkpoint(request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _read_body(request)
        except TimeoutError:
            return _response(WitnessAnswer(status=408, body=b"the body came too slowly\n"))
        except ClientDisconnect:
            # Nobody is there to read it.
            return Response(status_code=400)
        if body is None:
            return _response(WitnessAnswer(status=413, body=b"the body is too large\n"))
        return _response(await run_in_threadpool(service.add_checkpoint, body))

    async def introduce(_request: Request) -> Response:
        return _response(WitnessAnswer(status=200, body=service.introduce()))

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/", introduce, methods=["GET"]),
        ]
    )


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, or raise AddressTaken."""
    try:
        return socket.create_server((host, port), family=_family_of(host), backlog=MAX_CONNECTIONS)
    except (OSError, OverflowError) as error:
        raise AddressTaken(f"cannot listen on {host}:{port}: {error}") from error


def serve(
    service: WitnessService,
    listener: socket.socket,
    *,
    when_started: Callable[[], None],
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve on `listener` until SIGTERM or SIGINT; with TLS if `certificate` (PEM chain) and its `key` are given."""
    config = uvicorn.Config(
        make_app(service),
        http=_BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=_DRAIN_TIMEOUT_S,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    asyncio.run(_Server(config, when_started).serve(sockets=[listener]))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, when_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = when_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._when_started()


class _BoundedProtocol(H11Protocol):
    """A connection with an end: uvicorn itself waits for the first header of one for ever."""

    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._end = asyncio.get_running_loop().call_later(CONNECTION_LIFE_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)


async def _read_body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is known to be larger than any request."""
    claimed = request.headers.get("content-length", "0")
    if not claimed.isascii() or not claimed.isdigit() or int(claimed[:20]) > MAX_REQUEST_SIZE_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_REQUEST_SIZE_BYTES:
            return None
    return bytes(body)


def _response(answer: WitnessAnswer) -> Response:
    # Not `media_type`: Starlette would add a charset to text/x.tlog.size.
    return Response(answer.body, status_code=answer.status, headers={"content-type": answer.content_type})


def _family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
