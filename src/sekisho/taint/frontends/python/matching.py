"""`match`: each case becomes an arm; what a pattern captures is assigned at the head of the arm's body."""

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.lowering import Lowering, place_of, text_of
from sekisho.taint.frontends.python.expressions import expression

_CONSTANTS = frozenset({"string", "concatenated_string", "integer", "float", "true", "false", "none"})


class Pattern:
    """What one pattern asks (None: anything matches) and what it binds."""

    def __init__(self, test: ir.Expr | None, binds: tuple[ir.Stmt, ...] = ()) -> None:
        self.test = test
        self.binds = binds


def case_pattern(lowering: Lowering, node: Node, subject: ir.Expr) -> Pattern:
    """Lower the pattern `node` against `subject`."""
    lowering.depth += 1
    try:
        if lowering.too_deep(node):
            return Pattern(ir.Opaque(place_of(node), ()))
        return _pattern(lowering, node, subject)
    finally:
        lowering.depth -= 1


def _pattern(lowering: Lowering, node: Node, subject: ir.Expr) -> Pattern:
    at = place_of(node)
    named = [child for child in node.named_children if child.type != "comment"]
    if node.type == "case_pattern":
        return case_pattern(lowering, named[0], subject) if named else Pattern(None)
    if node.type in _CONSTANTS:
        return Pattern(ir.Compare(at, "==", subject, expression(lowering, node)))
    if node.type == "dotted_name" and len(named) == 1:
        return _capture(node, subject)
    if node.type == "dotted_name":
        return Pattern(ir.Compare(at, "==", subject, expression(lowering, node)))
    if node.type == "union_pattern":
        return _union(at, [case_pattern(lowering, child, subject) for child in named])
    if node.type == "as_pattern" and len(named) == 2:
        inner = case_pattern(lowering, named[0], subject)
        return Pattern(inner.test, (*inner.binds, *_capture(named[1], subject).binds))
    return _parts(lowering, node, named, subject)


def _capture(node: Node, subject: ir.Expr) -> Pattern:
    name = text_of(node)
    if name == "_":
        return Pattern(None)
    at = place_of(node)
    return Pattern(None, (ir.Assign(at, (ir.Name(at, name),), subject, None),))


def _union(at: int, patterns: list[Pattern]) -> Pattern:
    binds = tuple(bind for pattern in patterns for bind in pattern.binds)
    tests = tuple(pattern.test for pattern in patterns if pattern.test is not None)
    if len(tests) < len(patterns):
        return Pattern(None, binds)
    return Pattern(ir.Logic(at, False, tests) if len(tests) > 1 else tests[0], binds)


def _parts(lowering: Lowering, node: Node, named: list[Node], subject: ir.Expr) -> Pattern:
    """Sequences, mappings and classes: of the shape only the class is modelled, the flow into the captures is."""
    at = place_of(node)
    if node.type == "class_pattern":
        return _class_parts(lowering, node, named, subject)
    binds: list[ir.Stmt] = []
    key: ir.Expr = ir.Opaque(at, ())
    in_order = node.type in {"list_pattern", "tuple_pattern"}
    for number, child in enumerate(named):
        if node.type == "dict_pattern" and child.type in _CONSTANTS:
            key = expression(lowering, child)
            continue
        if in_order:
            in_order = not _is_splat(child)
            key = ir.Literal(at, number) if in_order else ir.Opaque(at, ())
        binds.extend(case_pattern(lowering, child, ir.Item(at, subject, key)).binds)
    return Pattern(ir.Opaque(at, (subject,)), tuple(binds))


def _is_splat(node: Node) -> bool:
    return any(child.type == "splat_pattern" for child in (node, *node.named_children))


def _class_parts(lowering: Lowering, node: Node, named: list[Node], subject: ir.Expr) -> Pattern:
    """`Kind(first, name=second)`: a test of the class, the parts by position and by attribute."""
    at = place_of(node)
    binds: list[ir.Stmt] = []
    for number, child in enumerate(named[1:]):
        inner = child.named_children[0] if child.named_children else child
        if inner.type == "keyword_pattern" and len(inner.named_children) == 2:
            name, pattern = inner.named_children
            binds.extend(case_pattern(lowering, pattern, ir.Attribute(at, subject, text_of(name))).binds)
        else:
            binds.extend(case_pattern(lowering, child, ir.Item(at, subject, ir.Literal(at, number))).binds)
    kind = expression(lowering, named[0]) if named else ir.Opaque(at, ())
    given = (ir.Argument(None, subject, False), ir.Argument(None, kind, False))
    return Pattern(ir.Call(at, ir.Name(at, "isinstance"), given), tuple(binds))
