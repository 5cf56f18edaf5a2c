"""Who may use /api/v1: the office, by a bearer credential that lies in the data directory."""

import hmac
from typing import ClassVar

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sekisho.api.problems import problem
from sekisho.core import SekishoError

PROTECTED = "/api/v1"
# The shape of requests is no secret; it is in the documentation too.
OPEN = "/api/v1/openapi.json"


class OfficeOnly(SekishoError):
    """The request did not carry the office's credential."""

    code: ClassVar[str] = "SKS-API-001"
    hint = "Send the content of control/office.token as a bearer credential; on the command line, give --data."


class OfficeGuard:
    """Lets a request to /api/v1 pass if its one bearer credential is the office's.

    In front of the routes, not a dependency of them: FastAPI reads and parses a body before it asks dependencies, and a
    stranger's body is not worth reading.
    """

    def __init__(self, app: ASGIApp, credential: str) -> None:
        self._app, self._expected = app, credential.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_protected(scope["path"]) and not self._is_office(Headers(scope=scope)):
            await problem(OfficeOnly("this is for the programme office"), status=401)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_office(self, headers: Headers) -> bool:
        sent = headers.getlist("authorization")
        scheme, _, given = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), self._expected)


def _is_protected(path: str) -> bool:
    return path != OPEN and (path == PROTECTED or path.startswith(f"{PROTECTED}/"))
