"""Expressions. Each kind of node has one small function, found by the grammar's name for it."""

from collections.abc import Callable

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.lowering import MAX_CONSTANTS, Lowering, place_of, text_of
from sekisho.taint.frontends.python import strings

_CONSTANT_NODES = frozenset({"integer", "float", "true", "false", "none"})


def expression(lowering: Lowering, node: Node) -> ir.Expr:
    """Lower an expression; one that is too deep, or that we do not know, becomes opaque."""
    lowering.count()
    lower = _LOWER.get(node.type)
    if lower is None:
        return _unknown(lowering, node)
    lowering.depth += 1
    try:
        if lowering.too_deep(node):
            return ir.Opaque(place_of(node), ())
        return lower(lowering, node)
    finally:
        lowering.depth -= 1


def optional(lowering: Lowering, node: Node | None) -> ir.Expr | None:
    """Lower `node` if there is one."""
    return None if node is None else expression(lowering, node)


def parameters(lowering: Lowering, node: Node | None) -> tuple[ir.Parameter, ...]:
    """Lower a parameter list, of a function or a lambda."""
    if node is None:
        return ()
    made: list[ir.Parameter] = []
    kind = "plain"
    for child in node.named_children:
        if child.type in {"keyword_separator", "list_splat_pattern"} or _is_rest(child):
            kind = "named"
        parameter = _parameter(lowering, child, kind)
        if parameter is not None:
            made.append(parameter)
    return tuple(made)


def _is_rest(node: Node) -> bool:
    return node.type == "typed_parameter" and bool(node.children) and node.children[0].type == "list_splat_pattern"


def _parameter(lowering: Lowering, node: Node, kind: str) -> ir.Parameter | None:
    if node.type == "identifier":
        return ir.Parameter(text_of(node), kind, None, None)
    if node.type in {"default_parameter", "typed_default_parameter"}:
        name = node.child_by_field_name("name")
        annotation = optional(lowering, node.child_by_field_name("type"))
        default = optional(lowering, node.child_by_field_name("value"))
        return ir.Parameter(text_of(name) if name else "", kind, annotation, default)
    if node.type == "typed_parameter":
        inner = _parameter(lowering, node.named_children[0], kind) if node.named_children else None
        annotation = optional(lowering, node.child_by_field_name("type"))
        return inner._replace(annotation=annotation) if inner else None
    if node.type in {"list_splat_pattern", "dictionary_splat_pattern"} and node.named_children:
        rest = "rest" if node.type == "list_splat_pattern" else "table"
        return ir.Parameter(text_of(node.named_children[0]), rest, None, None)
    if node.type == "tuple_pattern":
        # Python 2 only: a parameter that is taken apart at once. It has no name of its own.
        return ir.Parameter(f"({place_of(node)})", kind, None, None)
    return None


def _unknown(lowering: Lowering, node: Node) -> ir.Expr:
    """What has no function below: an error of syntax, or a node that only groups others."""
    named = [child for child in node.named_children if child.type != "comment"]
    if lowering.depth > 0 and len(named) == 1 and node.type != "ERROR":
        lowering.depth += 1
        try:
            return ir.Opaque(place_of(node), ()) if lowering.too_deep(node) else expression(lowering, named[0])
        finally:
            lowering.depth -= 1
    return _opaque(lowering, node, named)


def _opaque(lowering: Lowering, node: Node, named: list[Node]) -> ir.Expr:
    lowering.depth += 1
    try:
        if lowering.too_deep(node):
            return ir.Opaque(place_of(node), ())
        return ir.Opaque(place_of(node), tuple(expression(lowering, child) for child in named))
    finally:
        lowering.depth -= 1


def _field(lowering: Lowering, node: Node, name: str) -> ir.Expr:
    child = node.child_by_field_name(name)
    return ir.Opaque(place_of(node), ()) if child is None else expression(lowering, child)


def _identifier(lowering: Lowering, node: Node) -> ir.Expr:
    return ir.Name(place_of(node), text_of(node))


def _integer(lowering: Lowering, node: Node) -> ir.Expr:
    text = text_of(node).replace("_", "").rstrip("lLjJ")
    # A literal of a million digits takes quadratic time to read, and no check looks at its value.
    if len(text) > 40:
        return ir.Opaque(place_of(node), ())
    try:
        return ir.Literal(place_of(node), int(text, 0))
    except ValueError:
        return ir.Literal(place_of(node), 0)


def _float(lowering: Lowering, node: Node) -> ir.Expr:
    return ir.Literal(place_of(node), 0.5)


def _true(lowering: Lowering, node: Node) -> ir.Expr:
    return ir.Literal(place_of(node), True)


def _false(lowering: Lowering, node: Node) -> ir.Expr:
    return ir.Literal(place_of(node), False)


def _none(lowering: Lowering, node: Node) -> ir.Expr:
    return ir.Literal(place_of(node), None)


def _string(lowering: Lowering, node: Node) -> ir.Expr:
    return strings.string(lowering, node, expression)


def _adjacent(lowering: Lowering, node: Node) -> ir.Expr:
    return strings.adjacent(lowering, node, expression)


def _attribute(lowering: Lowering, node: Node) -> ir.Expr:
    name = node.child_by_field_name("attribute")
    return ir.Attribute(place_of(node), _field(lowering, node, "object"), text_of(name) if name else "")


def _subscript(lowering: Lowering, node: Node) -> ir.Expr:
    base = _field(lowering, node, "value")
    keys = node.children_by_field_name("subscript")
    if len(keys) == 1 and keys[0].type == "slice":
        bounds = tuple(expression(lowering, bound) for bound in keys[0].named_children)
        return ir.Slice(place_of(node), base, bounds)
    if len(keys) == 1:
        return ir.Item(place_of(node), base, expression(lowering, keys[0]))
    items = tuple(expression(lowering, key) for key in keys)
    return ir.Item(place_of(node), base, ir.Collection(place_of(node), "tuple", items))


def _call(lowering: Lowering, node: Node) -> ir.Expr:
    target = _field(lowering, node, "function")
    listed = node.child_by_field_name("arguments")
    return ir.Call(place_of(node), target, arguments(lowering, listed) if listed else ())


def arguments(lowering: Lowering, node: Node) -> tuple[ir.Argument, ...]:
    """Lower the arguments of a call, or the bases of a class."""
    if node.type == "generator_expression":
        return (ir.Argument(None, expression(lowering, node), False),)
    return tuple(_argument(lowering, child) for child in node.named_children if child.type != "comment")


def _argument(lowering: Lowering, node: Node) -> ir.Argument:
    if node.type == "keyword_argument":
        name = node.child_by_field_name("name")
        return ir.Argument(text_of(name) if name else "", _field(lowering, node, "value"), False)
    if node.type in {"list_splat", "dictionary_splat"} and node.named_children:
        stars = "**" if node.type == "dictionary_splat" else None
        return ir.Argument(stars, expression(lowering, node.named_children[0]), True)
    return ir.Argument(None, expression(lowering, node), False)


def _binary(lowering: Lowering, node: Node) -> ir.Expr:
    operator = _operator(node)
    if operator == "+":
        return _sum(lowering, node)
    left, right = _field(lowering, node, "left"), _field(lowering, node, "right")
    return binary(place_of(node), operator, left, right)


def binary(at: int, operator: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    """Return the operation of the two operands: a concatenation, a template filled, or any other."""
    if operator == "+":
        return ir.Concat(at, (left, right), False)
    if operator == "%":
        return ir.Fill(at, left, right)
    return ir.Binary(at, operator, left, right)


def _operator(node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return text_of(operator) if operator else ""


def _sum(lowering: Lowering, node: Node) -> ir.Expr:
    """`a + b + c …` leans to the left, a level an operand: taken in a loop, because people join 300 lines so."""
    operands: list[Node] = []
    rest: Node | None = node
    while rest is not None and rest.type == "binary_operator" and _operator(rest) == "+":
        right = rest.child_by_field_name("right")
        if right is not None:
            operands.append(right)
        rest = rest.child_by_field_name("left")
    if rest is not None:
        operands.append(rest)
    parts = tuple(expression(lowering, operand) for operand in reversed(operands))
    return ir.Concat(place_of(node), parts, False)


def _logic(lowering: Lowering, node: Node) -> ir.Expr:
    operator, operands, rest = _operator(node), [], node
    while rest.type == "boolean_operator" and _operator(rest) == operator:
        right, left = rest.child_by_field_name("right"), rest.child_by_field_name("left")
        if right is None or left is None:
            break
        operands.append(right)
        rest = left
    operands.append(rest)
    if len(operands) == 1:
        return _opaque(lowering, node, node.named_children)
    return ir.Logic(
        place_of(node), operator == "and", tuple(expression(lowering, operand) for operand in reversed(operands))
    )


def _not(lowering: Lowering, node: Node) -> ir.Expr:
    return ir.Not(place_of(node), _field(lowering, node, "argument"))


def _comparison(lowering: Lowering, node: Node) -> ir.Expr:
    """`a < b < c` is `a < b and b < c`; evaluating `b` twice does no harm here."""
    at = place_of(node)
    operands = [expression(lowering, child) for child in node.named_children if child.type != "comment"]
    operators = [" ".join(text_of(child).split()) for child in node.children_by_field_name("operators")]
    pairs = tuple(
        ir.Compare(at, "!=" if operator == "<>" else operator, left, right)
        for operator, left, right in zip(operators, operands, operands[1:], strict=False)
    )
    if not pairs:
        return ir.Opaque(at, tuple(operands))
    return pairs[0] if len(pairs) == 1 else ir.Logic(at, True, pairs)


def _unary(lowering: Lowering, node: Node) -> ir.Expr:
    operand = _field(lowering, node, "argument")
    if isinstance(operand, ir.Literal) and isinstance(operand.value, int) and _operator(node) == "-":
        return ir.Literal(place_of(node), -operand.value)
    return ir.Binary(place_of(node), _operator(node), ir.Literal(place_of(node), 0), operand)


def _choice(lowering: Lowering, node: Node) -> ir.Expr:
    named = [child for child in node.named_children if child.type != "comment"]
    if len(named) != 3:
        return _opaque(lowering, node, named)
    then, test, otherwise = (expression(lowering, child) for child in named)
    return ir.Choice(place_of(node), test, then, otherwise)


def _collection(kind: str) -> "Callable[[Lowering, Node], ir.Expr]":
    def lower(lowering: Lowering, node: Node) -> ir.Expr:
        items: list[ir.Expr] = []
        for child in node.named_children:
            if child.type == "comment" or (len(items) >= MAX_CONSTANTS and _is_constant(child)):
                continue
            items.append(expression(lowering, child))
        return ir.Collection(place_of(node), kind, tuple(items))

    return lower


def _is_constant(node: Node) -> bool:
    """Say whether `node` is a constant without looking deep; a nested collection of data is caught by the count."""
    if node.type == "string":
        return all(child.type != "interpolation" for child in node.named_children)
    return node.type in _CONSTANT_NODES


def _table(lowering: Lowering, node: Node) -> ir.Expr:
    entries: list[ir.Entry] = []
    for child in node.named_children:
        if child.type == "pair":
            value = child.child_by_field_name("value")
            if len(entries) >= MAX_CONSTANTS and value is not None and _is_constant(value):
                continue
            entries.append(ir.Entry(_field(lowering, child, "key"), _field(lowering, child, "value")))
        elif child.type == "dictionary_splat" and child.named_children:
            entries.append(ir.Entry(None, expression(lowering, child.named_children[0])))
    return ir.Table(place_of(node), tuple(entries))


def _spread(lowering: Lowering, node: Node) -> ir.Expr:
    named = node.named_children
    return ir.Spread(place_of(node), expression(lowering, named[0]) if named else ir.Opaque(place_of(node), ()))


def _comprehension(lowering: Lowering, node: Node) -> ir.Expr:
    at = place_of(node)
    body = node.child_by_field_name("body")
    clauses: list[ir.Clause] = []
    for child in node.named_children:
        if child.type == "for_in_clause":
            clauses.append(ir.Clause(_field(lowering, child, "left"), _iterable(lowering, child), ()))
        elif child.type == "if_clause" and clauses:
            tests = tuple(expression(lowering, test) for test in child.named_children)
            clauses[-1] = clauses[-1]._replace(tests=clauses[-1].tests + tests)
    if body is not None and body.type == "pair":
        key = _field(lowering, body, "key")
        return ir.Comprehension(at, key, _field(lowering, body, "value"), tuple(clauses))
    return ir.Comprehension(at, None, _field(lowering, node, "body"), tuple(clauses))


def _iterable(lowering: Lowering, node: Node) -> ir.Expr:
    iterables = tuple(expression(lowering, child) for child in node.children_by_field_name("right") if child.is_named)
    return iterables[0] if len(iterables) == 1 else ir.Collection(place_of(node), "tuple", iterables)


def _bind(lowering: Lowering, node: Node) -> ir.Expr:
    return ir.Bind(place_of(node), _field(lowering, node, "name"), _field(lowering, node, "value"))


def _yield(lowering: Lowering, node: Node) -> ir.Expr:
    named = [child for child in node.named_children if child.type != "comment"]
    value = expression(lowering, named[0]) if named else ir.Literal(place_of(node), None)
    spread = any(child.type == "from" for child in node.children)
    return ir.Produce(place_of(node), value, spread)


def _lambda(lowering: Lowering, node: Node) -> ir.Expr:
    at = place_of(node)
    qualname = lowering.enter("<lambda>")
    listed = parameters(lowering, node.child_by_field_name("parameters"))
    body: ir.Block = (ir.Return(at, _field(lowering, node, "body")),)
    lowering.leave()
    return ir.Closure(at, ir.Function(at, "<lambda>", qualname, listed, (), body))


def _inner(lowering: Lowering, node: Node) -> ir.Expr:
    """`await x`, `(x)`, a type written as an expression: `x` itself."""
    named = [child for child in node.named_children if child.type != "comment"]
    return expression(lowering, named[0]) if len(named) == 1 else _opaque(lowering, node, named)


def _dotted(lowering: Lowering, node: Node) -> ir.Expr:
    names = [text_of(child) for child in node.named_children]
    made: ir.Expr = ir.Name(place_of(node), names[0] if names else "")
    for name in names[1:]:
        made = ir.Attribute(place_of(node), made, name)
    return made


def _generic(lowering: Lowering, node: Node) -> ir.Expr:
    """`Annotated[str, …]` as a type: a subscript in another dress."""
    named = node.named_children
    if len(named) < 2:
        return _opaque(lowering, node, named)
    keys = tuple(expression(lowering, child) for child in named[1].named_children)
    key = keys[0] if len(keys) == 1 else ir.Collection(place_of(node), "tuple", keys)
    return ir.Item(place_of(node), expression(lowering, named[0]), key)


_LOWER: dict[str, Callable[[Lowering, Node], ir.Expr]] = {
    "identifier": _identifier,
    "keyword_identifier": _identifier,
    "integer": _integer,
    "float": _float,
    "true": _true,
    "false": _false,
    "none": _none,
    "ellipsis": _none,
    "string": _string,
    "concatenated_string": _adjacent,
    "attribute": _attribute,
    "subscript": _subscript,
    "call": _call,
    "binary_operator": _binary,
    "boolean_operator": _logic,
    "not_operator": _not,
    "comparison_operator": _comparison,
    "unary_operator": _unary,
    "conditional_expression": _choice,
    "list": _collection("list"),
    "tuple": _collection("tuple"),
    "set": _collection("set"),
    "expression_list": _collection("tuple"),
    "pattern_list": _collection("tuple"),
    "tuple_pattern": _collection("tuple"),
    "list_pattern": _collection("tuple"),
    "dictionary": _table,
    "list_splat": _spread,
    "list_splat_pattern": _spread,
    "dictionary_splat": _spread,
    "list_comprehension": _comprehension,
    "set_comprehension": _comprehension,
    "dictionary_comprehension": _comprehension,
    "generator_expression": _comprehension,
    "named_expression": _bind,
    "yield": _yield,
    "await": _inner,
    "lambda": _lambda,
    "parenthesized_expression": _inner,
    "type": _inner,
    "generic_type": _generic,
    "dotted_name": _dotted,
}
