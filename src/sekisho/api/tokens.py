"""The token endpoint (RFC 6749 4.4, RFC 7523, RFC 9449 5): a principal proves its key and gets a bound token.

It says who asks and for what; whether that is allowed, gates decide on every call (ADR 0009).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from sekisho.api.interfaces import Issuer, Office
from sekisho.api.replays import TakenOnce
from sekisho.core import SekishoError
from sekisho.registry.services import find_principal_key
from sekisho.tokens import (
    ASSERTION_TYPE,
    AccessToken,
    AssertionRefused,
    CallScope,
    Proof,
    ProofRefused,
    PublicKey,
    ScopeRefused,
    SigningKey,
    encode_key_set,
    issue_access_token,
    parse_details_text,
    verify_client_assertion,
    verify_proof,
)

TOKEN_LIFE = timedelta(seconds=300)
# An assertion and the details are about 1.5 kB.
MAX_FORM_BYTES = 16_384
_FIELDS = frozenset({"grant_type", "client_assertion_type", "client_assertion", "authorization_details"})


class TokenRequestRefused(SekishoError):
    """The form is not a token request of ours."""

    code: ClassVar[str] = "SKS-API-201"
    hint = "Send grant_type, client_assertion_type, client_assertion and authorization_details once each."


# What was refused → status and name: RFC 6749 5.2, RFC 9396 5, RFC 9449 5. All else is not the client's doing.
_ANSWERS: Mapping[type[SekishoError], tuple[int, str]] = MappingProxyType(
    {
        TokenRequestRefused: (400, "invalid_request"),
        ScopeRefused: (400, "invalid_authorization_details"),
        AssertionRefused: (401, "invalid_client"),
        ProofRefused: (400, "invalid_dpop_proof"),
    }
)
_UNAVAILABLE = (503, "temporarily_unavailable")


def token_routes(office: Office, issuer: Issuer) -> APIRouter:
    """Return the routes of the authorization server: tokens, keys, metadata."""
    routes = APIRouter(include_in_schema=False)
    taken = TakenOnce(clock=office.clock)
    key = SigningKey(issuer.key)

    @routes.post("/oauth/token")
    async def issue(request: Request) -> JSONResponse:
        try:
            body = await _read_bounded(request)
            answer = await run_in_threadpool(
                _issue, body, request.headers.getlist("dpop"), office=office, issuer=issuer, key=key, taken=taken
            )
        except SekishoError as error:
            return _refuse(error)
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    @routes.get("/.well-known/jwks.json")
    def keys() -> dict[str, list[dict[str, str]]]:
        return encode_key_set([key.public])

    @routes.get("/.well-known/oauth-authorization-server")
    def metadata() -> dict[str, object]:
        return {
            "issuer": issuer.issuer,
            "token_endpoint": f"{issuer.issuer}/oauth/token",
            "jwks_uri": f"{issuer.issuer}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["Ed25519", "ES256"],
            "dpop_signing_alg_values_supported": ["Ed25519", "ES256"],
            "authorization_details_types_supported": ["sekisho_call"],
        }

    return routes


def _issue(
    body: bytes, proofs: list[str], *, office: Office, issuer: Issuer, key: SigningKey, taken: TakenOnce
) -> Mapping[str, object]:
    """Return the token answer (RFC 6749 5.1), or raise.

    Steps: (1) the form, each field once; (2) what is asked for, by shape; (3) the client, by the key that is
    enrolled for it; (4) its assertion is taken once, so that a stolen one cannot fill the record with proofs; (5) the
    proof, by the same key, taken once, made since this process began; (6) the token.
    """
    now = office.clock.now()
    # (1)
    form = _read_form(body)
    # (2)
    scope = parse_details_text(form["authorization_details"].encode())
    # (3)
    assertion = verify_client_assertion(
        form["client_assertion"], find_key=_finder(office), issuer=issuer.issuer, at=now
    )
    # (4)
    taken.check_new(f"{assertion.client_id}.{assertion.jti}", assertion.replay_until)
    # (5)
    proof = verify_proof(
        proofs,
        method="POST",
        origin=issuer.issuer,
        target="/oauth/token",
        at=now,
        binding=None,
        nonces=None,
        replays=taken,
    )
    enrolled = _finder(office)(assertion.client_id)
    if enrolled is None or proof.key != enrolled or proof.issued_at < taken.started_at.replace(microsecond=0):
        raise AssertionRefused("the proof is not by the client's key, or from before a restart")
    # (6)
    return _answer(scope, assertion.client_id, proof, office=office, issuer=issuer, key=key)


def _answer(
    scope: CallScope, principal_id: str, proof: Proof, *, office: Office, issuer: Issuer, key: SigningKey
) -> Mapping[str, object]:
    now = office.clock.now().replace(microsecond=0)
    token = AccessToken(
        principal_id=principal_id,
        jkt=proof.jkt,
        scope=scope,
        jti=office.ids.new("tok"),
        issued_at=now,
        expires_at=now + TOKEN_LIFE,
    )
    text = issue_access_token(token, key=key, issuer=issuer.issuer, audience=issuer.audience())
    return {"access_token": text, "token_type": "DPoP", "expires_in": int(TOKEN_LIFE.total_seconds())}


async def _read_bounded(request: Request) -> bytes:
    """Return the body, or raise before more than a form's size of a stranger's bytes is held."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise TokenRequestRefused("the form is too large")
    return body


def _read_form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=len(_FIELDS) + 4)
    except ValueError as error:
        raise TokenRequestRefused("not a form (application/x-www-form-urlencoded)") from error
    form = dict(pairs)
    if len(form) != len(pairs) or set(form) != _FIELDS:
        raise TokenRequestRefused("a field is missing, unknown or sent twice")
    if form["grant_type"] != "client_credentials" or form["client_assertion_type"] != ASSERTION_TYPE:
        raise TokenRequestRefused("another grant or client authentication than this endpoint has")
    return form


def _finder(office: Office) -> Callable[[str], PublicKey | None]:
    return lambda client_id: office.read(lambda session: find_principal_key(session, client_id))


def _refuse(error: SekishoError) -> JSONResponse:
    """Return `error` as RFC 6749 5.2, with our code; a client that is not known learns no more than a false one."""
    status, name = next((answer for kind, answer in _ANSWERS.items() if isinstance(error, kind)), _UNAVAILABLE)
    body = {"error": name, "error_description": error.message, **error.to_dict()}
    return JSONResponse(body, status_code=status, headers={"cache-control": "no-store"})
