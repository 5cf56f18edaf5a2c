"""/api/v1: the content of calls, handed out sealed or erased. Content itself never passes through here."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from sekisho.api.answers import Body, StrictRoute, to_json
from sekisho.api.interfaces import Office

# What one question to a gate names.
_MAX_ERASED_AT_ONCE = 200
RequestId = Annotated[str, Field(pattern=r"^[a-z]{2,8}_[0-9a-z]{26}$")]


class Erasure(Body):
    """Calls whose content is to be erased, and why."""

    request_ids: Annotated[list[RequestId], Field(min_length=1, max_length=_MAX_ERASED_AT_ONCE)]
    basis: str


class Release(Body):
    """A call whose sealed transcript is handed out: to whom, and why."""

    request_id: RequestId
    requested_by: str
    basis: str


def transcript_routes(office: Office) -> APIRouter:
    """Return the routes of erasing and of handing out."""
    routes = APIRouter(tags=["transcripts"], route_class=StrictRoute)

    @routes.post("/transcripts/erasures")
    def erase(body: Erasure) -> list[dict[str, Any]]:
        return [to_json(call) for call in office.transcripts.erase(body.request_ids, basis=body.basis)]

    @routes.post("/transcripts/releases")
    def release(body: Release) -> dict[str, Any]:
        released = office.transcripts.release(body.request_id, requested_by=body.requested_by, basis=body.basis)
        return dict(to_json(released))

    return routes
