"""Shamir's secret sharing over GF(2^8): any `threshold` shares make the secret, fewer say nothing about it. Pure.

Every byte of the secret is the value at 0 of a polynomial of its own, of degree `threshold - 1`, its other coefficients
drawn at random; share number x is the values at x. The field is AES's, x^8 + x^4 + x^3 + x + 1 (FIPS 197 section 4).
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Final

from sekisho.ledger.errors import SharesRefused

# The field has 255 values other than 0, at which the secret itself lies.
MAX_SHARES: Final = 255
_POLYNOMIAL: Final = 0x11B


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (_POLYNOMIAL if a & 0x80 else 0)
        b >>= 1
    return product


# _TIMES[x] takes every byte of a string to x times itself: one call of `translate`, no branch on a byte of the secret.
_TIMES: Final = tuple(bytes(_times(x, byte) for byte in range(256)) for x in range(256))
_INVERSE: Final = (0, *(next(y for y in range(256) if _TIMES[x][y] == 1) for x in range(1, 256)))


def split_secret(secret: bytes, *, threshold: int, count: int, randomness: Callable[[int], bytes]) -> tuple[bytes, ...]:
    """Return shares number 1 to `count` of `secret`, each as long as it. `randomness`: that many random bytes."""
    if not 1 <= threshold <= count <= MAX_SHARES:
        raise SharesRefused(f"{threshold} of {count} shares cannot be made")
    coefficients = (*(randomness(len(secret)) for _ in range(threshold - 1)), secret)
    return tuple(_value_at(x, coefficients) for x in range(1, count + 1))


def combine_shares(shares: Mapping[int, bytes]) -> bytes:
    """Return the secret that `shares` (number → share) make. It is another one if too few of them or a wrong one is
    given: the caller MUST check what it gets. Raises SharesRefused for what cannot be shares.
    """
    sizes = {len(share) for share in shares.values()}
    if len(sizes) != 1 or not all(1 <= number <= MAX_SHARES for number in shares):
        raise SharesRefused("shares are numbered from 1 to 255 and of one length")
    terms = (share.translate(_TIMES[_weight(number, shares)]) for number, share in shares.items())
    return reduce(_plus, terms)


def _value_at(x: int, coefficients: tuple[bytes, ...]) -> bytes:
    """Return the polynomials' values at `x`; `coefficients`: of the highest degree first (Horner)."""
    return reduce(lambda value, coefficient: _plus(value.translate(_TIMES[x]), coefficient), coefficients)


def _weight(number: int, numbers: Mapping[int, bytes]) -> int:
    """Return Lagrange's weight of the value at `number`, for the value at 0: the product of y / (y - x)."""
    ratios = (_TIMES[other][_INVERSE[other ^ number]] for other in numbers if other != number)
    return reduce(lambda a, b: _TIMES[a][b], ratios, 1)


def _plus(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a) ^ int.from_bytes(b)).to_bytes(len(a))
