"""Reading single claims by type and bound; what is absent, of another type or too long is refused, never repaired."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sekisho.formats import jcs
from sekisho.tokens.jws import Refusal

# The year 2242: beyond it a time is an attack on the arithmetic.
_MAX_TIME_S = 2**33
# An identifier, a URL, a nonce; the longest of ours is an audience.
_MAX_TEXT = 512
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}", re.ASCII)
# RFC 9449 4.2 asks for 96 random bits, 16 characters; the RFC's own examples have 16.
_JTI = re.compile(r"[A-Za-z0-9_.~-]{16,128}", re.ASCII)


def read_text(claims: Mapping[str, jcs.Json], name: str, *, refused: Refusal) -> str:
    """Return the claim `name`, a text of 1 to 512 characters, or raise `refused`."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise refused(f"no claim {name}, or not a short text")
    return value


def read_identifier(claims: Mapping[str, jcs.Json], name: str, *, refused: Refusal) -> str:
    """Return the claim `name`, an id of ours such as `wkl_…`, or raise `refused`."""
    value = read_text(claims, name, refused=refused)
    if not _IDENTIFIER.fullmatch(value):
        raise refused(f"the claim {name} is not an identifier")
    return value


def read_jti(claims: Mapping[str, jcs.Json], *, refused: Refusal) -> str:
    """Return the claim `jti`, 16 to 128 unreserved characters, or raise `refused`."""
    value = read_text(claims, "jti", refused=refused)
    if not _JTI.fullmatch(value):
        raise refused("the claim jti is not 16 to 128 unreserved characters")
    return value


def read_thumbprint(claims: Mapping[str, jcs.Json], name: str, *, refused: Refusal) -> str:
    """Return the claim `name`, a base64url SHA-256, or raise `refused`."""
    value = read_text(claims, name, refused=refused)
    if not _THUMBPRINT.fullmatch(value):
        raise refused(f"the claim {name} is not a thumbprint")
    return value


def read_time(claims: Mapping[str, jcs.Json], name: str, *, refused: Refusal) -> datetime:
    """Return the claim `name`, a NumericDate (RFC 7519 2) in whole seconds, as aware UTC, or raise `refused`."""
    value = claims.get(name)
    # A bool is an int to Python, and `true` would be the first second of 1970.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_TIME_S:
        raise refused(f"no claim {name}, or not whole seconds")
    return datetime.fromtimestamp(value, UTC)


def to_seconds(at: datetime) -> int:
    """Return `at` (aware UTC) as a NumericDate, rounded down."""
    return int(at.timestamp())


def check_life(*, issued_at: datetime, expires_at: datetime, max_life: timedelta, refused: Refusal) -> None:
    """Raise `refused` unless the life that was given is positive and at most `max_life`."""
    if not timedelta(0) < expires_at - issued_at <= max_life:
        raise refused(f"a life that is not between 0 and {max_life.total_seconds():.0f} s")
