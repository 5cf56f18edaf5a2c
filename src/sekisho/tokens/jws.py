"""Compact JSON Web Signatures (RFC 7515), read so that one signature has one spelling and one meaning.

joserfc checks the signature; what it leaves open is closed here: sizes, names that appear twice, header
parameters that nobody asked for (`crit`, `b64`, `jku`, …), and an algorithm that is not the key's.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from joserfc import jws
from joserfc.errors import JoseError

from sekisho.core import SekishoError
from sekisho.formats import jcs
from sekisho.tokens.jwk import PublicKey, SigningKey

# An access token of ours is about 800 bytes, a proof 600; header fields of servers end at 8 kB or so.
MAX_COMPACT_BYTES = 4096
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)

Refusal: TypeAlias = type[SekishoError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """A well-formed JWS whose signature nobody has checked yet: header, claims, and the text they came in."""

    text: str
    header: Mapping[str, jcs.Json]
    claims: Mapping[str, jcs.Json]


def sign_compact(claims: Mapping[str, jcs.Json], *, header: Mapping[str, jcs.Json], key: SigningKey) -> str:
    """Return `claims` (as RFC 8785 JSON) signed by `key`, under `header` and the algorithm of the key."""
    protected = {"alg": key.public.alg, **header}
    return jws.serialize_compact(protected, jcs.canonical(claims), key.jose, algorithms=[key.public.alg])


def open_compact(text: str, *, names: frozenset[str], refused: Refusal) -> Unverified:
    """Return the parts of the JWS `text`, or raise `refused`. Nothing in them may be believed yet.

    Steps: (1) size; (2) three parts in canonical base64url; (3) a header and claims of strict JSON; (4) no header
    parameter but `names`, so that no `crit` or `b64` changes what is signed.
    """
    # (1)
    if len(text) > MAX_COMPACT_BYTES:
        raise refused(f"{len(text)} characters, more than {MAX_COMPACT_BYTES}")
    # (2)
    match = _COMPACT.fullmatch(text)
    if match is None:
        raise refused("not a compact JWS")
    header_bytes, claims_bytes, _ = (_decode(part, refused) for part in match.groups())
    # (3)
    header, claims = _object(header_bytes, refused), _object(claims_bytes, refused)
    # (4)
    if not set(header) <= names:
        raise refused("a header parameter that does not belong here")
    return Unverified(text=text, header=header, claims=claims)


def verify_compact(opened: Unverified, key: PublicKey, *, refused: Refusal) -> Mapping[str, jcs.Json]:
    """Return the claims of `opened` if `key` signed them under its one algorithm, or raise `refused`."""
    if opened.header.get("alg") != key.alg:
        raise refused("the algorithm is not the key's")
    try:
        jws.deserialize_compact(opened.text, key.jose, algorithms=[key.alg])
    except (JoseError, ValueError) as error:
        raise refused("the signature is false") from error
    return opened.claims


def _decode(part: str, refused: Refusal) -> bytes:
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as error:
        raise refused("not base64url") from error
    # RFC 4648 3.5: spare bits would be a second spelling of the same signature.
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != part:
        raise refused("not canonical base64url")
    return data


def _object(data: bytes, refused: Refusal) -> Mapping[str, jcs.Json]:
    try:
        value = jcs.parse(data)
    except jcs.JsonRefused as error:
        raise refused(f"not strict JSON: {error.message}") from error
    if not isinstance(value, Mapping):
        raise refused("not a JSON object")
    return value
