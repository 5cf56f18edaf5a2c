"""String literals: prefixes, escapes, interpolation, and literals side by side."""

import re
from collections.abc import Callable

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.lowering import Lowering, place_of, text_of

# Enough for any prefix, pattern or statement that a check looks at; embedded images are longer.
MAX_TEXT = 8192

_ESCAPE = re.compile(r"\\(\r?\n|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\n": "", "\r\n": ""}

Expression = Callable[[Lowering, Node], ir.Expr]


def string(lowering: Lowering, node: Node, expression: Expression) -> ir.Expr:
    """Lower one literal: a constant, or a concatenation if it interpolates."""
    at = place_of(node)
    children = node.children
    prefix = text_of(children[0]).rstrip("\"'").lower() if children else ""
    parts: list[ir.Expr] = []
    for child in children[1:]:
        if child.type == "interpolation":
            parts.append(_interpolated(lowering, child, expression))
        elif child.type == "string_content":
            parts.append(ir.Literal(place_of(child), _content(text_of(child), prefix)))
    if "t" in prefix:
        return ir.Opaque(at, tuple(parts))
    if any(not isinstance(part, ir.Literal) for part in parts):
        return ir.Concat(at, tuple(parts), True)
    return ir.Literal(at, _joined(parts, binary="b" in prefix))


def adjacent(lowering: Lowering, node: Node, expression: Expression) -> ir.Expr:
    """Lower literals side by side: one constant, or one concatenation."""
    parts: list[ir.Expr] = []
    for child in node.named_children:
        if child.type == "comment":
            continue
        part = expression(lowering, child)
        parts.extend(part.parts if isinstance(part, ir.Concat) else (part,))
    if all(isinstance(part, ir.Literal) for part in parts):
        binary = any(isinstance(part, ir.Literal) and isinstance(part.value, bytes) for part in parts)
        return ir.Literal(place_of(node), _joined(parts, binary=binary))
    return ir.Concat(place_of(node), tuple(parts), True)


def _interpolated(lowering: Lowering, node: Node, expression: Expression) -> ir.Expr:
    for child in node.named_children:
        if child.type not in {"comment", "type_conversion", "format_specifier"}:
            return expression(lowering, child)
    return ir.Opaque(place_of(node), ())


def _content(text: str, prefix: str) -> str:
    if "f" in prefix:
        text = text.replace("{{", "{").replace("}}", "}")
    if "r" in prefix or "\\" not in text:
        return text
    return _ESCAPE.sub(_unescape, text)


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    if escape[0] == "x" and len(escape) == 3:
        return chr(int(escape[1:], 16))
    return _SIMPLE.get(escape, escape if escape in "\\'\"" else match[0])


def _joined(parts: list[ir.Expr], *, binary: bool) -> str | bytes:
    texts = [part.value for part in parts if isinstance(part, ir.Literal)]
    joined = "".join(t if isinstance(t, str) else t.decode("utf-8") if isinstance(t, bytes) else "" for t in texts)
    return joined[:MAX_TEXT].encode("utf-8", "replace") if binary else joined[:MAX_TEXT]
