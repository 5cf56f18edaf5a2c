"""The real clock and the real source of ids. Everything below takes them as arguments."""

import secrets
from datetime import UTC, datetime

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_BITS = 130  # 26 characters of five bits: more than 128, so an id cannot be guessed or collide


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # the one place where time enters


class RandomIds:
    """Ids from the operating system's randomness: `<prefix>_` and 26 characters of Crockford base 32."""

    def new(self, prefix: str) -> str:
        number = secrets.randbits(_ID_BITS)
        return f"{prefix}_" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(_ID_BITS - 5, -1, -5))
