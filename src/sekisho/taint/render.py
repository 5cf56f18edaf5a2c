"""Expressions as text for people: short, and spelled from the IR, so that no source is needed to show a flow."""

from sekisho.taint import ir
from sekisho.taint.frontends.templates.expressions import FILTER
from sekisho.taint.frontends.templates.lowering import INCLUDE

MAX_TEXT = 120
_DEPTH = 6
_TEXT = 40


def render(expression: ir.Expr | str) -> str:
    """Return `expression` as one line of at most MAX_TEXT characters."""
    text = expression if isinstance(expression, str) else _text(expression, _DEPTH)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _text(node: ir.Expr, depth: int) -> str:
    if depth == 0:
        return "…"
    inner = depth - 1
    match node:
        case ir.Literal():
            return _literal(node.value)
        case ir.Name():
            return node.id
        case ir.Attribute():
            return f"{_text(node.base, inner)}.{node.name}"
        case ir.Item():
            return f"{_text(node.base, inner)}[{_text(node.key, inner)}]"
        case ir.Slice():
            return f"{_text(node.base, inner)}[…:…]"
        case ir.Call():
            return _call(node, inner)
        case ir.Concat():
            return " + ".join(_text(part, inner) for part in node.parts[:8])
        case ir.Fill():
            return f"{_text(node.template, inner)} % {_text(node.values, inner)}"
        case ir.Binary() | ir.Compare():
            return f"{_text(node.left, inner)} {node.operator} {_text(node.right, inner)}"
        case ir.Not():
            return f"not {_text(node.operand, inner)}"
        case ir.Logic():
            return (" and " if node.conjunction else " or ").join(_text(part, inner) for part in node.operands[:8])
        case ir.Choice():
            return f"{_text(node.then, inner)} if {_text(node.test, inner)} else {_text(node.otherwise, inner)}"
        case ir.Collection():
            return _collection(node, inner)
        case ir.Table():
            return "{…}"
        case ir.Spread():
            return f"*{_text(node.value, inner)}"
        case ir.Bind():
            return f"({_text(node.target, inner)} := {_text(node.value, inner)})"
        case ir.Comprehension():
            return f"[{_text(node.value, inner)} for …]"
        case ir.Produce():
            return f"yield {_text(node.value, inner)}"
        case ir.Closure():
            return "lambda …"
        case ir.Cast():
            return _text(node.value, inner)
        case ir.Opaque():
            return "…"


def _call(node: ir.Call, depth: int) -> str:
    name = node.target.id if isinstance(node.target, ir.Name) else ""
    if name.startswith("template.") and name != INCLUDE:
        return f"{{{{ {_arguments(node.arguments, depth)} }}}}"
    if name.startswith(FILTER) and node.arguments:
        given = _arguments(node.arguments[1:], depth)
        return f"{_text(node.arguments[0].value, depth)}{name}" + (f"({given})" if given else "")
    return f"{_text(node.target, depth)}({_arguments(node.arguments, depth)})"


def _literal(value: ir.Constant) -> str:
    text = repr(value)
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}…"


def _arguments(arguments: tuple[ir.Argument, ...], depth: int) -> str:
    texts = []
    for argument in arguments[:6]:
        stars = ("**" if argument.name == "**" else "*") if argument.spread else ""
        name = f"{argument.name}=" if argument.name and not argument.spread else ""
        texts.append(f"{stars}{name}{_text(argument.value, depth)}")
    return ", ".join(texts) + (", …" if len(arguments) > 6 else "")


def _collection(node: ir.Collection, depth: int) -> str:
    texts = ", ".join(_text(item, depth) for item in node.items[:6]) + (", …" if len(node.items) > 6 else "")
    opening, closing = {"list": ("[", "]"), "tuple": ("(", ")"), "set": ("{", "}")}[node.kind]
    return f"{opening}{texts}{closing}"
