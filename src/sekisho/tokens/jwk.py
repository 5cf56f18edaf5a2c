"""Keys as JSON Web Keys (RFC 7517, 8037): the two kinds that we take, each with exactly one algorithm.

An algorithm is never read from a token and believed: it follows from the key (RFC 8725 3.1). Ed25519 goes by the
fully specified name of RFC 9864, since RFC 8037's `EdDSA` names two curves.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from sekisho.formats import jcs
from sekisho.formats.ed25519 import PublicKeyRefused, check_public_key
from sekisho.tokens.errors import KeyRefused

# RFC 7517 4: what a public JWK may carry beside its key. `use`, `key_ops` and `alg` must agree with signing.
_DESCRIPTION = {"alg", "key_ops", "kid", "use"}
# Kind and curve → the one algorithm, and the members that make up the key (RFC 7638 3.2, RFC 8037 2), in order.
_KINDS: Mapping[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("OKP", "Ed25519"): ("Ed25519", ("crv", "kty", "x")),
    ("EC", "P-256"): ("ES256", ("crv", "kty", "x", "y")),
}
# A P-256 JWK with a description is about 250 bytes.
MAX_JWK_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A verified public key. `jwk`: its required members alone, in order; `thumbprint`: RFC 7638, base64url SHA-256.

    Two values are equal when their keys are.
    """

    alg: str
    jwk: tuple[tuple[str, str], ...]
    thumbprint: str
    jose: OKPKey | ECKey = field(repr=False, compare=False)

    def to_jwk(self) -> dict[str, str]:
        """Return the required members of the JWK, as they go into a proof or a key set."""
        return dict(self.jwk)


class SigningKey:
    """A private key that signs and is otherwise silent: no repr, no export, no pickling shows it."""

    __slots__ = ("_jose", "public")

    def __init__(self, private_key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> None:
        """Take `private_key`, or raise KeyRefused if it is on another curve than P-256."""
        self.public = public_key_of(private_key.public_key())
        pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._jose = OKPKey.import_key(pem) if isinstance(private_key, Ed25519PrivateKey) else ECKey.import_key(pem)

    @property
    def jose(self) -> OKPKey | ECKey:
        """The private key as joserfc signs with it; for `tokens.jws` alone."""
        return self._jose

    def __repr__(self) -> str:
        return f"SigningKey({self.public.thumbprint})"

    def __reduce__(self) -> str:
        raise KeyRefused("a private key is not pickled", hint="Open the key file in the process that signs.")


def public_key_of(key: Ed25519PublicKey | EllipticCurvePublicKey) -> PublicKey:
    """Return `key` as a PublicKey, or raise KeyRefused if it is on another curve or of low order."""
    if isinstance(key, Ed25519PublicKey):
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return parse_jwk({"kty": "OKP", "crv": "Ed25519", "x": _base64url(raw)})
    if not isinstance(key.curve, SECP256R1):
        raise KeyRefused(f"an elliptic curve key on {key.curve.name}")
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return parse_jwk({"kty": "EC", "crv": "P-256", "x": _base64url(point[1:33]), "y": _base64url(point[33:])})


def parse_jwk(value: jcs.Json) -> PublicKey:
    """Return the public key that `value` (a decoded JWK) holds, or raise KeyRefused.

    Steps: (1) a kind on the list; (2) no member that is private, unknown or contradicts signing; (3) coordinates in
    their one spelling; (4) a point on the curve and, for Ed25519, not of low order; (5) the thumbprint of RFC 7638.
    """
    # (1)
    if not isinstance(value, Mapping):
        raise KeyRefused("a JWK is an object")
    kind = (_text(value.get("kty")), _text(value.get("crv")))
    if kind not in _KINDS:
        raise KeyRefused("a key that is neither Ed25519 nor P-256")
    alg, names = _KINDS[kind]
    # (2)
    _check_description(value, set(names), alg)
    # (3)
    members = tuple((name, _text(value.get(name))) for name in names)
    coordinates = [_coordinate(text) for name, text in members if name in {"x", "y"}]
    # (4)
    if alg == "Ed25519":
        _check_edwards_point(coordinates[0])
    try:
        jose = (OKPKey if alg == "Ed25519" else ECKey).import_key(dict(members))
        _ = jose.public_key
    except (JoseError, ValueError) as error:
        raise KeyRefused("not a point on its curve") from error
    # (5) RFC 7638 3.2: the required members in lexical order, which is RFC 8785's for them.
    digest = hashlib.sha256(jcs.canonical(dict(members))).digest()
    return PublicKey(alg=alg, jwk=members, thumbprint=_base64url(digest), jose=jose)


def parse_jwk_text(text: bytes) -> PublicKey:
    """Return the public key in `text` (a JWK as JSON, for enrolment), or raise KeyRefused."""
    if len(text) > MAX_JWK_BYTES:
        raise KeyRefused(f"{len(text)} bytes, more than {MAX_JWK_BYTES}")
    try:
        return parse_jwk(jcs.parse(text))
    except jcs.JsonRefused as error:
        raise KeyRefused(f"a JWK is strict JSON: {error.message}") from error


def _check_description(value: Mapping[str, jcs.Json], required: set[str], alg: str) -> None:
    # RFC 7517 9.2: a private member that was sent is a key that was lost; never take it silently.
    if "d" in value:
        raise KeyRefused("a private key", hint="That key is spent: make a new one, and send its public half alone.")
    if not set(value) <= required | _DESCRIPTION:
        raise KeyRefused("a JWK with members of another kind of key")
    if value.get("alg", alg) != alg or value.get("use", "sig") != "sig":
        raise KeyRefused("a key that says it is not for this use")
    if value.get("key_ops", ["verify"]) != ["verify"]:
        raise KeyRefused("a key that says it is not for verifying")
    if "kid" in value:
        _text(value["kid"])


def _text(value: jcs.Json) -> str:
    if not isinstance(value, str):
        raise KeyRefused("a member of a JWK that is not text")
    return value


def _coordinate(text: str) -> bytes:
    # RFC 7518 6.2.1.2 and RFC 8037 2: 32 octets. The way back refuses padding, spare bits and other alphabets.
    try:
        data = base64.urlsafe_b64decode(text + "=")
    except ValueError as error:
        raise KeyRefused("a coordinate that is not base64url") from error
    if len(data) != 32 or _base64url(data) != text:
        raise KeyRefused("a coordinate that is not 32 octets of canonical base64url")
    return data


def _check_edwards_point(data: bytes) -> None:
    try:
        check_public_key(data)
    except PublicKeyRefused as error:
        raise KeyRefused(error.message) from error


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
