"""Who may use /api/v1: the office, by a bearer credential that lies in the data directory."""

import hmac
from collections.abc import Callable
from typing import ClassVar

from fastapi import Request

from sekisho.core import SekishoError


class OfficeOnly(SekishoError):
    """The request did not carry the office's credential."""

    code: ClassVar[str] = "SKS-API-001"
    hint = "Send the content of control/office.token as a bearer credential; on the command line, give --data."


def require_office(credential: str) -> Callable[[Request], None]:
    """Return a dependency that lets a request pass if its bearer credential is `credential`, else raises OfficeOnly."""
    expected = credential.encode()

    def check(request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), expected):
            raise OfficeOnly("this is for the programme office")

    return check
