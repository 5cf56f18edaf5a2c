"""Statements. Blocks stay blocks; what differs only in dress becomes one form."""

from collections.abc import Callable, Iterable
from typing import Final

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.java.declarations import class_statements, explicit_constructor
from sekisho.taint.frontends.java.expressions import assigned, expression, named
from sekisho.taint.frontends.java.scopes import TYPES, JavaLowering, type_of
from sekisho.taint.frontends.java.switches import switch
from sekisho.taint.frontends.lowering import place_of, text_of


def block(lowering: JavaLowering, node: Node | None) -> ir.Block:
    """Lower every statement directly under `node`, in a scope of its own."""
    if node is None:
        return ()
    lowering.depth += 1
    lowering.scopes.append({})
    try:
        if lowering.too_deep(node):
            return ()
        return tuple(made for child in named(node) for made in statement(lowering, child))
    finally:
        lowering.scopes.pop()
        lowering.depth -= 1


def statement(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """Lower one statement, and before it what its expressions need."""
    outer, lowering.before = lowering.before, []
    try:
        lower = _LOWER.get(node.type)
        if lower is not None:
            made = tuple(lower(lowering, node))
        elif node.type in TYPES:
            made = tuple(class_statements(lowering, node))
        elif node.type == "ERROR":
            made = tuple(part for child in named(node) for part in statement(lowering, child))
        else:
            made = (ir.Evaluate(place_of(node), expression(lowering, node)),)
        return (*lowering.before, *made)
    finally:
        lowering.before = outer


def body_of(lowering: JavaLowering, node: Node | None) -> ir.Block:
    """Lower a body that may be a block or a single statement."""
    if node is None:
        return ()
    if node.type == "block":
        return block(lowering, node)
    lowering.depth += 1
    lowering.scopes.append({})
    try:
        return () if lowering.too_deep(node) else tuple(statement(lowering, node))
    finally:
        lowering.scopes.pop()
        lowering.depth -= 1


def _block(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    return block(lowering, node)


def _expression_statement(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    return [made for child in named(node) for made in _simple(lowering, child)]


def _simple(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    at = place_of(node)
    if node.type == "assignment_expression":
        return _assignment(lowering, node)
    if node.type == "switch_expression":
        return switch(lowering, node, None)
    value = expression(lowering, node)
    if isinstance(value, ir.Bind):
        return (ir.Assign(at, (value.target,), value.value, lowering.type_of_target(value.target)),)
    return (ir.Evaluate(at, value),)


def _assignment(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """`a = b = value` is one assignment with two targets; the chain leans to the right and is taken in a loop."""
    at, targets = place_of(node), []
    rest: Node | None = node
    while rest is not None and rest.type == "assignment_expression":
        operator, right = rest.child_by_field_name("operator"), rest.child_by_field_name("right")
        if operator is None or operator.type != "=" or right is None or right.type != "assignment_expression":
            break
        targets.append(expression(lowering, rest.child_by_field_name("left")))
        rest = right
    if rest is None:
        return ()
    target, value = assigned(lowering, rest)
    return (ir.Assign(at, (*targets, target), value, lowering.type_of_target(target)),)


def _local(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    annotation = type_of(node.child_by_field_name("type"))
    made: list[ir.Stmt] = []
    for declarator in node.children_by_field_name("declarator"):
        made.extend(_declarator(lowering, declarator, annotation))
    return made


def _declarator(lowering: JavaLowering, node: Node, annotation: ir.Expr | None) -> Iterable[ir.Stmt]:
    at, name, value = place_of(node), node.child_by_field_name("name"), node.child_by_field_name("value")
    given = ir.Opaque(at, ()) if value is None else expression(lowering, value)
    text = text_of(name) if name is not None else ""
    if node.child_by_field_name("dimensions") is not None:
        annotation = None
    lowering.declare(text, annotation)
    return (ir.Assign(at, (ir.Name(at, text),), given, annotation),)


def _return(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    inside = named(node)
    return (ir.Return(place_of(node), expression(lowering, inside[0]) if inside else None),)


def _throw(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    inside = named(node)
    return (ir.Raise(place_of(node), expression(lowering, inside[0]) if inside else None),)


def _yield(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    inside = named(node)
    value = expression(lowering, inside[0]) if inside else ir.Opaque(place_of(node), ())
    if not lowering.results:
        return (ir.Evaluate(place_of(node), value),)
    # It ends its case, as `break` ends one of a statement.
    at = place_of(node)
    return (ir.Assign(at, (lowering.results[-1],), value, None), ir.Leave(at, False))


def _break(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    return (ir.Leave(place_of(node), False),)


def _continue(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    return (ir.Leave(place_of(node), True),)


def _nothing(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    return ()


def _assert(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """Assertions are off unless somebody switches them on: they protect nothing, and only their effects count."""
    inside = named(node)
    return (ir.Evaluate(place_of(node), expression(lowering, inside[0])),) if inside else ()


def _if(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """`if … else if …` nests to the right, a level an arm: taken in a loop."""
    arms: list[ir.Arm] = []
    rest: Node | None = node
    while rest is not None and rest.type == "if_statement":
        test = expression(lowering, rest.child_by_field_name("condition"))
        arms.append(ir.Arm(place_of(rest), test, body_of(lowering, rest.child_by_field_name("consequence"))))
        rest = rest.child_by_field_name("alternative")
    return (ir.Branch(place_of(node), tuple(arms), body_of(lowering, rest)),)


def _while(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    test = expression(lowering, node.child_by_field_name("condition"))
    return (ir.Repeat(place_of(node), test, body_of(lowering, node.child_by_field_name("body")), ()),)


def _do(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """The test comes last: a loop without an end that is left when the test fails."""
    at = place_of(node)
    body = body_of(lowering, node.child_by_field_name("body"))
    test = expression(lowering, node.child_by_field_name("condition"))
    end = ir.Branch(at, (ir.Arm(at, test, ()),), (ir.Leave(at, False),))
    return (ir.Repeat(at, ir.Literal(at, True), (*body, end), ()),)


def _for(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    at = place_of(node)
    lowering.scopes.append({})
    made: list[ir.Stmt] = []
    for child in node.children_by_field_name("init"):
        made.extend(_local(lowering, child) if child.type == "local_variable_declaration" else _simple(lowering, child))
    condition = node.child_by_field_name("condition")
    test: ir.Expr = ir.Literal(at, True) if condition is None else expression(lowering, condition)
    updates = [part for child in node.children_by_field_name("update") for part in _simple(lowering, child)]
    body = body_of(lowering, node.child_by_field_name("body"))
    lowering.scopes.pop()
    return (*made, ir.Repeat(at, test, (*body, *updates), ()))


def _each(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """The declared type of the item is said in an assignment to itself."""
    at, name = place_of(node), node.child_by_field_name("name")
    iterable = expression(lowering, node.child_by_field_name("value"))
    target = ir.Name(at, text_of(name) if name is not None else "")
    annotation = type_of(node.child_by_field_name("type"))
    lowering.scopes.append({target.id: annotation})
    body = body_of(lowering, node.child_by_field_name("body"))
    lowering.scopes.pop()
    if annotation is not None:
        body = (ir.Assign(at, (target,), target, annotation), *body)
    return (ir.Each(at, target, iterable, body, ()),)


def _try(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """Resources are opened within the body, and declared for it alone."""
    lowering.scopes.append({})
    resources = node.child_by_field_name("resources")
    opened = tuple(part for child in (named(resources) if resources else []) for part in _resource(lowering, child))
    body = (*opened, *block(lowering, node.child_by_field_name("body")))
    lowering.scopes.pop()
    handlers = tuple(_handler(lowering, child) for child in node.named_children if child.type == "catch_clause")
    last = next((child for child in node.named_children if child.type == "finally_clause"), None)
    finally_ = tuple(part for child in (named(last) if last else []) for part in body_of(lowering, child))
    if not handlers and not finally_:
        return body
    return (ir.Attempt(place_of(node), body, handlers, (), finally_),)


def _resource(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    name = node.child_by_field_name("name")
    if name is None:
        return tuple(ir.Evaluate(place_of(child), expression(lowering, child)) for child in named(node))
    return _declarator(lowering, node, type_of(node.child_by_field_name("type")))


def _handler(lowering: JavaLowering, node: Node) -> ir.Handler:
    parameter = next((child for child in node.named_children if child.type == "catch_formal_parameter"), None)
    name = parameter.child_by_field_name("name") if parameter is not None else None
    text = text_of(name) if name is not None else None
    lowering.scopes.append({text: None} if text else {})
    body = block(lowering, node.child_by_field_name("body"))
    lowering.scopes.pop()
    return ir.Handler(None, text, body)


def _synchronized(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    inside = named(node)
    lock = [ir.Evaluate(place_of(child), expression(lowering, child)) for child in inside if child.type != "block"]
    return (*lock, *block(lowering, node.child_by_field_name("body")))


def _labeled(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    return [made for child in named(node)[1:] for made in statement(lowering, child)]


def _switch(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    return switch(lowering, node, None)


def switch_value(lowering: JavaLowering, node: Node) -> ir.Expr:
    """Lower a `switch` that is an expression: its branches stand before, and assign to a variable that it is."""
    result = ir.Name(place_of(node), lowering.fresh("value"))
    lowering.results.append(result)
    before, lowering.before = lowering.before, []
    made = switch(lowering, node, result)
    lowering.before = [*before, *lowering.before, *made]
    lowering.results.pop()
    return result


_LOWER: Final[dict[str, Callable[[JavaLowering, Node], Iterable[ir.Stmt]]]] = {
    "block": _block,
    "constructor_body": _block,
    "expression_statement": _expression_statement,
    "local_variable_declaration": _local,
    "return_statement": _return,
    "throw_statement": _throw,
    "yield_statement": _yield,
    "break_statement": _break,
    "continue_statement": _continue,
    "assert_statement": _assert,
    "if_statement": _if,
    "while_statement": _while,
    "do_statement": _do,
    "for_statement": _for,
    "enhanced_for_statement": _each,
    "try_statement": _try,
    "try_with_resources_statement": _try,
    "synchronized_statement": _synchronized,
    "labeled_statement": _labeled,
    "switch_expression": _switch,
    "explicit_constructor_invocation": explicit_constructor,
    "import_declaration": _nothing,
    "package_declaration": _nothing,
    "line_comment": _nothing,
    "block_comment": _nothing,
}
