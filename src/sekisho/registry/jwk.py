"""Public keys of principals as JSON Web Keys (RFC 7517, 8037), and their thumbprints (RFC 7638).

A private member is refused, not dropped: whoever sent it has shown the secret to a wire, and must be told so.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers

from sekisho.formats import jcs
from sekisho.registry.errors import KeyRefused

_COORDINATE_BYTES = 32
# RFC 7518 6.2.2, 6.3.2, 6.4.1: the members that hold a secret.
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# RFC 7517 4.1 to 4.5: each kind of key, its members, and the algorithms it may name.
_MEMBERS = {("OKP", "Ed25519"): {"kty", "crv", "x"}, ("EC", "P-256"): {"kty", "crv", "x", "y"}}
_ALGORITHMS = {"OKP": {"EdDSA", "Ed25519"}, "EC": {"ES256"}}
_DESCRIPTIVE = frozenset({"kid", "use", "alg"})

_P25519 = 2**255 - 19
_SIGN_BIT = 1 << 255
# The points of edwards25519 of order 1, 2, 4 and 8, by their y (RFC 8032 5.1.3). With such a "key" a signature can be
# made that verifies for any message, so anybody could prove possession of it.
_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _P25519 - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicJwk:
    """A public key that `parse_jwk` has checked. `x`, `y`: base64url without padding; `y` is None for Ed25519."""

    kty: str
    crv: str
    x: str
    y: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Return the members that RFC 7638 requires, and no others."""
        members = {"crv": self.crv, "kty": self.kty, "x": self.x}
        return members if self.y is None else {**members, "y": self.y}

    @property
    def jkt(self) -> str:
        """The RFC 7638 thumbprint: SHA-256 over the canonical members, base64url without padding."""
        # RFC 7638 3: members in order of their code points and no white space, which RFC 8785 gives for ASCII.
        return _encode(hashlib.sha256(jcs.canonical(self.to_dict())).digest())


def parse_jwk(value: jcs.Json) -> PublicJwk:
    """Return the public key in `value`, a JWK object, or raise KeyRefused.

    Steps: (1) an object without secrets; (2) a kind of key that is taken, with its members and no unknown ones;
    (3) a description, if any, that fits; (4) coordinates in their one spelling; (5) a point that only the holder
    of a private key can sign for.
    """
    # (1)
    if not isinstance(value, Mapping):
        raise KeyRefused("a JWK is an object")
    if _PRIVATE & set(value):
        raise KeyRefused("the JWK holds a private key", hint="That key is spent: make a new one, send its public half.")
    # (2)
    kty, crv = _text(value, "kty"), _text(value, "crv")
    members = _MEMBERS.get((kty, crv))
    if members is None:
        raise KeyRefused("only OKP Ed25519 and EC P-256 keys are taken")
    if not members <= set(value) <= members | _DESCRIPTIVE:
        raise KeyRefused(f"a {crv} key has exactly {', '.join(sorted(members))}, and at most kid, use and alg beside")
    # (3)
    _check_description(value, kty)
    # (4), (5)
    x = _text(value, "x")
    if kty == "OKP":
        _check_ed25519(_coordinate(x))
        return PublicJwk(kty=kty, crv=crv, x=x)
    y = _text(value, "y")
    _check_p256(_coordinate(x), _coordinate(y))
    return PublicJwk(kty=kty, crv=crv, x=x, y=y)


def _check_description(value: Mapping[str, jcs.Json], kty: str) -> None:
    if value.get("use", "sig") != "sig" or value.get("alg") not in {None, *_ALGORITHMS[kty]}:
        raise KeyRefused("the key says that it is meant for another use or algorithm")


def _check_ed25519(encoded: bytes) -> None:
    y = int.from_bytes(encoded, "little") & ~_SIGN_BIT
    if y >= _P25519 or y in _SMALL_ORDER_Y:
        raise KeyRefused("not the key of anybody: a point of small order or not canonical")


def _check_p256(x: bytes, y: bytes) -> None:
    numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1())
    try:
        numbers.public_key()
    except ValueError as error:
        raise KeyRefused("the point is not on the curve P-256") from error


def _coordinate(text: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise KeyRefused("a coordinate is not base64url") from error
    # Another spelling of the same point would be another thumbprint: one key enrolled twice.
    if len(data) != _COORDINATE_BYTES or _encode(data) != text:
        raise KeyRefused("a coordinate is 32 bytes in base64url without padding")
    return data


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _text(value: Mapping[str, jcs.Json], name: str) -> str:
    member = value.get(name)
    if not isinstance(member, str):
        raise KeyRefused(f"{name} is missing or not text")
    return member
