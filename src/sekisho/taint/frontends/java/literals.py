"""Constants: numbers, characters, strings and text blocks."""

import re
from typing import Final

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.lowering import place_of, text_of

# Enough for any prefix, pattern or statement that a check looks at; embedded data is longer.
MAX_TEXT: Final = 8192
_ESCAPE: Final = re.compile(r"\\(\r?\n|u+[0-9a-fA-F]{4}|[0-7]{1,3}|.)", re.DOTALL)
_SIMPLE: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "s": " ", "\n": "", "\r\n": ""}


def string(node: Node) -> ir.Expr:
    """Lower a string or a text block, whose common indentation is not part of it."""
    text = text_of(node)
    is_block = text.startswith('"""')
    text = _unindented(text[3:-3].partition("\n")[2]) if is_block else text[1:-1]
    if "\\" in text:
        text = _ESCAPE.sub(_unescape, text)
    return ir.Literal(place_of(node), text[:MAX_TEXT])


def _unindented(text: str) -> str:
    lines = text.split("\n")
    depths = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    if not lines[-1].strip():
        depths.append(len(lines[-1]))
    depth = min(depths, default=0)
    return "\n".join(line[depth:].rstrip() for line in lines)


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    if escape[0] == "u":
        code = int(escape.lstrip("u"), 16)
        # A half of a pair is no character of its own.
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
    if escape[0] in "01234567":
        return chr(int(escape, 8))
    return _SIMPLE.get(escape, escape)


def character(node: Node) -> ir.Expr:
    """Lower a character: text of length one."""
    text = text_of(node)[1:-1]
    return ir.Literal(place_of(node), _ESCAPE.sub(_unescape, text) if "\\" in text else text)


def integer(node: Node) -> ir.Expr:
    """Lower a whole number in any base."""
    text = text_of(node).replace("_", "").rstrip("lL")
    # Longer than any that the language can hold.
    if len(text) > 70:
        return ir.Opaque(place_of(node), ())
    try:
        if len(text) > 1 and text[0] == "0" and text.isdigit():
            return ir.Literal(place_of(node), int(text, 8))
        return ir.Literal(place_of(node), int(text, 0))
    except ValueError:
        return ir.Opaque(place_of(node), ())


def number(node: Node) -> ir.Expr:
    """Lower a number with a fraction: no check looks at its value."""
    return ir.Opaque(place_of(node), ())


def true(node: Node) -> ir.Expr:
    return ir.Literal(place_of(node), True)


def false(node: Node) -> ir.Expr:
    return ir.Literal(place_of(node), False)


def null(node: Node) -> ir.Expr:
    return ir.Literal(place_of(node), None)
