"""Proof of possession, RFC 9449: each request is signed with the key that the access token is bound to.

A proof covers method, address and token, not the body. Whoever verifies keeps the record of used proofs and
passes it in (`Replays`); everything else here is pure.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sekisho.formats import jcs
from sekisho.tokens.claims import read_jti, read_text, read_thumbprint, read_time, to_seconds
from sekisho.tokens.errors import (
    KeyRefused,
    NonceStale,
    ProofKeyMismatch,
    ProofMissing,
    ProofRefused,
    ProofStale,
    TokenMissing,
)
from sekisho.tokens.jwk import PublicKey, SigningKey, parse_jwk
from sekisho.tokens.jws import MAX_COMPACT_BYTES, open_compact, sign_compact, verify_compact
from sekisho.tokens.nonce import Nonces

# Both ways: a defender's clock may be wrong either way.
MAX_PROOF_AGE = timedelta(seconds=60)
_HEADER = frozenset({"alg", "typ", "jwk"})
# RFC 3986 with what an HTTP address cannot have taken away: user, backslash, anything not visible ASCII.
_ADDRESS = re.compile(r"(https?)://([a-z0-9.\-:\[\]]+)(/[!-~]*|(?=[?#])[!-~]*|)", re.ASCII | re.IGNORECASE)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
# RFC 6750 2.1 b64token, as RFC 9449 7.1 takes it over; the scheme's name has no case (RFC 9110 11.1).
_CREDENTIALS = re.compile(r"[Dd][Pp][Oo][Pp] +([A-Za-z0-9\-._~+/]+=*)", re.ASCII)


class Replays(Protocol):
    """The record of proofs already taken."""

    def check_new(self, proof_id: str, until: datetime) -> None:
        """Take `proof_id` down until `until` (aware UTC), or raise ProofReplayed if it is there or there is no room."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A verified access token as the proof must match it: its text as sent, and its `cnf.jkt`."""

    token: str
    jkt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A verified proof: the key that made it, its id and time (aware UTC)."""

    key: PublicKey
    jti: str
    issued_at: datetime

    @property
    def jkt(self) -> str:
        """The key's thumbprint: what a token issued on this proof is bound to."""
        return self.key.thumbprint


def make_proof(
    *, key: SigningKey, method: str, url: str, jti: str, at: datetime, token: str | None, nonce: str | None
) -> str:
    """Return a proof by `key` for one request. `url`: absolute; its query is dropped. `at`: aware UTC.

    `token`: the access token that goes with it, None at the token endpoint. `nonce`: the server's latest, if any.
    """
    claims: dict[str, jcs.Json] = {"jti": jti, "htm": method, "htu": _normalise(url), "iat": to_seconds(at)}
    if token is not None:
        claims["ath"] = hash_token(token)
    if nonce is not None:
        claims["nonce"] = nonce
    return sign_compact(claims, header={"typ": "dpop+jwt", "jwk": key.public.to_jwk()}, key=key)


def verify_proof(
    headers: Sequence[str],
    *,
    method: str,
    origin: str,
    target: str,
    at: datetime,
    binding: Binding | None,
    nonces: Nonces | None,
    replays: Replays,
) -> Proof:
    """Return the one proof among `headers` if it is good for this request now, or raise a ProofRefused.

    `headers`: every value of the DPoP header. `origin`: the configured external one, never the Host header's.
    `target`: the raw request target. `at`: aware UTC. `binding`: the access token; None at the token endpoint.
    `nonces`: None where the server asks for none. Spec: RFC 9449 4.3, in this order:
    (1) exactly one header; (2) a JWT of bounded size with `typ` dpop+jwt; (3) a public key of a kind on the list,
    and its one algorithm; (4) the signature; (5) `htm`; (6) `htu`, scheme, host and path, query dropped;
    (7) `iat` within 60 s; (8) `ath`; (9) `nonce`; (10) `cnf.jkt`; (11) `jti`, once. The key is compared before the
    record is touched, so that only the holder of a token's key can take up room in it.
    """
    # (1)
    if len(headers) != 1:
        raise ProofMissing(f"{len(headers)} DPoP headers")
    # (2)
    opened = open_compact(headers[0], names=_HEADER, refused=ProofRefused)
    if opened.header.get("typ") != "dpop+jwt":
        raise ProofRefused("typ is not dpop+jwt")
    # (3)
    key = _read_key(opened.header)
    # (4)
    claims = verify_compact(opened, key, refused=ProofRefused)
    # (5)
    if read_text(claims, "htm", refused=ProofRefused) != method:
        raise ProofRefused("made for another method")
    # (6)
    if _normalise(_read_htu(claims)) != _normalise(origin + target.partition("?")[0]):
        raise ProofRefused("made for another address")
    # (7)
    issued_at = read_time(claims, "iat", refused=ProofRefused)
    if abs(at - issued_at) > MAX_PROOF_AGE:
        raise ProofStale(f"made {(at - issued_at).total_seconds():.0f} s ago")
    # (8)
    if binding is not None:
        _check_token_hash(claims, binding.token)
    # (9)
    if nonces is not None:
        _check_nonce(claims, nonces, at=at)
    # (10)
    if binding is not None and not hmac.compare_digest(binding.jkt.encode(), key.thumbprint.encode()):
        raise ProofKeyMismatch("the token is bound to another key")
    # (11) Named with its key: one caller's ids must not be able to use up another's. One second more than the
    # proof can be good, since `at` has fractions and `iat` has none.
    jti = read_jti(claims, refused=ProofRefused)
    replays.check_new(f"{key.thumbprint}.{jti}", issued_at + MAX_PROOF_AGE + timedelta(seconds=1))
    return Proof(key=key, jti=jti, issued_at=issued_at)


def require_dpop_token(headers: Sequence[str]) -> str:
    """Return the access token in the one Authorization header among `headers`, or raise TokenMissing.

    A bound token under the Bearer scheme is refused: it would be taken without its proof (RFC 9449 7.2).
    """
    if len(headers) != 1:
        raise TokenMissing(f"{len(headers)} Authorization headers")
    if len(headers[0]) > MAX_COMPACT_BYTES + len("DPoP "):
        raise TokenMissing("an Authorization header beyond all tokens of ours")
    match = _CREDENTIALS.fullmatch(headers[0])
    if match is None:
        raise TokenMissing("no token under the DPoP scheme")
    return match[1]


def hash_token(token: str) -> str:
    """Return `ath`: base64url SHA-256 of the access token's ASCII (RFC 9449 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode("ascii")).digest()).rstrip(b"=").decode()


def _read_key(header: Mapping[str, jcs.Json]) -> PublicKey:
    try:
        return parse_jwk(header.get("jwk"))
    except KeyRefused as error:
        raise ProofRefused(error.message) from error


def _read_htu(claims: Mapping[str, jcs.Json]) -> str:
    htu = claims.get("htu")
    if not isinstance(htu, str):
        raise ProofRefused("no claim htu")
    return htu


def _normalise(address: str) -> str:
    """Return scheme, host and path of `address`: RFC 9449 4.3, RFC 9110 4.2.3; the path is compared byte for byte."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ProofRefused("not an http address")
    scheme, authority, rest = match[1].lower(), match[2].lower(), match[3]
    path = re.split("[?#]", rest, maxsplit=1)[0]
    return f"{scheme}://{authority.removesuffix(_DEFAULT_PORT[scheme])}{path or '/'}"


def _check_token_hash(claims: Mapping[str, jcs.Json], token: str) -> None:
    claimed = read_thumbprint(claims, "ath", refused=ProofRefused)
    if not hmac.compare_digest(claimed.encode(), hash_token(token).encode()):
        raise ProofRefused("made for another token")


def _check_nonce(claims: Mapping[str, jcs.Json], nonces: Nonces, *, at: datetime) -> None:
    if "nonce" not in claims:
        raise NonceStale("no nonce")
    nonces.check(read_text(claims, "nonce", refused=ProofRefused), at=at)
