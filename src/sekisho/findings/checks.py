"""The forms that findings and campaigns share. Each check raises FindingRefused and says which law was broken."""

import re
import unicodedata
from datetime import datetime, timedelta

from sekisho.findings.errors import FindingRefused

# A sink's expression, a sentence or a path; an engine's adapter cuts what is longer.
MAX_TEXT = 1_000

_ID_BODY = r"[0-9a-z]{26}"
_ASSET_ID = re.compile(rf"ast_{_ID_BODY}", re.ASCII)
_CAMPAIGN_ID = re.compile(rf"cmp_{_ID_BODY}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def require(fact: object, law: str) -> None:
    """Raise FindingRefused with `law` unless `fact` is true."""
    if not fact:
        raise FindingRefused(law)


def check_text(text: str) -> None:
    """Raise FindingRefused unless `text` is NFC, of at most MAX_TEXT characters, none of them a control."""
    require(len(text) <= MAX_TEXT, f"a text has at most {MAX_TEXT} characters")
    require(unicodedata.is_normalized("NFC", text), "text is NFC")
    require(not has_controls(text), "text has no control characters")


def has_controls(text: str) -> bool:
    """Say whether `text` holds control, format, surrogate or line-separator characters (Cc, Cf, Cs, Zl, Zp).

    Cf covers the bidirectional overrides, with which a line of code reads otherwise than it runs.
    """
    return any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text)


def check_path(path: str) -> None:
    """Raise FindingRefused unless `path` is relative, in POSIX form, and stays below its root."""
    check_text(path)
    parts = path.split("/")
    require("" not in parts and "." not in parts and ".." not in parts, "a path is relative and plain")
    require("\\" not in path, "a path has no backslash")


def check_digest(text: str) -> None:
    """Raise FindingRefused unless `text` is 64 lower-case hex digits."""
    require(_DIGEST.fullmatch(text), "a digest is 64 hex digits")


def check_owner(campaign_id: str, asset_id: str | None) -> None:
    """Raise FindingRefused unless these are a campaign's id and an asset's or none."""
    require(_CAMPAIGN_ID.fullmatch(campaign_id), "a campaign has an id cmp_…")
    require(asset_id is None or _ASSET_ID.fullmatch(asset_id), "an asset has an id ast_…")


def check_position(number: int) -> None:
    """Raise FindingRefused unless `number` is a line, a column or a count: from 1, and what 31 bits hold."""
    require(1 <= number < 2**31, "lines, columns and counts start at 1")


def check_time(at: datetime) -> None:
    """Raise FindingRefused unless `at` is aware UTC."""
    require(at.utcoffset() == timedelta(0), "times are aware UTC")
