"""Python 2.7 to the newest, read by tree-sitter, so that the interpreter that runs us does not matter."""

import tree_sitter_python
from tree_sitter import Language, Parser

from sekisho.taint import ir
from sekisho.taint.findings import NotAnalyzed
from sekisho.taint.frontends.lowering import Lowering, TooLarge, broken_places
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
        gaps=broken_places(lowering, root),
    )
