"""Operators, and the methods that are operators in other languages: equality, membership, emptiness."""

from typing import Final

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.java.scopes import JavaLowering, type_of
from sekisho.taint.frontends.lowering import place_of, text_of

_COMPARED: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
# `text.indexOf(part) >= 0` asks whether the part is in the text. By operator and number: is it, or is it not?
_FOUND: Final = {(">=", 0): True, (">", -1): True, ("!=", -1): True, ("<", 0): False, ("==", -1): False}
_INDEXES: Final = frozenset({"indexOf", "lastIndexOf"})


def binary(at: int, operator: str, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    """Return an operation on two operands."""
    if operator not in _COMPARED:
        return ir.Binary(at, operator, left, right)
    if isinstance(right, ir.Literal) and type(right.value) is int and isinstance(left, ir.Call):
        target, found = left.target, _FOUND.get((operator, right.value))
        if isinstance(target, ir.Attribute) and target.name in _INDEXES and left.arguments and found is not None:
            return ir.Compare(at, "in" if found else "not in", left.arguments[0].value, target.base)
    return ir.Compare(at, operator, left, right)


def question(at: int, receiver: ir.Expr, method: str, given: tuple[ir.Argument, ...]) -> ir.Expr | None:
    """Return what a call asks, if it is one of the questions for which the IR has an operation."""
    values = [argument.value for argument in given]
    match method, len(values):
        case (("equals" | "contentEquals"), 1):
            return ir.Compare(at, "==", receiver, values[0])
        case "equals", 2 if _is_named(receiver, "Objects") or _is_named(receiver, "StringUtils"):
            return ir.Compare(at, "==", values[0], values[1])
        case "equalsIgnoreCase", 1:
            return ir.Compare(at, "==", _lower_case(receiver), _lower_case(values[0]))
        case (("contains" | "containsKey"), 1):
            return ir.Compare(at, "in", values[0], receiver)
        case (("isEmpty" | "isBlank"), 0):
            return ir.Compare(at, "==", receiver, ir.Literal(at, ""))
    return None


def _is_named(node: ir.Expr, name: str) -> bool:
    return isinstance(node, ir.Name) and node.id.rpartition(".")[2] == name


def _lower_case(node: ir.Expr) -> ir.Expr:
    if isinstance(node, ir.Literal) and isinstance(node.value, str):
        return ir.Literal(node.at, node.value.lower())
    return ir.Call(node.at, ir.Attribute(node.at, node, "toLowerCase"), ())


def bind_pattern(lowering: JavaLowering, node: Node, value: ir.Expr) -> None:
    """Bind the names of a pattern before the expression that it stands in; a record's parts are its attributes."""
    at = place_of(node)
    inside = [child for child in node.named_children if child.type not in {"line_comment", "block_comment"}]
    if node.type == "pattern" and inside:
        bind_pattern(lowering, inside[0], value)
    elif node.type in {"type_pattern", "record_pattern_component"} and len(inside) == 2:
        if inside[1].type != "identifier":
            bind_pattern(lowering, inside[1], value)
            return
        name = text_of(inside[1])
        lowering.declare(name, type_of(inside[0]))
        lowering.before.append(ir.Assign(at, (ir.Name(at, name),), value, type_of(inside[0])))
    elif node.type in {"record_pattern", "record_pattern_body", "record_pattern_component"}:
        for child in inside:
            if child.type != "identifier":
                # What a record is made of may come out of any of its parts.
                bind_pattern(lowering, child, ir.Opaque(at, (value,)))
