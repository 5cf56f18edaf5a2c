"""RFC 3339 times, in one spelling: UTC, microseconds, `Z`."""

import re
from datetime import datetime, timedelta
from typing import ClassVar

from sekisho.core.errors import SekishoError

# RFC 3339 5.6 with the choices taken away: upper-case T and Z, no offset, at most microseconds.
_RFC3339_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)


class BadTime(SekishoError):
    """The text is not an RFC 3339 time in UTC, or the value is not aware UTC."""

    code: ClassVar[str] = "SKS-CORE-001"
    hint = "Write times as 2026-11-22T09:30:00Z: UTC, upper-case T and Z, no offset."


def parse_utc(text: str) -> datetime:
    """Return the aware UTC time that `text` (RFC 3339, `Z` only) says, or raise BadTime."""
    if not _RFC3339_UTC.fullmatch(text):
        raise BadTime(f"not a UTC time: {text[:40]!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadTime(f"no such time: {text!r}") from error


def format_utc(at: datetime) -> str:
    """Return `at` (aware UTC) as RFC 3339 with six digits of fraction, so that text order is time order."""
    if at.utcoffset() != timedelta(0):
        raise BadTime(f"not aware UTC: {at!r}")
    # Not strftime: its %Y drops leading zeros on some systems.
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
