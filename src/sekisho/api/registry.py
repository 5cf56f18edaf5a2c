"""/api/v1: institutions, principals and assets."""

import secrets
from typing import Any

from fastapi import APIRouter

from sekisho.api.answers import Body, StrictRoute, done, named, to_json
from sekisho.api.interfaces import Office
from sekisho.ledger.commitment import SALT_SIZE_BYTES
from sekisho.registry import AssetKind, InstitutionKind, PrincipalKind
from sekisho.registry import services as registry


class NewInstitution(Body):
    """An institution to enrol."""

    lei: str
    kind: str
    name: str
    name_ja: str | None = None
    country: str = "JP"


class NewPrincipal(Body):
    """A person or workload to enrol, with its public key as a JWK."""

    institution_id: str
    kind: str
    name: str
    key: dict[str, str]


class NewAsset(Body):
    """An asset that an institution declares as its own."""

    institution_id: str
    kind: str
    name: str
    basis: str


def registry_routes(office: Office) -> APIRouter:
    """Return the routes of the registry."""
    routes = APIRouter(tags=["registry"], route_class=StrictRoute)

    @routes.post("/institutions")
    def enrol_institution(body: NewInstitution) -> dict[str, Any]:
        return done(
            office.act(
                lambda session: registry.enrol_institution(
                    session,
                    lei=body.lei,
                    kind=named(InstitutionKind, body.kind),
                    name=body.name,
                    name_ja=body.name_ja,
                    country=body.country,
                    ids=office.ids,
                    at=office.clock.now(),
                )
            )
        )

    @routes.get("/institutions")
    def list_institutions() -> list[dict[str, Any]]:
        return [to_json(item) for item in office.read(registry.list_institutions)]

    @routes.post("/principals")
    def enrol_principal(body: NewPrincipal) -> dict[str, Any]:
        return done(
            office.act(
                lambda session: registry.enrol_principal(
                    session,
                    institution_id=body.institution_id,
                    kind=named(PrincipalKind, body.kind),
                    name=body.name,
                    jwk=body.key,
                    salt=secrets.token_bytes(SALT_SIZE_BYTES),
                    ids=office.ids,
                    at=office.clock.now(),
                )
            )
        )

    @routes.get("/principals")
    def list_principals() -> list[dict[str, Any]]:
        return [to_json(item) for item in office.read(registry.list_principals)]

    @routes.post("/assets")
    def declare_asset(body: NewAsset) -> dict[str, Any]:
        return done(
            office.act(
                lambda session: registry.declare_asset(
                    session,
                    institution_id=body.institution_id,
                    kind=named(AssetKind, body.kind),
                    name=body.name,
                    basis=body.basis,
                    ids=office.ids,
                    at=office.clock.now(),
                )
            )
        )

    @routes.get("/assets")
    def list_assets() -> list[dict[str, Any]]:
        return [to_json(item) for item in office.read(registry.list_assets)]

    return routes
