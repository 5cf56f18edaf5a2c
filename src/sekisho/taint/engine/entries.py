"""Which parameters a stranger fills: those that a framework fills, and those of the public API."""

from typing import NamedTuple

from sekisho.taint import ir
from sekisho.taint.engine.values import Origin
from sekisho.taint.findings import Mode
from sekisho.taint.knowledge.model import Entry, Knowledge, Rule
from sekisho.taint.program import Function, Program
from sekisho.taint.walk import dotted_name

# Types whose values carry no text.
_NUMERIC = frozenset(
    {"int", "float", "bool", "complex", "Callable", "type", "Type", "datetime", "timedelta", "UUID", "Decimal"}
    | {"long", "short", "byte", "double", "boolean", "Integer", "Long", "Short", "Byte", "Float", "Double", "Boolean"}
    | {"BigDecimal", "BigInteger", "LocalDate", "LocalDateTime", "Instant", "Date"}
)

# Methods that are handed the name of an attribute, which is written in the program.
_NAMED = frozenset({"__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__set_name__"})


class Way(NamedTuple):
    """How outside data comes in at a parameter."""

    mode: Mode
    why: str


def application_way(
    program: Program, knowledge: Knowledge, function: Function, origin: Origin, rule: Rule
) -> Way | None:
    """Return how a framework fills the parameter of `origin`, None if none does."""
    for entry in knowledge.entries:
        if rule.kind not in entry.safe and _matches(program, entry, function, origin):
            return Way(Mode.APPLICATION, entry.why)
    return None


def entry_for(program: Program, knowledge: Knowledge, function: Function, origin: Origin) -> Entry | None:
    """Return the knowledge by which a framework fills the parameter of `origin`, None if none does."""
    return next((entry for entry in knowledge.entries if _matches(program, entry, function, origin)), None)


def is_framework_parameter(knowledge: Knowledge, function: Function, origin: Origin) -> bool:
    """Say whether a framework fills the parameter: then what of it is outside data is known, and the rest is not."""
    names = {parameter.name for parameter in function.definition.parameters}
    return any(
        (origin.name in entry.parameters and entry.beside <= names)
        or (entry.decorators and _is_decorated(entry, function, origin))
        or (entry.marked and _is_marked(entry, function, origin))
        for entry in knowledge.entries
    )


def library_way(program: Program, function: Function, origin: Origin, rule: Rule, facts: frozenset[str]) -> Way | None:
    """Return the way in for a caller of the public API, None if the parameter is not one to distrust for `rule`."""
    if origin.name == function.receiver or not program.is_public(function) or function.definition.name in _NAMED:
        return None
    if rule.library and not rule.library & facts:
        return None
    if any(key.startswith(".") for key in origin.path):
        return None
    parameter = _parameter(function, origin.name)
    if parameter is None or _carries_no_text(parameter):
        return None
    return Way(Mode.LIBRARY, f"parameter {origin.name} of the public function {function.definition.qualname}")


def _parameter(function: Function, name: str) -> ir.Parameter | None:
    return next((p for p in function.definition.parameters if p.name == name), None)


def _carries_no_text(parameter: ir.Parameter) -> bool:
    default = parameter.default
    if isinstance(default, ir.Literal) and isinstance(default.value, bool | int | float):
        return True
    dotted = dotted_name(parameter.annotation) if parameter.annotation is not None else None
    return dotted is not None and dotted.rpartition(".")[2] in _NUMERIC


def _matches(program: Program, entry: Entry, function: Function, origin: Origin) -> bool:
    return (
        (origin.name == function.receiver) is entry.receiver
        and origin.name not in entry.exempt
        and (not entry.parameters or origin.name in entry.parameters)
        and (not entry.methods or function.definition.name in entry.methods)
        and _path_matches(entry, origin)
        and (not entry.bases or _has_base(function, entry.bases))
        and (not entry.decorators or _is_decorated(entry, function, origin))
        and (not entry.annotations or _is_annotated(program, entry, function, origin))
        and (not entry.marked or _is_marked(entry, function, origin))
        and not (entry.plain and _has_type(entry.plain, function, origin))
        and entry.beside.issubset(parameter.name for parameter in function.definition.parameters)
    )


def _path_matches(entry: Entry, origin: Origin) -> bool:
    if not entry.keys:
        return True
    if not origin.path or origin.path[0] not in entry.keys:
        return False
    return not entry.below or (len(origin.path) > 1 and origin.path[1] in entry.below)


def _is_marked(entry: Entry, function: Function, origin: Origin) -> bool:
    """Say whether the parameter itself bears one of the entry's annotations."""
    parameter = _parameter(function, origin.name)
    if parameter is None or _carries_no_text(parameter):
        return False
    names = (d.target if isinstance(d, ir.Call) else d for d in parameter.decorators)
    return any((dotted_name(name) or "").rpartition(".")[2] in entry.marked for name in names)


def _has_type(types: frozenset[str], function: Function, origin: Origin) -> bool:
    parameter = _parameter(function, origin.name)
    dotted = dotted_name(parameter.annotation) if parameter is not None and parameter.annotation is not None else None
    return dotted is not None and dotted.rpartition(".")[2] in types


def _has_base(function: Function, bases: frozenset[str]) -> bool:
    owner = function.owner
    if owner is None:
        return False
    names = {ancestor.name for ancestor in owner.ancestors}
    foreign = {name for ancestor in owner.ancestors for name in ancestor.foreign}
    return not bases.isdisjoint(names | foreign)


def _is_decorated(entry: Entry, function: Function, origin: Origin) -> bool:
    parameter = _parameter(function, origin.name)
    if parameter is None or _carries_no_text(parameter) or isinstance(parameter.default, ir.Call):
        return False
    return any(_decorates(entry, decorator) for decorator in function.definition.decorators)


def _decorates(entry: Entry, decorator: ir.Expr) -> bool:
    target = decorator.target if isinstance(decorator, ir.Call) else decorator
    name = target.name if isinstance(target, ir.Attribute) else target.id if isinstance(target, ir.Name) else ""
    if name not in entry.decorators:
        return False
    if not entry.address:
        return True
    first = decorator.arguments[0].value if isinstance(decorator, ir.Call) and decorator.arguments else None
    return isinstance(first, ir.Concat) or (isinstance(first, ir.Literal) and isinstance(first.value, str))


def _is_annotated(program: Program, entry: Entry, function: Function, origin: Origin) -> bool:
    parameter = _parameter(function, origin.name)
    dotted = dotted_name(parameter.annotation) if parameter is not None and parameter.annotation is not None else None
    if dotted is None:
        return False
    found = program.resolve(function.module, dotted)
    name = found if isinstance(found, str) else getattr(found, "name", None)
    return name in entry.annotations
