"""Text from hostile places, made fit to show: source code, file names and messages of other programs."""

import unicodedata

from sekisho.findings.checks import MAX_TEXT, has_controls

_CUT = "…"
_UNSHOWABLE = "\N{REPLACEMENT CHARACTER}"


def clean_text(text: str, *, most: int = MAX_TEXT) -> str:
    """Return `text` in NFC on one line, controls replaced by U+FFFD, of at most `most` characters."""
    joined = " ".join(text[: 4 * most].split())
    shown = "".join(_UNSHOWABLE if has_controls(character) else character for character in joined)
    normal = unicodedata.normalize("NFC", shown)
    return normal if len(normal) <= most else normal[: most - 1] + _CUT


def clean_path(path: str) -> str:
    """Return a path that can be shown in place of `path` (relative, POSIX), which cannot be told as it is."""
    parts = [clean_text(part.replace("\\", _UNSHOWABLE), most=255) or _UNSHOWABLE for part in path.split("/")]
    shown = "/".join(_UNSHOWABLE if part in (".", "..") else part for part in parts)
    # The end says more than the beginning; the cut may fall beside a slash.
    return shown if len(shown) <= MAX_TEXT else _CUT + shown[-MAX_TEXT // 2 :].strip("/")
