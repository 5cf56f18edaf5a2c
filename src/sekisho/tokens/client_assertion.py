"""How a client says who it is at the token endpoint: `private_key_jwt` (RFC 7523, OpenID Connect Core 9)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sekisho.formats import jcs
from sekisho.tokens.claims import check_life, read_identifier, read_jti, read_text, read_time, to_seconds
from sekisho.tokens.errors import AssertionRefused
from sekisho.tokens.jwk import PublicKey, SigningKey
from sekisho.tokens.jws import open_compact, sign_compact, verify_compact

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Made for one request and sent at once.
MAX_LIFE = timedelta(seconds=60)
# Two machines' clocks; a client ahead of the issuer by more must set its clock.
MAX_CLOCK_SKEW = timedelta(seconds=30)
_TYPE = "client-authentication+jwt"
_HEADER = frozenset({"alg", "typ", "kid"})
_CLAIMS = frozenset({"iss", "sub", "aud", "iat", "exp", "jti", "nbf"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAssertion:
    """A verified assertion. The caller MUST take each (client_id, jti) once until `replay_until`."""

    client_id: str
    jti: str
    replay_until: datetime


def make_client_assertion(*, client_id: str, issuer: str, key: SigningKey, jti: str, at: datetime) -> str:
    """Return an assertion by `client_id` for `issuer`, good for a minute from `at` (aware UTC)."""
    now = to_seconds(at)
    claims: dict[str, jcs.Json] = {
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "iat": now,
        "exp": now + int(MAX_LIFE.total_seconds()),
        "jti": jti,
    }
    return sign_compact(claims, header={"typ": _TYPE}, key=key)


def verify_client_assertion(
    text: str, *, find_key: Callable[[str], PublicKey | None], issuer: str, at: datetime
) -> ClientAssertion:
    """Return who made the assertion `text`, or raise AssertionRefused. `at`: aware UTC.

    `find_key`: the enrolled key of a client id, None if there is none. Specs: RFC 7523 3; FAPI 2.0: the audience
    is the issuer, one text. Steps: (1) size and shape; (2) `typ`, so that no proof or token passes for it;
    (3) `iss` and `sub` are one client; (4) its enrolled key; (5) the signature; (6) `aud`; (7) times; (8) `jti`.
    """
    # (1)
    opened = open_compact(text, names=_HEADER, refused=AssertionRefused)
    # (2) RFC 7523 defines no typ, so libraries send none or JWT; any other is a JWT of another kind.
    if opened.header.get("typ", _TYPE) not in {_TYPE, "JWT"}:
        raise AssertionRefused("typ is not that of a client assertion")
    # (3)
    client_id = read_identifier(opened.claims, "sub", refused=AssertionRefused)
    if opened.claims.get("iss") != client_id:
        raise AssertionRefused("iss and sub differ")
    # (4) The same words for an unknown client and a false signature: a guess teaches nothing.
    key = find_key(client_id)
    if key is None:
        raise AssertionRefused("the signature is false")
    # (5)
    claims = verify_compact(opened, key, refused=AssertionRefused)
    # (6)
    if not set(claims) <= _CLAIMS or read_text(claims, "aud", refused=AssertionRefused) != issuer:
        raise AssertionRefused("not for this issuer alone")
    # (7)
    issued_at = read_time(claims, "iat", refused=AssertionRefused)
    expires_at = read_time(claims, "exp", refused=AssertionRefused)
    check_life(issued_at=issued_at, expires_at=expires_at, max_life=MAX_LIFE, refused=AssertionRefused)
    if not issued_at - MAX_CLOCK_SKEW <= at < expires_at:
        raise AssertionRefused("not of this minute")
    # (8)
    return ClientAssertion(client_id=client_id, jti=read_jti(claims, refused=AssertionRefused), replay_until=expires_at)
