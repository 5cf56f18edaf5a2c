"""Access tokens: JWTs of RFC 9068 (`at+jwt`), bound to a key by `cnf.jkt` (RFC 9449 6.1), five minutes at most.

A token alone opens nothing: whoever takes one MUST also verify a proof of its key (`dpop.verify_proof`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sekisho.formats import jcs
from sekisho.tokens.claims import (
    check_life,
    read_identifier,
    read_jti,
    read_text,
    read_thumbprint,
    read_time,
    to_seconds,
)
from sekisho.tokens.errors import KeyRefused, ScopeRefused, TokenExpired, TokenRefused
from sekisho.tokens.jwk import PublicKey, SigningKey, parse_jwk
from sekisho.tokens.jws import open_compact, sign_compact, verify_compact
from sekisho.tokens.scope import CallScope, encode_details, parse_details

# FAPI 2.0: a token that leaks is worth little for not long.
MAX_LIFE = timedelta(seconds=300)
# The issuer's clock may run ahead of the gate's by this much; nothing is given at the other end.
MAX_CLOCK_SKEW = timedelta(seconds=5)
# One key in use, one coming, one going; more is a mistake in the configuration.
MAX_KEYS = 8
_HEADER = frozenset({"alg", "typ", "kid"})
_CLAIMS = frozenset({"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "cnf", "authorization_details"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a token says. `jkt`: thumbprint of the key it is bound to. Times are aware UTC in whole seconds."""

    principal_id: str
    jkt: str
    scope: CallScope
    jti: str
    issued_at: datetime
    expires_at: datetime

    @property
    def asset(self) -> str | None:
        return self.scope.asset

    @property
    def case(self) -> str | None:
        return self.scope.case

    @property
    def technique(self) -> str:
        return self.scope.technique


def issue_access_token(token: AccessToken, *, key: SigningKey, issuer: str, audience: str) -> str:
    """Return `token` signed by `key`, or raise TokenRefused if it would live longer than MAX_LIFE.

    `audience`: the external origin of the gate that may take it. Fractions of a second are dropped.
    """
    check_life(issued_at=token.issued_at, expires_at=token.expires_at, max_life=MAX_LIFE, refused=TokenRefused)
    claims: dict[str, jcs.Json] = {
        "iss": issuer,
        "aud": audience,
        "sub": token.principal_id,
        "client_id": token.principal_id,
        "iat": to_seconds(token.issued_at),
        "exp": to_seconds(token.expires_at),
        "jti": token.jti,
        "cnf": {"jkt": token.jkt},
        "authorization_details": encode_details(token.scope),
    }
    return sign_compact(claims, header={"typ": "at+jwt", "kid": key.public.thumbprint}, key=key)


def verify_access_token(
    text: str, *, keys: Mapping[str, PublicKey], issuer: str, audience: str, at: datetime
) -> AccessToken:
    """Return what the token `text` says at `at` (aware UTC), or raise TokenRefused or TokenExpired.

    `keys`: the issuer's, by thumbprint. Spec: RFC 9068 4. Steps: (1) size and shape; (2) `typ`, so that no other
    JWT of this issuer passes for a token; (3) the issuer's key, by `kid`; (4) the signature, under that key's one
    algorithm; (5) exactly the claims of ours; (6) `iss`; (7) `aud`; (8) the life it was given; (9) the time;
    (10) one principal, one key, one scope. The caller MUST verify a proof of the key `jkt`.
    """
    # (1)
    opened = open_compact(text, names=_HEADER, refused=TokenRefused)
    # (2)
    if opened.header.get("typ") != "at+jwt":
        raise TokenRefused("typ is not at+jwt")
    # (3)
    key = keys.get(read_thumbprint(opened.header, "kid", refused=TokenRefused))
    if key is None:
        raise TokenRefused("signed by a key that is not the issuer's")
    # (4)
    claims = verify_compact(opened, key, refused=TokenRefused)
    # (5)
    if set(claims) != _CLAIMS:
        raise TokenRefused("other claims than an access token of ours has")
    # (6), (7) A list of audiences would be a token for several gates: one is one.
    if read_text(claims, "iss", refused=TokenRefused) != issuer:
        raise TokenRefused("another issuer's")
    if read_text(claims, "aud", refused=TokenRefused) != audience:
        raise TokenRefused("for another gate")
    # (8), (9)
    issued_at, expires_at = _read_times(claims, at=at)
    # (10)
    principal_id = read_identifier(claims, "sub", refused=TokenRefused)
    if claims["client_id"] != principal_id:
        raise TokenRefused("sub and client_id differ")
    return AccessToken(
        principal_id=principal_id,
        jkt=_read_binding(claims),
        scope=_read_scope(claims),
        jti=read_jti(claims, refused=TokenRefused),
        issued_at=issued_at,
        expires_at=expires_at,
    )


def peek_audience(text: str) -> str:
    """Return the audience that the token `text` names, unverified, or raise TokenRefused.

    For the holder of a token alone, who got it from its issuer and must not show it to anyone else.
    """
    return read_text(open_compact(text, names=_HEADER, refused=TokenRefused).claims, "aud", refused=TokenRefused)


def encode_key_set(keys: Sequence[PublicKey]) -> dict[str, list[dict[str, str]]]:
    """Return `keys` as a JWK set (RFC 7517 5), each with its thumbprint as `kid`."""
    return {"keys": [{**key.to_jwk(), "alg": key.alg, "kid": key.thumbprint, "use": "sig"} for key in keys]}


def parse_key_set(value: jcs.Json) -> dict[str, PublicKey]:
    """Return the keys of the JWK set `value` by thumbprint, or raise KeyRefused; a `kid` must be the thumbprint."""
    listed = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not 0 < len(listed) <= MAX_KEYS:
        raise KeyRefused(f"a key set has 1 to {MAX_KEYS} keys")
    keys: dict[str, PublicKey] = {}
    for item in listed:
        key = parse_jwk(item)
        # A kid that anyone may choose lets a second key answer to the first one's name.
        if isinstance(item, Mapping) and item.get("kid", key.thumbprint) != key.thumbprint:
            raise KeyRefused("a kid that is not the key's thumbprint")
        if key.thumbprint in keys:
            raise KeyRefused("a key set that lists one key twice")
        keys[key.thumbprint] = key
    return keys


def _read_times(claims: Mapping[str, jcs.Json], *, at: datetime) -> tuple[datetime, datetime]:
    issued_at = read_time(claims, "iat", refused=TokenRefused)
    expires_at = read_time(claims, "exp", refused=TokenRefused)
    check_life(issued_at=issued_at, expires_at=expires_at, max_life=MAX_LIFE, refused=TokenRefused)
    if at >= expires_at:
        raise TokenExpired("the token's time is over")
    if at < issued_at - MAX_CLOCK_SKEW:
        raise TokenExpired("the token's time has not begun")
    return issued_at, expires_at


def _read_binding(claims: Mapping[str, jcs.Json]) -> str:
    confirmation = claims["cnf"]
    if not isinstance(confirmation, Mapping) or set(confirmation) != {"jkt"}:
        raise TokenRefused("not bound to exactly one key")
    return read_thumbprint(confirmation, "jkt", refused=TokenRefused)


def _read_scope(claims: Mapping[str, jcs.Json]) -> CallScope:
    try:
        return parse_details(claims["authorization_details"])
    except ScopeRefused as error:
        raise TokenRefused(error.message) from error
