"""The most that a request may carry, whatever its length says."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sekisho.api.errors import TooLarge
from sekisho.api.problems import problem

_TOO_LARGE = 413


class BodyLimit:
    """Refuses a body of more than `most` bytes: unread by what it says of its length, or where it passes the limit.

    Starlette's own answers a length that is too large in plain text; every error of ours is a problem document.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A length is digits alone (RFC 9110 8.6): the server under us refuses any other.
        if int(Headers(scope=scope).get("content-length", "0")) > self._most:
            await problem(TooLarge("the body is too large"), status=_TOO_LARGE)(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def receive_counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise HTTPException(_TOO_LARGE)
            return message

        return receive_counted
