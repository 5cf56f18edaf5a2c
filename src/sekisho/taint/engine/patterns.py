"""What a regular expression lets through, judged by its text. Nothing is compiled or run."""

import re

_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\]")
_WIDE_ESCAPES = re.compile(r"\\[SDW]")
_QUANTITIES = re.compile(r"\{\d*,?\d*\}|\(\?[a-zA-Z:<>=!P]*")
_UNANCHORED = "the pattern is not held to the whole text"
_WIDE = "the pattern lets almost any character through"

# Characters of which a kind of harm is made. A pattern that lets none of them through is a guard for that kind.
_NEEDED = {
    "path": "/\\",
    "ssrf": "/:@",
    "redirect": "/:\\",
    "command": " ;|&$`<>\n'\"",
    "code": "().=[ ",
    "sql": "'\" ;()",
    "html": "<>\"'&",
    "ldap": "()*\\|&",
    "xpath": "'\"[]()@",
    "header": "\n\r",
    "template": "{}%$",
    "deserialize": "\0",
    "reflection": "\0",
    "xml": "<",
}


def judge_pattern(pattern: str, matcher: str, kinds: frozenset[str]) -> tuple[frozenset[str], str]:
    """Return the kinds for which a text that matches is harmless, and if there are none why not."""
    if not _is_anchored(pattern, matcher):
        return frozenset(), _UNANCHORED
    allowed, wide = _allowed(pattern)
    if wide:
        return frozenset(), _WIDE
    safe = {kind for kind in kinds if not set(_NEEDED.get(kind, "")) & allowed}
    if "argument" in kinds and _may_begin_with_dash(pattern, allowed):
        safe.discard("argument")
    return frozenset(safe), ""


def _is_anchored(pattern: str, matcher: str) -> bool:
    begins = matcher in {"match", "fullmatch"} or pattern.startswith(("^", "\\A"))
    ends = (
        matcher == "fullmatch"
        or (pattern.endswith("$") and not pattern.endswith("\\$"))
        or pattern.endswith(("\\Z", "\\z"))
    )
    # `^a|b$` is held at one end each.
    top_level_choice = "|" in re.sub(r"\([^()]*\)|\[[^\]]*\]", "", pattern)
    return begins and ends and not (top_level_choice and matcher != "fullmatch")


def _allowed(pattern: str) -> tuple[set[str], bool]:
    """Return the punctuation and white space that may match, and whether about anything may."""
    allowed: set[str] = set()
    for negated, inside in _CLASS.findall(pattern):
        if negated or _WIDE_ESCAPES.search(inside):
            return allowed, True
        allowed |= _characters(inside)
    outside = _CLASS.sub("", pattern)
    if _WIDE_ESCAPES.search(outside) or re.search(r"(?<!\\)(?:\\\\)*\.", outside):
        return allowed, True
    plain = _QUANTITIES.sub("", outside)
    escaped = set(re.findall(r"\\([^A-Za-z0-9])", plain))
    literal = set(re.sub(r"\\.", "", plain)) - set("^$*+?()|{}[]")
    if re.search(r"\\s", plain):
        literal |= {" ", "\n", "\r"}
    return allowed | escaped | literal, False


def _characters(inside: str) -> set[str]:
    found = set(
        re.sub(r"\\[A-Za-z]", "", inside.replace("\\-", "-")).replace("\\", "" if "\\\\" not in inside else "\\")
    )
    if "\\s" in inside:
        found |= {" ", "\n", "\r"}
    # A range such as !-~ lets through all that lies between.
    for low, high in re.findall(r"([^\\])-(.)", inside):
        if not (low.isalnum() and high.isalnum() and ord(high) - ord(low) < 26):
            found |= {chr(code) for code in range(ord(low), min(ord(high), 0x7F) + 1)} if low < high else {"-"}
    return found


def _may_begin_with_dash(pattern: str, allowed: set[str]) -> bool:
    if "-" not in allowed:
        return False
    head = pattern.removeprefix("\\A").removeprefix("^")
    first = _CLASS.match(head)
    return first is None or "-" in _characters(first[2])
