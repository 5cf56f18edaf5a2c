"""Expressions. Each kind of node has one small function, found by the grammar's name for it.

What an expression cannot say in the IR stands before it: the class of an anonymous object, the branches of a `switch`.
Such statements gather in `lowering.before`.
"""

from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.java import literals, operators
from sekisho.taint.frontends.java.scopes import JavaLowering, canonical, dotted_type, looks_like_type, type_of
from sekisho.taint.frontends.lowering import MAX_CONSTANTS, place_of, text_of

_CONSTANTS: Final = frozenset(
    {"decimal_integer_literal", "decimal_floating_point_literal", "true", "false", "null_literal", "string_literal"}
    | {"character_literal", "hex_integer_literal"}
)
_COMMENTS: Final = frozenset({"line_comment", "block_comment"})


def expression(lowering: JavaLowering, node: Node | None) -> ir.Expr:
    """Lower an expression; one that is too deep, missing, or that we do not know, becomes opaque."""
    if node is None:
        return ir.Opaque(ir.place(1, 1), ())
    lowering.count()
    lowering.depth += 1
    try:
        if lowering.too_deep(node):
            return ir.Opaque(place_of(node), ())
        lower = _LOWER.get(node.type)
        return lower(lowering, node) if lower is not None else _unknown(lowering, node)
    finally:
        lowering.depth -= 1


def named(node: Node) -> list[Node]:
    """Return the children that are not punctuation or comments."""
    return [child for child in node.named_children if child.type not in _COMMENTS]


def _field(lowering: JavaLowering, node: Node, name: str) -> ir.Expr:
    child = node.child_by_field_name(name)
    return ir.Opaque(place_of(node), ()) if child is None else expression(lowering, child)


def _unknown(lowering: JavaLowering, node: Node) -> ir.Expr:
    """What has no function below: an error of syntax, or a node that only groups others."""
    return ir.Opaque(place_of(node), tuple(expression(lowering, child) for child in named(node)))


def _literal(lower: Callable[[Node], ir.Expr]) -> Callable[[JavaLowering, Node], ir.Expr]:
    return lambda lowering, node: lower(node)


def _identifier(lowering: JavaLowering, node: Node) -> ir.Expr:
    return lowering.variable(place_of(node), text_of(node))


def _this(lowering: JavaLowering, node: Node) -> ir.Expr:
    scope = lowering.innermost()
    return ir.Name(place_of(node), scope.receiver if scope is not None else "this")


def _inner(lowering: JavaLowering, node: Node) -> ir.Expr:
    inside = named(node)
    return expression(lowering, inside[0]) if inside else ir.Opaque(place_of(node), ())


def _field_access(lowering: JavaLowering, node: Node) -> ir.Expr:
    at, name = place_of(node), node.child_by_field_name("field")
    base = node.child_by_field_name("object")
    if base is None or name is None:
        return _unknown(lowering, node)
    if name.type == "this":
        return _outer(lowering, at, text_of(base))
    if base.type == "super":
        return ir.Attribute(at, _this(lowering, base), text_of(name))
    package = _package_type(lowering, node)
    return package if package is not None else ir.Attribute(at, expression(lowering, base), text_of(name))


def _outer(lowering: JavaLowering, at: int, name: str) -> ir.Expr:
    from_here = [scope for scope in lowering.scopes if not isinstance(scope, dict) and scope.name == name]
    return lowering.owner(at, from_here[-1], static=False) if from_here else ir.Name(at, f"{name}.this")


def _package_type(lowering: JavaLowering, node: Node) -> ir.Expr | None:
    """`java.util.List` begins with a package if it begins with no variable, and reaches a type's name."""
    parts: list[str] = []
    rest: Node | None = node
    while rest is not None and rest.type == "field_access":
        name = rest.child_by_field_name("field")
        parts.append(text_of(name) if name is not None else "")
        rest = rest.child_by_field_name("object")
    if rest is None or rest.type != "identifier" or text_of(rest)[:1].isupper():
        return None
    if not looks_like_type(parts[0]) or not isinstance(lowering.variable(0, text_of(rest)), ir.Attribute | ir.Name):
        return None
    if lowering.is_local(text_of(rest)) or any(part[:1].isupper() for part in parts[1:]):
        return None
    return ir.Name(place_of(node), canonical(".".join([text_of(rest), *reversed(parts)])))


def _call(lowering: JavaLowering, node: Node) -> ir.Expr:
    at, name = place_of(node), node.child_by_field_name("name")
    method = text_of(name) if name is not None else ""
    base = node.child_by_field_name("object")
    given = arguments(lowering, node.child_by_field_name("arguments"))
    if base is None:
        return ir.Call(at, lowering.method(at, method), given)
    if base.type == "super" or any(child.type == "super" for child in node.children):
        return ir.Call(at, ir.Attribute(at, ir.Call(at, ir.Name(at, "super"), ()), method), given)
    receiver = expression(lowering, base)
    asked = operators.question(at, receiver, method, given)
    return asked if asked is not None else ir.Call(at, ir.Attribute(at, receiver, method), given)


def arguments(lowering: JavaLowering, node: Node | None) -> tuple[ir.Argument, ...]:
    """Lower the arguments of a call, all by position."""
    if node is None:
        return ()
    return tuple(ir.Argument(None, expression(lowering, child), False) for child in named(node))


def _new(lowering: JavaLowering, node: Node) -> ir.Expr:
    at = place_of(node)
    made = type_of(node.child_by_field_name("type")) or ir.Opaque(at, ())
    given = arguments(lowering, node.child_by_field_name("arguments"))
    body = next((child for child in node.named_children if child.type == "class_body"), None)
    if body is not None:
        return ir.Call(at, lowering.anonymous(lowering, body, made), given)
    return ir.Call(at, made, given)


def _new_array(lowering: JavaLowering, node: Node) -> ir.Expr:
    value = node.child_by_field_name("value")
    return expression(lowering, value) if value is not None else ir.Collection(place_of(node), "list", ())


def _array(lowering: JavaLowering, node: Node) -> ir.Expr:
    items: list[ir.Expr] = []
    for child in named(node):
        if len(items) < MAX_CONSTANTS or child.type not in _CONSTANTS:
            items.append(expression(lowering, child))
    return ir.Collection(place_of(node), "list", tuple(items))


def _item(lowering: JavaLowering, node: Node) -> ir.Expr:
    return ir.Item(place_of(node), _field(lowering, node, "array"), _field(lowering, node, "index"))


def _binary(lowering: JavaLowering, node: Node) -> ir.Expr:
    operator = _operator(node)
    if operator == "+":
        return ir.Concat(place_of(node), _chain(lowering, node, "+"), False)
    if operator in {"&&", "||"}:
        return ir.Logic(place_of(node), operator == "&&", _chain(lowering, node, operator))
    left, right = _field(lowering, node, "left"), _field(lowering, node, "right")
    return operators.binary(place_of(node), operator, left, right)


def _operator(node: Node) -> str:
    operator = node.child_by_field_name("operator")
    return operator.type if operator is not None else ""


def _chain(lowering: JavaLowering, node: Node, operator: str) -> tuple[ir.Expr, ...]:
    """`a + b + c …` leans to the left, a level an operand: taken in a loop, because people join 300 lines so."""
    operands: list[Node] = []
    rest: Node | None = node
    while rest is not None and rest.type == "binary_expression" and _operator(rest) == operator:
        right = rest.child_by_field_name("right")
        if right is not None:
            operands.append(right)
        rest = rest.child_by_field_name("left")
    if rest is not None:
        operands.append(rest)
    return tuple(expression(lowering, operand) for operand in reversed(operands))


def _unary(lowering: JavaLowering, node: Node) -> ir.Expr:
    at, operator, operand = place_of(node), _operator(node), _field(lowering, node, "operand")
    if operator == "!":
        return ir.Not(at, operand)
    if operator == "-" and isinstance(operand, ir.Literal) and type(operand.value) is int:
        return ir.Literal(at, -operand.value)
    return ir.Binary(at, operator, ir.Literal(at, 0), operand)


def _update(lowering: JavaLowering, node: Node) -> ir.Expr:
    """`x++`: what it gives before or after is a number all the same."""
    at = place_of(node)
    target = _inner(lowering, node)
    words = {child.type for child in node.children}
    one = ir.Literal(at, 1)
    value = ir.Concat(at, (target, one), False) if "++" in words else ir.Binary(at, "-", target, one)
    return ir.Bind(at, target, value)


def _assignment(lowering: JavaLowering, node: Node) -> ir.Expr:
    target, value = assigned(lowering, node)
    annotation = lowering.type_of_target(target)
    return ir.Bind(place_of(node), target, value if annotation is None else ir.Cast(place_of(node), value, annotation))


def assigned(lowering: JavaLowering, node: Node) -> tuple[ir.Expr, ir.Expr]:
    """Return the target and the value of an assignment, plain or combined with an operator."""
    at, operator = place_of(node), _operator(node).removesuffix("=")
    target, value = _field(lowering, node, "left"), _field(lowering, node, "right")
    if operator == "+":
        parts = value.parts if isinstance(value, ir.Concat) and not value.text else (value,)
        return target, ir.Concat(at, (target, *parts), False)
    return target, operators.binary(at, operator, target, value) if operator else value


def _choice(lowering: JavaLowering, node: Node) -> ir.Expr:
    return ir.Choice(
        place_of(node),
        _field(lowering, node, "condition"),
        _field(lowering, node, "consequence"),
        _field(lowering, node, "alternative"),
    )


def _cast(lowering: JavaLowering, node: Node) -> ir.Expr:
    value, annotation = _field(lowering, node, "value"), type_of(node.child_by_field_name("type"))
    return value if annotation is None else ir.Cast(place_of(node), value, annotation)


def _instance_of(lowering: JavaLowering, node: Node) -> ir.Expr:
    """`x instanceof T t`: t is bound whatever the answer; it means something only where the answer is yes."""
    at = place_of(node)
    value = _field(lowering, node, "left")
    kind = node.child_by_field_name("right")
    name, pattern = node.child_by_field_name("name"), node.child_by_field_name("pattern")
    if pattern is not None:
        operators.bind_pattern(lowering, pattern, value)
    if name is not None and kind is not None:
        annotation = type_of(kind)
        lowering.declare(text_of(name), annotation)
        bound = value if annotation is None else ir.Cast(at, value, annotation)
        value = ir.Bind(at, ir.Name(at, text_of(name)), bound)
    test = type_of(kind) if kind is not None else None
    asked = (ir.Argument(None, value, False), ir.Argument(None, test or ir.Opaque(at, ()), False))
    return ir.Call(at, ir.Name(at, "instanceof"), asked)


def _lambda(lowering: JavaLowering, node: Node) -> ir.Expr:
    return lowering.closure(lowering, node)


def _reference(lowering: JavaLowering, node: Node) -> ir.Expr:
    """`Type::method`, `object::method`, `Type::new`."""
    at, inside = place_of(node), named(node)
    if not inside:
        return ir.Opaque(at, ())
    base = inside[0]
    if base.type == "array_type":
        return ir.Opaque(at, ())
    if base.type == "super":
        owner: ir.Expr = ir.Call(at, ir.Name(at, "super"), ())
    elif base.type.endswith("type") or base.type.endswith("type_identifier"):
        owner = type_of(base) or ir.Opaque(at, ())
    else:
        owner = expression(lowering, base)
    if len(inside) == 1:
        return owner
    return ir.Attribute(at, owner, text_of(inside[-1]))


def _class_literal(lowering: JavaLowering, node: Node) -> ir.Expr:
    inside = named(node)
    name = type_of(inside[0]) if inside else None
    return ir.Attribute(place_of(node), name or ir.Opaque(place_of(node), ()), "class")


def _switch(lowering: JavaLowering, node: Node) -> ir.Expr:
    return lowering.switch_value(lowering, node)


def _type_name(lowering: JavaLowering, node: Node) -> ir.Expr:
    return dotted_type(place_of(node), text_of(node))


_LOWER: Final[dict[str, Callable[[JavaLowering, Node], ir.Expr]]] = {
    "identifier": _identifier,
    "this": _this,
    "parenthesized_expression": _inner,
    "field_access": _field_access,
    "method_invocation": _call,
    "object_creation_expression": _new,
    "array_creation_expression": _new_array,
    "array_initializer": _array,
    "array_access": _item,
    "binary_expression": _binary,
    "unary_expression": _unary,
    "update_expression": _update,
    "assignment_expression": _assignment,
    "ternary_expression": _choice,
    "cast_expression": _cast,
    "instanceof_expression": _instance_of,
    "lambda_expression": _lambda,
    "method_reference": _reference,
    "class_literal": _class_literal,
    "switch_expression": _switch,
    "scoped_identifier": _type_name,
    "type_identifier": _type_name,
    "string_literal": _literal(literals.string),
    "character_literal": _literal(literals.character),
    "decimal_integer_literal": _literal(literals.integer),
    "hex_integer_literal": _literal(literals.integer),
    "octal_integer_literal": _literal(literals.integer),
    "binary_integer_literal": _literal(literals.integer),
    "decimal_floating_point_literal": _literal(literals.number),
    "hex_floating_point_literal": _literal(literals.number),
    "true": _literal(literals.true),
    "false": _literal(literals.false),
    "null_literal": _literal(literals.null),
}
