"""Java, read by tree-sitter: any version, whatever it was written for, and no class path."""

from collections.abc import Iterator

import tree_sitter_java
from tree_sitter import Language, Node, Parser

from sekisho.taint import ir
from sekisho.taint.findings import NotAnalyzed
from sekisho.taint.frontends.java.declarations import anonymous, closure
from sekisho.taint.frontends.java.scopes import JavaLowering, Parts, canonical
from sekisho.taint.frontends.java.source import Unreadable, read_source
from sekisho.taint.frontends.java.statements import statement, switch_value
from sekisho.taint.frontends.lowering import TooLarge, broken_places, place_of, text_of

_LANGUAGE = Language(tree_sitter_java.language())
_PARTS = Parts(statement=statement, anonymous=anonymous, closure=closure, switch_value=switch_value)


def lower_java(path: str, data: bytes) -> ir.ModuleIR | NotAnalyzed:
    """Return the IR of a Java file, as far as it parses, or why there is none. Never raises on any bytes."""
    lowering = JavaLowering(_PARTS)
    try:
        source = read_source(data)
        root = Parser(_LANGUAGE).parse(source).root_node
        package, imports = _head(lowering, root)
        body = tuple(made for child in root.named_children for made in statement(lowering, child))
    except Unreadable as refusal:
        return NotAnalyzed(path=path, reason=str(refusal))
    except TooLarge as refusal:
        return NotAnalyzed(path=path, reason=str(refusal))
    return ir.ModuleIR(
        path=path,
        language="java",
        lines=source.count(b"\n") + (not source.endswith(b"\n") and bool(source)),
        body=(*imports, *body),
        gaps=broken_places(lowering, root),
        package=package,
    )


def _head(lowering: JavaLowering, root: Node) -> tuple[str, tuple[ir.Stmt, ...]]:
    """Return the package and the imports; every file imports `java.lang`."""
    package, made = "", list[ir.Stmt]()
    for child in root.named_children:
        if child.type == "package_declaration" and child.named_children:
            package = canonical(text_of(child.named_children[-1]))
        elif child.type == "import_declaration":
            made.extend(_import(lowering, child))
    made.append(ir.Import(ir.place(1, 1), "java.lang", "*", "*", 0))
    return package, tuple(made)


def _import(lowering: JavaLowering, node: Node) -> Iterator[ir.Stmt]:
    at = place_of(node)
    name = next((child for child in node.named_children if child.type.endswith("identifier")), None)
    if name is None:
        return
    dotted = canonical(text_of(name))
    if any(child.type == "asterisk" for child in node.named_children):
        yield ir.Import(at, dotted, "*", "*", 0)
        return
    module, _, symbol = dotted.rpartition(".")
    if any(child.type == "static" for child in node.children):
        lowering.members[symbol] = module
        return
    lowering.imported.add(symbol)
    yield ir.Import(at, module, symbol, symbol, 0)
