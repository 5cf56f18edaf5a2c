"""Python 2.7 to the newest, read by tree-sitter, so that the interpreter that runs us does not matter."""

from collections.abc import Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from sekisho.taint import ir
from sekisho.taint.findings import NotAnalyzed
from sekisho.taint.frontends.python.lowering import Lowering, TooLarge, place_of
from sekisho.taint.frontends.python.source import Unreadable, read_source
from sekisho.taint.frontends.python.statements import block

_LANGUAGE = Language(tree_sitter_python.language())


def lower_python(path: str, data: bytes) -> ir.ModuleIR | NotAnalyzed:
    """Return the IR of a Python file, as far as it parses, or why there is none. Never raises on any bytes."""
    try:
        source = read_source(data)
        lowering = Lowering()
        root = Parser(_LANGUAGE).parse(source).root_node
        body = block(lowering, root)
    except Unreadable as refusal:
        return NotAnalyzed(path=path, reason=str(refusal))
    except TooLarge as refusal:
        return NotAnalyzed(path=path, reason=str(refusal))
    return ir.ModuleIR(
        path=path,
        language="python",
        lines=source.count(b"\n") + (not source.endswith(b"\n") and bool(source)),
        body=body,
        gaps=_gaps(lowering, root),
    )


def _gaps(lowering: Lowering, root: Node) -> tuple[ir.Gap, ...]:
    """Return the places that were left out while lowering, and those that do not parse, by place."""
    gaps = {*lowering.gaps, *(ir.Gap(place_of(node), "does not parse") for node in _broken(root))}
    return tuple(sorted(gaps))


def _broken(root: Node) -> Iterator[Node]:
    """Yield the outermost errors, and the tokens that the parser had to invent."""
    work = [root] if root.has_error else []
    while work:
        node = work.pop()
        if node.is_error or node.is_missing:
            yield node
        else:
            work.extend(child for child in node.children if child.has_error or child.is_missing)
