"""How values become JSON answers, and how a body is taken."""

from collections.abc import Callable, Coroutine
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from sekisho.api.interfaces import Done
from sekisho.core import SekishoError, format_utc
from sekisho.formats import jcs
from sekisho.tokens import PublicKey


class Body(BaseModel):
    """A request's JSON object: no unknown field, no value of another type made to fit."""

    model_config = ConfigDict(extra="forbid", strict=True)


class StrictRoute(APIRoute):
    """A route whose JSON bodies have one reading: what `formats.jcs` refuses never reaches a model."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return jcs.parse(await self.body())
        except jcs.JsonRefused as error:
            # FastAPI lets this type through, and would hide any other.
            raise HTTPException(400, detail=error.message) from error


async def raw_body(request: Request) -> bytes:
    """Return the body as it was sent: a signed document is judged byte for byte."""
    return await request.body()


def to_json(value: Any) -> Any:
    """Return `value` (frozen dataclasses, keys, enums, times, tuples) as JSON: field names kept, times in RFC 3339."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return format_utc(value)
    if isinstance(value, PublicKey):
        return {**value.to_jwk(), "kid": value.thumbprint}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value) if field.repr}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {name: to_json(item) for name, item in value.items()}
    return value


def where(act: Done[Any]) -> dict[str, Any]:
    """Return where the ledger has what an act recorded; no index where it changed nothing."""
    return {"log": "decisions", "indexes": list(act.indexes)}


def done(act: Done[Any]) -> dict[str, Any]:
    """Return what an act did: its value, where the ledger has it, and since when it is in force at each gate."""
    return {**to_json(act.value), "ledger": where(act), "in_force_ms": act.in_force_ms}


class UnknownName(SekishoError):
    """A field names something that is not on its closed list."""

    code: ClassVar[str] = "SKS-API-006"


Member = TypeVar("Member", bound=Enum)


def named(kind: type[Member], name: str) -> Member:
    """Return the member of `kind` whose value is `name`, or raise UnknownName with the names there are."""
    try:
        return kind(name)
    except ValueError as error:
        known = ", ".join(str(member.value) for member in kind)
        raise UnknownName(f"{name[:40]!r} is not on the list", hint=f"One of: {known}.") from error
