"""/api/v1: the documents that parties sign, from the charter to a hold.

A document that is refused is put on record too, by its digest and the code of the refusal: who tries to grant with
too few signatures is worth knowing.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from sekisho.access import list_stopped_by
from sekisho.access import services as access
from sekisho.api.answers import StrictRoute, done, raw_body, to_json, where
from sekisho.api.interfaces import Done, Office
from sekisho.core import SekishoError
from sekisho.trust import charter_payload

T = TypeVar("T")
Document = Annotated[bytes, Depends(raw_body)]
# How each kind of document takes effect: `access.services` has one function for each.
Take = Callable[..., T]


def programme_routes(office: Office) -> APIRouter:
    """Return the routes of charter, accords, grants, revocations and holds."""
    routes = APIRouter(tags=["programme"], route_class=StrictRoute)

    @routes.post("/charter")
    def pin_charter(body: Document) -> dict[str, Any]:
        act = office.pin(body)
        return {"charter": charter_payload(act.value), "ledger": where(act), "in_force_ms": act.in_force_ms}

    @routes.get("/charter")
    def show_charter() -> dict[str, Any]:
        return dict(charter_payload(office.charter))

    @routes.post("/accords")
    def bring_accord_into_force(body: Document) -> dict[str, Any]:
        return done(_take(office, "accord", body, access.bring_accord_into_force))

    @routes.get("/accords")
    def list_accords() -> list[dict[str, Any]]:
        return [to_json(item) for item in office.read(access.list_accords)]

    @routes.post("/grants")
    def issue_grant(body: Document) -> dict[str, Any]:
        return done(_take(office, "grant", body, access.issue_grant))

    @routes.get("/grants")
    def list_grants() -> list[dict[str, Any]]:
        return [to_json(item) for item in office.read(access.list_grants)]

    @routes.post("/revocations")
    def revoke_grant(body: Document) -> dict[str, Any]:
        return done(_take(office, "revocation", body, access.revoke_grant))

    @routes.post("/holds")
    def place_hold(body: Document) -> dict[str, Any]:
        act = _take(office, "hold", body, access.place_hold)
        snapshot = office.snapshot
        # None, if it lapsed while it was being placed.
        placed = next((hold for hold in snapshot.holds if hold.id == act.value.id), None)
        return {**done(act), "stops": None if placed is None else to_json(list_stopped_by(placed, snapshot))}

    @routes.get("/holds")
    def list_holds() -> list[dict[str, Any]]:
        return [to_json(item) for item in office.read(access.list_holds)]

    return routes


def _take(office: Office, kind: str, document: bytes, take: Take[T]) -> Done[T]:
    """Put `document` in force by `take`, or put its refusal on record and raise it.

    A database or ledger that fails is no refusal: the document may stand, and the log would say otherwise for ever.
    """
    charter = office.charter
    refusals: list[SekishoError] = []

    def change(session: Session) -> T:
        try:
            return take(session, document, charter, ids=office.ids, at=office.clock.now())
        except SekishoError as refusal:
            refusals.append(refusal)
            raise

    try:
        return office.act(change)
    except SekishoError:
        for refusal in refusals:
            _record_refusal(office, kind, document, refusal)
        raise


def _record_refusal(office: Office, kind: str, document: bytes, refusal: SekishoError) -> None:
    office.act(
        lambda session: access.refuse_document(
            session, document, refusal, kind=kind, ids=office.ids, at=office.clock.now()
        )
    )
