"""Statements and definitions. Blocks stay blocks; what differs only in dress becomes one form."""

from collections.abc import Callable, Iterable

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.lowering import Lowering, place_of, text_of
from sekisho.taint.frontends.python.expressions import arguments, binary, expression, optional, parameters
from sekisho.taint.frontends.python.matching import case_pattern


def block(lowering: Lowering, node: Node | None) -> ir.Block:
    """Lower every statement directly under `node`: a block, a module, or what is left of one after an error."""
    if node is None:
        return ()
    lowering.depth += 1
    try:
        if lowering.too_deep(node):
            return ()
        return tuple(made for child in node.named_children for made in _statement(lowering, child))
    finally:
        lowering.depth -= 1


def _statement(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    lower = _LOWER.get(node.type)
    if lower is not None:
        return lower(lowering, node)
    if node.type == "comment":
        return ()
    if node.type == "ERROR":
        return block(lowering, node)
    return (ir.Evaluate(place_of(node), expression(lowering, node)),)


def _expression_statement(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return [made for child in node.named_children for made in _simple(lowering, child)]


def _simple(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    if node.type == "assignment":
        return _assignment(lowering, node)
    if node.type == "augmented_assignment":
        return _augmented(lowering, node)
    if node.type in {"string", "concatenated_string", "comment"}:
        return ()
    return (ir.Evaluate(place_of(node), expression(lowering, node)),)


def _assignment(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    """`a = b = value` is one assignment with two targets; the chain leans to the right and is taken in a loop."""
    at, targets = place_of(node), []
    annotation = optional(lowering, node.child_by_field_name("type"))
    rest: Node | None = node
    while rest is not None and rest.type == "assignment":
        left = rest.child_by_field_name("left")
        if left is not None:
            targets.append(expression(lowering, left))
        rest = rest.child_by_field_name("right")
    if rest is None:
        # A declaration without a value still says a type.
        return (ir.Assign(at, tuple(targets), ir.Opaque(at, ()), annotation),)
    if rest.type == "augmented_assignment":
        return (*_augmented(lowering, rest),)
    return (ir.Assign(at, tuple(targets), expression(lowering, rest), annotation),)


def _augmented(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = node.child_by_field_name("operator")
    if left is None or right is None:
        return ()
    at, target = place_of(node), expression(lowering, left)
    value = binary(at, text_of(operator).removesuffix("=") if operator else "", target, expression(lowering, right))
    return (ir.Assign(at, (target,), value, None),)


def _return(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return (ir.Return(place_of(node), _only(lowering, node)),)


def _raise(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return (ir.Raise(place_of(node), _only(lowering, node)),)


def _only(lowering: Lowering, node: Node) -> ir.Expr | None:
    named = [child for child in node.named_children if child.type != "comment"]
    return expression(lowering, named[0]) if named else None


def _break(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return (ir.Leave(place_of(node), False),)


def _continue(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return (ir.Leave(place_of(node), True),)


def _nothing(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return ()


def _delete(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return (ir.Forget(place_of(node), tuple(expression(lowering, child) for child in node.named_children)),)


def _assert(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    test = _only(lowering, node)
    return (ir.Require(place_of(node), test),) if test is not None else ()


def _outer(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return (ir.Outer(place_of(node), tuple(text_of(child) for child in node.named_children)),)


def _print(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    """Python 2's statements that later became functions."""
    at = place_of(node)
    name = "exec" if node.type == "exec_statement" else "print"
    named = [child for child in node.named_children if child.type != "chevron"]
    listed = tuple(ir.Argument(None, expression(lowering, child), False) for child in named)
    return (ir.Evaluate(at, ir.Call(at, ir.Name(at, name), listed)),)


def _if(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    arms = [_arm(lowering, node)]
    otherwise: ir.Block = ()
    for clause in node.children_by_field_name("alternative"):
        if clause.type == "elif_clause":
            arms.append(_arm(lowering, clause))
        else:
            otherwise = block(lowering, clause.child_by_field_name("body"))
    return (ir.Branch(place_of(node), tuple(arms), otherwise),)


def _arm(lowering: Lowering, node: Node) -> ir.Arm:
    test = optional(lowering, node.child_by_field_name("condition")) or ir.Opaque(place_of(node), ())
    return ir.Arm(place_of(node), test, block(lowering, node.child_by_field_name("consequence")))


def _while(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    test = optional(lowering, node.child_by_field_name("condition")) or ir.Opaque(place_of(node), ())
    body = block(lowering, node.child_by_field_name("body"))
    return (ir.Repeat(place_of(node), test, body, _else(lowering, node)),)


def _for(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return block(lowering, node.child_by_field_name("body"))
    target, iterable = expression(lowering, left), expression(lowering, right)
    body = block(lowering, node.child_by_field_name("body"))
    return (ir.Each(place_of(node), target, iterable, body, _else(lowering, node)),)


def _else(lowering: Lowering, node: Node) -> ir.Block:
    clause = node.child_by_field_name("alternative")
    return block(lowering, clause.child_by_field_name("body")) if clause is not None else ()


def _try(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    handlers: list[ir.Handler] = []
    otherwise: ir.Block = ()
    finally_: ir.Block = ()
    for child in node.named_children:
        if child.type in {"except_clause", "except_group_clause"}:
            handlers.append(_handler(lowering, child))
        elif child.type == "else_clause":
            otherwise = block(lowering, child.child_by_field_name("body"))
        elif child.type == "finally_clause":
            finally_ = block(lowering, _body_of(child))
    body = block(lowering, node.child_by_field_name("body"))
    return (ir.Attempt(place_of(node), body, tuple(handlers), otherwise, finally_),)


def _body_of(node: Node) -> Node | None:
    return next((child for child in reversed(node.named_children) if child.type == "block"), None)


def _handler(lowering: Lowering, node: Node) -> ir.Handler:
    named = [child for child in node.named_children if child.type not in {"block", "comment"}]
    body = block(lowering, _body_of(node))
    if not named:
        return ir.Handler(None, None, body)
    if named[0].type == "as_pattern" and len(named[0].named_children) == 2:
        kinds, name = named[0].named_children
        return ir.Handler(expression(lowering, kinds), text_of(name), body)
    # Python 2: `except Kind, name:`.
    name_2 = text_of(named[1]) if len(named) == 2 and named[1].type == "identifier" else None
    return ir.Handler(expression(lowering, named[0]), name_2, body)


def _with(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    body = block(lowering, node.child_by_field_name("body"))
    items = [item for clause in node.named_children if clause.type == "with_clause" for item in _with_items(clause)]
    for item in reversed(items):
        value, target = _with_item(lowering, item)
        body = (ir.Use(place_of(node), value, target, body),)
    return body


def _with_items(clause: Node) -> list[Node]:
    """`with (a as b, c as d)` parses as one parenthesised thing: take it apart."""
    found: list[Node] = []
    for item in clause.named_children:
        inner = item.named_children[0] if item.named_children else item
        if inner.type in {"parenthesized_expression", "tuple"} and any(
            part.type == "as_pattern" for part in inner.named_children
        ):
            found.extend(part for part in inner.named_children if part.type != "comment")
        else:
            found.append(inner)
    return found


def _with_item(lowering: Lowering, node: Node) -> tuple[ir.Expr, ir.Expr | None]:
    if node.type == "as_pattern" and len(node.named_children) == 2:
        value, target = node.named_children
        inner = target.named_children[0] if target.named_children else target
        return expression(lowering, value), expression(lowering, inner)
    return expression(lowering, node), None


def _match(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    at = place_of(node)
    subjects = tuple(expression(lowering, child) for child in node.children_by_field_name("subject"))
    subject: ir.Expr = subjects[0] if len(subjects) == 1 else ir.Collection(at, "tuple", subjects)
    before: ir.Block = ()
    if not isinstance(subject, ir.Name | ir.Attribute):
        # Looked at once, so that every case speaks of the same value.
        name = ir.Name(at, f"<match {at}>")
        before, subject = (ir.Assign(at, (name,), subject, None),), name
    cases = node.child_by_field_name("body")
    named = cases.named_children if cases is not None else []
    arms = tuple(_case(lowering, case, subject) for case in named if case.type == "case_clause")
    return (*before, ir.Branch(at, arms, ()))


def _case(lowering: Lowering, node: Node, subject: ir.Expr) -> ir.Arm:
    at = place_of(node)
    listed = [case_pattern(lowering, child, subject) for child in node.named_children if child.type == "case_pattern"]
    tests = [pattern.test for pattern in listed if pattern.test is not None]
    binds = tuple(bind for pattern in listed for bind in pattern.binds)
    body = (*binds, *block(lowering, node.child_by_field_name("consequence")))
    guard = node.child_by_field_name("guard")
    if guard is not None:
        # The guard sees what the pattern bound, so it is asked inside the arm.
        test = _only(lowering, guard) or ir.Opaque(at, ())
        body = (*binds, ir.Branch(at, (ir.Arm(at, test, body[len(binds) :]),), ()))
        return ir.Arm(at, ir.Opaque(at, (subject,)), body)
    if not tests:
        return ir.Arm(at, ir.Literal(at, True), body)
    return ir.Arm(at, tests[0] if len(tests) == 1 else ir.Logic(at, True, tuple(tests)), body)


def _import(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    made: list[ir.Stmt] = []
    at = place_of(node)
    for child in node.children_by_field_name("name"):
        dotted, alias = _imported(child)
        if alias is not None:
            made.append(ir.Import(at, dotted, None, alias, 0))
        else:
            made.append(ir.Import(at, dotted.split(".")[0], None, dotted.split(".")[0], 0))
    return made


def _imported(node: Node) -> tuple[str, str | None]:
    if node.type == "aliased_import":
        name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
        return (text_of(name) if name else "", text_of(alias) if alias else None)
    return text_of(node), None


def _import_from(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    at, source = place_of(node), node.child_by_field_name("module_name")
    text = "".join(text_of(source).split()) if source else ""
    module = text.lstrip(".")
    level = len(text) - len(module)
    if any(child.type == "wildcard_import" for child in node.named_children):
        return (ir.Import(at, module, "*", "*", level),)
    made: list[ir.Stmt] = []
    for child in node.children_by_field_name("name"):
        symbol, alias = _imported(child)
        made.append(ir.Import(at, module, symbol, alias or symbol, level))
    return made


def _decorated(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    decorators = tuple(
        expression(lowering, child.named_children[0])
        for child in node.named_children
        if child.type == "decorator" and child.named_children
    )
    definition = node.child_by_field_name("definition")
    if definition is None:
        return ()
    if definition.type == "class_definition":
        return (_class_statement(lowering, definition, decorators),)
    return (_function_statement(lowering, definition, decorators),)


def _function(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return (_function_statement(lowering, node, ()),)


def _function_statement(lowering: Lowering, node: Node, decorators: tuple[ir.Expr, ...]) -> ir.Stmt:
    at, name = place_of(node), _name_of(node)
    qualname = lowering.enter(name)
    listed = parameters(lowering, node.child_by_field_name("parameters"))
    body = block(lowering, node.child_by_field_name("body"))
    lowering.leave()
    return ir.Define(at, ir.Function(at, name, qualname, listed, decorators, body))


def _class(lowering: Lowering, node: Node) -> Iterable[ir.Stmt]:
    return (_class_statement(lowering, node, ()),)


def _class_statement(lowering: Lowering, node: Node, decorators: tuple[ir.Expr, ...]) -> ir.Stmt:
    at, name = place_of(node), _name_of(node)
    listed = node.child_by_field_name("superclasses")
    bases = arguments(lowering, listed) if listed is not None else ()
    qualname = lowering.enter(name)
    body = block(lowering, node.child_by_field_name("body"))
    lowering.leave()
    positional = tuple(base.value for base in bases if base.name is None)
    return ir.DefineClass(at, ir.Class(at, name, qualname, positional, decorators, body))


def _name_of(node: Node) -> str:
    name = node.child_by_field_name("name")
    return text_of(name) if name is not None else "<unnamed>"


_LOWER: dict[str, Callable[[Lowering, Node], Iterable[ir.Stmt]]] = {
    "expression_statement": _expression_statement,
    "assignment": _assignment,
    "augmented_assignment": _augmented,
    "return_statement": _return,
    "raise_statement": _raise,
    "break_statement": _break,
    "continue_statement": _continue,
    "pass_statement": _nothing,
    "type_alias_statement": _nothing,
    "future_import_statement": _nothing,
    "delete_statement": _delete,
    "assert_statement": _assert,
    "global_statement": _outer,
    "nonlocal_statement": _outer,
    "print_statement": _print,
    "exec_statement": _print,
    "if_statement": _if,
    "while_statement": _while,
    "for_statement": _for,
    "try_statement": _try,
    "with_statement": _with,
    "match_statement": _match,
    "import_statement": _import,
    "import_from_statement": _import_from,
    "decorated_definition": _decorated,
    "function_definition": _function,
    "class_definition": _class,
}
