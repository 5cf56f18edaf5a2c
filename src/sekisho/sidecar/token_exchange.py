"""The words that pass between a defender and the token endpoint (RFC 6749 4.4, 7523, 9396, 9449). No I/O."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from sekisho.core import Clock, IdSource
from sekisho.sidecar.errors import TokenAnswerGarbled, TokenDenied
from sekisho.tokens import (
    ASSERTION_TYPE,
    CallScope,
    SigningKey,
    TokenRefused,
    encode_details,
    make_client_assertion,
    make_proof,
    peek_audience,
)

TOKEN_PATH = "/oauth/token"  # noqa: S105  # a path
# Renewed early enough that a token does not run out between two hops.
REFRESH_BEFORE = timedelta(seconds=30)
# The issuer is near and answers at once; an SDK's ten minutes would hide that it does not.
TIMEOUT_S = 10.0
# A token and its frame are about 1 kB.
MAX_ANSWER_BYTES = 16_384
_MAX_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks, where: the principal's id, its key, and the issuer's address without a path."""

    principal_id: str
    issuer: str
    key: SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldToken:
    """A token, where it may be shown (`audience`, an origin), and when to ask for the next (aware UTC)."""

    text: str = field(repr=False)
    audience: str
    refresh_at: datetime


def token_request(
    identity: Identity, scope: CallScope, *, clock: Clock, ids: IdSource, nonce: str | None
) -> httpx2.Request:
    """Return the request for a token for `scope`, with an assertion and a proof by the identity's key."""
    at, url = clock.now(), identity.issuer + TOKEN_PATH
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": make_client_assertion(
            client_id=identity.principal_id, issuer=identity.issuer, key=identity.key, jti=ids.new("jti"), at=at
        ),
        "authorization_details": json.dumps(encode_details(scope), separators=(",", ":")),
    }
    proof = make_proof(key=identity.key, method="POST", url=url, jti=ids.new("jti"), at=at, token=None, nonce=nonce)
    timeout = httpx2.Timeout(TIMEOUT_S).as_dict()
    return httpx2.Request(
        "POST", url, data=form, headers={"DPoP": proof, "Accept": "application/json"}, extensions={"timeout": timeout}
    )


def read_token_answer(answer: httpx2.Response, *, at: datetime) -> HeldToken:
    """Return the token in `answer` (its body read), or raise TokenDenied or TokenAnswerGarbled."""
    value = _read_object(answer)
    if answer.status_code != httpx2.codes.OK:
        raise TokenDenied(f"the issuer answered {answer.status_code}: {_words(value)}")
    text, life_s = value.get("access_token"), value.get("expires_in")
    if not isinstance(text, str) or str(value.get("token_type")).lower() != "dpop":
        raise TokenAnswerGarbled("an answer without a token bound to this key")
    if isinstance(life_s, bool) or not isinstance(life_s, int) or not 0 < life_s <= 86_400:
        raise TokenAnswerGarbled("a token without a life in seconds")
    try:
        audience = peek_audience(text)
    except TokenRefused as error:
        raise TokenAnswerGarbled("a token that is not a JWT with an audience") from error
    return HeldToken(text=text, audience=audience, refresh_at=at + timedelta(seconds=life_s) - REFRESH_BEFORE)


def wanted_nonce(answer: httpx2.Response) -> str | None:
    """Return the nonce that the issuer wants in the next proof (RFC 9449 8), None if it wants none."""
    asks = answer.status_code in {httpx2.codes.BAD_REQUEST, httpx2.codes.UNAUTHORIZED}
    return answer.headers.get("DPoP-Nonce") if asks else None


def _read_object(answer: httpx2.Response) -> dict[str, Any]:
    if len(answer.content) > MAX_ANSWER_BYTES:
        raise TokenAnswerGarbled(f"an answer of {len(answer.content)} bytes, status {answer.status_code}")
    try:
        value = json.loads(answer.content)
    except (ValueError, RecursionError):
        raise TokenAnswerGarbled(f"an answer that is not JSON, status {answer.status_code}") from None
    if not isinstance(value, dict):
        raise TokenAnswerGarbled(f"an answer that is not an object, status {answer.status_code}")
    return value


def _words(value: dict[str, Any]) -> str:
    """Return the server's own words on one line, bounded, without what a terminal would obey."""
    parts = [value[name] for name in ("error", "error_description", "hint") if isinstance(value.get(name), str)]
    return "".join(c if c.isprintable() else " " for c in "; ".join(parts))[:_MAX_WORDS] or "no reason given"
