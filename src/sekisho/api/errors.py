"""Errors on the wire: RFC 9457 problem details with the same code, message and hint as the command line."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from sekisho.api.problems import problem
from sekisho.core import SekishoError
from sekisho.db import DatabaseFailed
from sekisho.ledger.errors import (
    LedgerForked,
    LedgerUnavailable,
    LogClosed,
    LogOverloaded,
    StoreBehind,
    StoreDamaged,
)


class BadRequest(SekishoError):
    """The request is not of the shape that the OpenAPI document gives."""

    code: ClassVar[str] = "SKS-API-002"
    hint = "See /api/v1/openapi.json for the shape of each request."


class NoSuchPage(SekishoError):
    """No resource has this path, or it does not take this method."""

    code: ClassVar[str] = "SKS-API-003"
    hint = "See /api/v1/openapi.json for the paths there are."


class TooLarge(SekishoError):
    """The body is larger than the control plane accepts."""

    code: ClassVar[str] = "SKS-API-004"
    hint = "Split the request; the largest that is taken is 32 MiB, for an SBOM or a campaign."


class Broken(SekishoError):
    """The control plane failed; nothing was done that is not in the ledger."""

    code: ClassVar[str] = "SKS-API-005"
    hint = "Tell the programme office the time of the request; its log has the cause."


# A refusal is 422 unless it says something else of itself.
_REFUSED = 422
# The stores cannot do it now; the request was not judged.
_UNAVAILABLE = 503
_STATUS: Mapping[type[SekishoError], int] = MappingProxyType(
    {
        BadRequest: 400,
        NoSuchPage: 404,
        TooLarge: 413,
        Broken: 500,
        DatabaseFailed: _UNAVAILABLE,
        LedgerForked: _UNAVAILABLE,
        LedgerUnavailable: _UNAVAILABLE,
        LogClosed: _UNAVAILABLE,
        LogOverloaded: _UNAVAILABLE,
        StoreBehind: _UNAVAILABLE,
        StoreDamaged: _UNAVAILABLE,
    }
)
_MAX_NAME = 80


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document; a stranger never sees a traceback."""
    app.add_exception_handler(SekishoError, _on_ours)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


def status_of(error: SekishoError) -> int:
    """Return the HTTP status that goes with `error`, or with the nearest error that it is a kind of."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), _REFUSED)


def _problem(error: SekishoError) -> Response:
    return problem(error, status=status_of(error))


async def _on_ours(_request: Request, error: Exception) -> Response:
    return _problem(error if isinstance(error, SekishoError) else Broken("the control plane failed"))


async def _on_validation(_request: Request, error: Exception) -> Response:
    # Where and what, never the value: it may be a secret that was sent to the wrong field.
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    where = "; ".join(f"{'.'.join(map(str, fault['loc']))[:_MAX_NAME]}: {fault['msg']}" for fault in faults[:5])
    return _problem(BadRequest(where or "not the shape that was expected"))


async def _on_http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _problem(Broken("the control plane failed"))
    if error.status_code == 413:
        return _problem(TooLarge("the body is too large"))
    return _problem(NoSuchPage("no such resource") if error.status_code in (404, 405) else BadRequest(error.detail))


async def _on_bug(_request: Request, _error: Exception) -> Response:
    return _problem(Broken("the control plane failed"))
