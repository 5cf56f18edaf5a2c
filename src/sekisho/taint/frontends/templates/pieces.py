"""A template cut into text, expressions and tags. Jinja's and Django's delimiters are the same."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from sekisho.taint import ir

_OPENING = re.compile(r"\{[{%#]")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
# Between these nothing is a template; Tornado's `raw` has an expression after it and is a tag like others.
_VERBATIM = re.compile(r"raw$|verbatim\b|comment\b")


class Piece(NamedTuple):
    """`kind`: text, value (an expression that is put out), tag, or gap (a delimiter that nothing closes)."""

    kind: str
    at: int
    text: str


class _Place:
    """Counts lines, and columns in bytes, as text goes by."""

    def __init__(self) -> None:
        self.line = 1
        self.column = 1

    @property
    def at(self) -> int:
        return ir.place(self.line, self.column)

    def passed(self, text: str) -> None:
        lines = text.count("\n")
        if lines:
            self.line += lines
            self.column = 1
        self.column += len(text.rpartition("\n")[2].encode("utf-8", "replace"))


def pieces(source: str) -> Iterator[Piece]:
    """Yield the pieces of `source` in order; comments and what is verbatim are left out. Takes linear time."""
    place, start = _Place(), 0
    while start < len(source):
        opening = _OPENING.search(source, start)
        begin = opening.start() if opening is not None else len(source)
        if begin > start:
            yield Piece("text", place.at, source[start:begin])
            place.passed(source[start:begin])
        if opening is None:
            return
        end = source.find(_CLOSING[opening[0]], begin + 2)
        if end < 0:
            # No later delimiter of this kind is closed either: the rest is text.
            yield Piece("gap", place.at, "")
            yield Piece("text", place.at, source[begin:])
            return
        inner = source[begin + 2 : end].strip().lstrip("-+").rstrip("-+").strip()
        at, start = place.at, end + 2
        if opening[0] == "{%" and _VERBATIM.match(inner):
            start = _after_verbatim(source, start, inner.split()[0])
        elif opening[0] != "{#":
            yield Piece("value" if opening[0] == "{{" else "tag", at, inner)
        place.passed(source[begin:start])


def _after_verbatim(source: str, start: int, name: str) -> int:
    ending = re.compile(r"\{%[-+]?\s*end" + name + r"\b[^%]*%\}").search(source, start)
    return ending.end() if ending is not None else len(source)
