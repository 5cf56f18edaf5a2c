"""The control plane's web application: /api/v1 for the office, the token endpoint for defenders, two health pages.

Nothing of it is on the gate's listener, and nothing of the gate's is here.
"""

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from sekisho.api import errors
from sekisho.api.body_limit import BodyLimit
from sekisho.api.interfaces import Issuer, Office, Sharing
from sekisho.api.programme import programme_routes
from sekisho.api.registry import registry_routes
from sekisho.api.security import OPEN, PROTECTED, OfficeGuard
from sekisho.api.sharing import sharing_routes
from sekisho.api.tokens import token_routes
from sekisho.api.transcripts import transcript_routes

# The largest bodies are an SBOM of 100,000 components and a campaign with as many findings.
MAX_BODY_BYTES = 32 * 1024 * 1024


def make_app(office: Office, issuer: Issuer, sharing: Sharing, *, office_credential: str) -> FastAPI:
    """Return the application over `office`. It keeps no state of its own but what token requests took once."""
    app = FastAPI(
        title="Sekisho control plane",
        version="1",
        openapi_url=OPEN,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(OfficeGuard, credential=office_credential),
            Middleware(BodyLimit, most=MAX_BODY_BYTES),
        ],
    )
    errors.install(app)
    api = APIRouter(prefix=PROTECTED)
    for routes in (
        registry_routes(office),
        programme_routes(office),
        sharing_routes(office, sharing),
        transcript_routes(office),
    ):
        api.include_router(routes)
    app.include_router(api)
    app.include_router(token_routes(office, issuer))
    app.include_router(_health(office))
    return app


def _health(office: Office) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/livez")
    def livez() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    def readyz() -> dict[str, object]:
        office.check_ready()
        return {"status": "ok", "snapshot_version": office.snapshot.version}

    return routes
