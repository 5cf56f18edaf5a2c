"""What a regular expression lets through, judged by its text. Nothing is compiled or run."""

import re

_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\]")
_WIDE_ESCAPES = re.compile(r"\\[SDW]")
_QUANTITIES = re.compile(r"\{\d*,?\d*\}|\(\?[a-zA-Z:<>=!P]*")
_PIECE = re.compile(r"\\.|.", re.DOTALL)
# The first thing of a pattern, and whether it may be left out.
_FIRST = re.compile(r"(\[(?:\\.|[^\]\\])+\]|\\.|[^(\[\\])([*?]|\{0)?")
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


# A pattern that is one class of characters; and the characters without which a kind of harm cannot be done.
_ONE_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\][+*]?")
_ENOUGH = {"html": {"<"}, "header": {"\n", "\r"}}


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


def judge_removal(pattern: str, replacement: str, kinds: frozenset[str]) -> frozenset[str]:
    """Return the kinds for which a text is harmless after `re.sub(pattern, replacement, text)`."""
    match = _ONE_CLASS.fullmatch(pattern)
    if match is None or _WIDE_ESCAPES.search(match[2]):
        return frozenset()
    listed, put = _characters(match[2]), {letter for letter in replacement if not letter.isalnum()}
    if not match[1]:
        gone = listed - put
        return frozenset(kind for kind in ("html", "header") if kind in kinds and _ENOUGH[kind] <= gone)
    kept = listed | put
    safe = {kind for kind in kinds if not set(_NEEDED.get(kind, "")) & kept}
    return frozenset(safe - {"argument"} if "-" in kept else safe)


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
    """Return the punctuation and white space that a class such as `\\w.-` lets through."""
    found: set[str] = set()
    pieces = _PIECE.findall(inside)
    number = 0
    while number < len(pieces):
        piece = pieces[number]
        if number + 2 < len(pieces) and pieces[number + 1] == "-":
            found |= _range(piece[-1], pieces[number + 2][-1])
            number += 3
            continue
        found |= (
            {" ", "\n", "\r"} if piece == "\\s" else {piece[-1]} if piece[-1:] and not _is_shorthand(piece) else set()
        )
        number += 1
    return {character for character in found if not character.isalnum()}


def _is_shorthand(piece: str) -> bool:
    return len(piece) == 2 and piece[1].isalpha()


def _range(low: str, high: str) -> set[str]:
    """A range such as !-~ lets through all that lies between; beyond ASCII nothing is looked for."""
    return {chr(code) for code in range(ord(low), min(ord(high), 0x7F) + 1)}


def _may_begin_with_dash(pattern: str, allowed: set[str]) -> bool:
    if "-" not in allowed:
        return False
    head = pattern.removeprefix("\\A").removeprefix("^")
    first = _FIRST.match(head)
    if first is None or first[2]:
        return True
    atom = first[1]
    return "-" in _characters(atom[1:-1] if atom.startswith("[") else atom)
