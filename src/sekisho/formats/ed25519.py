"""Ed25519 public keys (RFC 8032): which 32 bytes are a key that only its holder can sign under."""

from typing import ClassVar, Final

from sekisho.core.errors import SekishoError

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_Y8: Final = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
# y of every point whose order divides 8. Under such a key one signature verifies for many messages.
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})


class PublicKeyRefused(SekishoError):
    """The bytes are not the one encoding of a key that only its holder can sign under."""

    code: ClassVar[str] = "SKS-FORMATS-004"
    hint = "Make a new key with a tool that draws it at random."


def check_public_key(raw: bytes) -> None:
    """Raise PublicKeyRefused unless `raw` is the one canonical encoding of a curve point of large order.

    RFC 8032 5.1.3 decodes; it does not refuse the points of order 1, 2, 4 and 8, under which signatures are
    forged without a private key, and libraries differ on a y not below the prime, a second spelling of one key.
    """
    if len(raw) != 32:
        raise PublicKeyRefused("an Ed25519 key has 32 bytes")
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _P:
        raise PublicKeyRefused("the key is not in canonical form")
    if y in _SMALL_ORDER_Y:
        raise PublicKeyRefused("the key is a point of small order, under which anybody can sign")
    # x² = (y² - 1) / (dy² + 1) has a root if and only if numerator times denominator is a square (Euler).
    if pow((y * y - 1) * (_D * y * y + 1), (_P - 1) // 2, _P) != 1:
        raise PublicKeyRefused("the key is not a point of the curve")
