"""What an expression may be: one small function for each operation of the IR."""

from collections.abc import Callable

from sekisho.taint import ir
from sekisho.taint.engine import containers
from sekisho.taint.engine.arithmetic import compared, computed
from sekisho.taint.engine.assign import assign
from sekisho.taint.engine.attributes import read_attribute
from sekisho.taint.engine.calls import call
from sekisho.taint.engine.constants import is_among
from sekisho.taint.engine.declared import as_declared
from sekisho.taint.engine.frame import Frame, join_env
from sekisho.taint.engine.guards import refine
from sekisho.taint.engine.prefixes import separator_ended
from sekisho.taint.engine.protocols import item_by_method, items_of
from sekisho.taint.engine.refs import External, FunctionRef
from sekisho.taint.engine.text import concatenated, filled
from sekisho.taint.engine.values import (
    ANY,
    NOTHING,
    RESOLVED,
    UNKNOWN,
    Value,
    all_taints,
    constant,
    everything,
    join,
    merge_taints,
    read,
)

_JOINED = frozenset({"joined"})
_REFLECTED = frozenset({"reflected"})
_NOT_RESOLVED = frozenset({RESOLVED})
# Tables by which a program finds its own modules and names.
_REGISTRIES = frozenset({"sys.modules", "globals", "locals", "vars", "__builtins__"})


# One item of these is a setting of the program, not what the whole table is.
_SETTINGS = frozenset({"os.environ", "os.environb"})


def _literal(frame: Frame, node: ir.Literal) -> Value:
    return constant(node.value)


def _name(frame: Frame, node: ir.Name) -> Value:
    found = (frame.env or {}).get(node.id)
    return found if found is not None else frame.engine.variable_value(frame, node.id)


def _attribute(frame: Frame, node: ir.Attribute) -> Value:
    return read_attribute(frame, node, frame.value(node.base))


def _item(frame: Frame, node: ir.Item) -> Value:
    base, key = frame.value(node.base), frame.value(node.key)
    if isinstance(base.ref, External) and base.ref.name in _REGISTRIES:
        return Value(tuple(taint.changed(facts=_REFLECTED) for taint in all_taints(key)))
    if isinstance(base.ref, External) and base.ref.name in _SETTINGS:
        return NOTHING
    called = item_by_method(frame, node, base, key)
    if called is not None:
        return called
    if isinstance(base.const, str) and type(key.const) is int and -len(base.const) <= key.const < len(base.const):
        return constant(base.const[key.const])
    found = read(base, containers.place_of(base, key))
    if isinstance(base.ref, External) and found.ref is None:
        return Value(found.taints, found.const, base.ref, found.items, found.self_origin)
    return found


def _slice(frame: Frame, node: ir.Slice) -> Value:
    base = frame.value(node.base)
    for bound in node.bounds:
        frame.value(bound)
    if base.items:
        return Value(base.taints, items={ANY: read(base, ANY)})
    return Value(base.taints)


def _concat(frame: Frame, node: ir.Concat) -> Value:
    parts = [frame.value(part) for part in node.parts]
    total = computed("+", [part.const for part in parts]) if not node.text else None
    if total is not None:
        return constant(total)
    if node.text or any(isinstance(part.const, str) for part in parts):
        parts = [_as_text(part) for part in parts]
    elif all(type(part.const) is int for part in parts):
        return constant(sum(part.const for part in parts))
    made = concatenated(parts)
    if made.const is UNKNOWN and made.items is None and separator_ended(parts):
        return Value(made.taints, ref=External("ends-with-separator"))
    return made


def _as_text(part: Value) -> Value:
    if isinstance(part.const, int | float) and not isinstance(part.const, bool):
        return constant(str(part.const))
    return Value(all_taints(part), part.const) if part.items else part


def _fill(frame: Frame, node: ir.Fill) -> Value:
    template, values = frame.value(node.template), frame.value(node.values)
    if not isinstance(template.const, str):
        return everything([template, values])
    return filled(template.const, values, "%")


def _binary(frame: Frame, node: ir.Binary) -> Value:
    left, right = frame.value(node.left), frame.value(node.right)
    if node.operator == "/" and not isinstance(right.const, int | float):
        taints = merge_taints(
            tuple(taint.changed(drop=_NOT_RESOLVED) for taint in all_taints(left)),
            tuple(taint.changed(drop=_NOT_RESOLVED, facts=_JOINED) for taint in all_taints(right)),
        )
        return Value(taints, ref=left.ref if isinstance(left.ref, External) else None)
    whole = node.operator == "/" and frame.module.packaged
    number = computed("//" if whole else node.operator, [left.const, right.const])
    if number is not None:
        return constant(number)
    if node.operator == "|":
        return join(left, right)
    return Value(merge_taints(left.taints, right.taints)) if node.operator == "*" else NOTHING


def _compare(frame: Frame, node: ir.Compare) -> Value:
    left, right = frame.value(node.left), frame.value(node.right)
    if node.operator in {"in", "not in"} and left.const is not UNKNOWN:
        inside = is_among(left.const, right)
        return NOTHING if inside is None else constant(inside is (node.operator == "in"))
    if left.const is UNKNOWN or right.const is UNKNOWN:
        return NOTHING
    ordered = compared(node.operator, left.const, right.const)
    if ordered is not None:
        return constant(ordered)
    if node.operator in {"==", "is"}:
        return constant(left.const == right.const)
    if node.operator in {"!=", "is not"}:
        return constant(left.const != right.const)
    return NOTHING


def _not(frame: Frame, node: ir.Not) -> Value:
    operand = frame.value(node.operand)
    return NOTHING if operand.const is UNKNOWN else constant(not operand.const)


def _logic(frame: Frame, node: ir.Logic) -> Value:
    """`a or b` is a where a is true, else b; each operand is looked at where it is reached."""
    before = frame.env
    result: Value | None = None
    for number, operand in enumerate(node.operands):
        value = frame.value(operand)
        if value.const is not UNKNOWN and not isinstance(value.const, float):
            decided = bool(value.const) is not node.conjunction
            if decided or number == len(node.operands) - 1:
                result = value if result is None else join(result, value)
                break
            continue
        kept = _harmless_if_decided(value, node.conjunction)
        result = kept if result is None else join(result, value)
        if frame.env is not None:
            frame.env = refine(frame, operand, node.conjunction, dict(frame.env))
        if frame.env is None:
            break
    frame.env = join_env(before, frame.env) if frame.env is not before else before
    return result if result is not None else NOTHING


def _harmless_if_decided(value: Value, conjunction: bool) -> Value:
    """An `and` gives its first operand only where that is empty or false: nothing flows with it."""
    return NOTHING if conjunction else value


def _choice(frame: Frame, node: ir.Choice) -> Value:
    test = frame.value(node.test)
    if test.const is not UNKNOWN:
        return frame.value(node.then if test.const else node.otherwise)
    before = frame.env
    results: list[Value] = []
    for branch, truth in ((node.then, True), (node.otherwise, False)):
        frame.env = refine(frame, node.test, truth, dict(before)) if before is not None else None
        if frame.env is not None or before is None:
            results.append(frame.value(branch))
    frame.env = before
    if not results:
        return NOTHING
    return join(results[0], results[1]) if len(results) == 2 else results[0]


def _collection(frame: Frame, node: ir.Collection) -> Value:
    items: list[tuple[Value, bool]] = []
    for item in node.items:
        spread = isinstance(item, ir.Spread)
        items.append((frame.value(item.value if isinstance(item, ir.Spread) else item), spread))
    return containers.listed(items)


def _table(frame: Frame, node: ir.Table) -> Value:
    return containers.tabled(
        [(None if entry.key is None else frame.value(entry.key), frame.value(entry.value)) for entry in node.entries]
    )


def _spread(frame: Frame, node: ir.Spread) -> Value:
    return frame.value(node.value)


def _bind(frame: Frame, node: ir.Bind) -> Value:
    value = frame.value(node.value)
    assign(frame, node.target, value, node.value)
    return value


def _comprehension(frame: Frame, node: ir.Comprehension) -> Value:
    before = frame.env
    frame.env = dict(before) if before is not None else None
    for clause in node.clauses:
        assign(frame, clause.target, items_of(frame, clause.iterable, frame.value(clause.iterable)), None)
        for test in clause.tests:
            frame.value(test)
            if frame.env is not None:
                frame.env = refine(frame, test, True, frame.env)
    item = frame.value(node.value) if frame.env is not None or before is None else NOTHING
    if node.key is not None:
        frame.value(node.key)
    frame.env = before
    return Value(items={ANY: item})


def _produce(frame: Frame, node: ir.Produce) -> Value:
    value = frame.value(node.value)
    item = read(value, ANY) if node.spread else value
    frame.produced = item if frame.produced is None else join(frame.produced, item)
    return NOTHING


def _closure(frame: Frame, node: ir.Closure) -> Value:
    function = frame.engine.function_of(node.function)
    frame.engine.run_nested(function, frame)
    return Value(ref=FunctionRef(function, None))


def _cast(frame: Frame, node: ir.Cast) -> Value:
    return as_declared(frame, frame.value(node.value), node.annotation)


def _opaque(frame: Frame, node: ir.Opaque) -> Value:
    return everything([frame.value(operand) for operand in node.operands])


TABLE: dict[type, Callable[..., Value]] = {
    ir.Literal: _literal,
    ir.Name: _name,
    ir.Attribute: _attribute,
    ir.Item: _item,
    ir.Slice: _slice,
    ir.Call: call,
    ir.Concat: _concat,
    ir.Fill: _fill,
    ir.Binary: _binary,
    ir.Compare: _compare,
    ir.Not: _not,
    ir.Logic: _logic,
    ir.Choice: _choice,
    ir.Collection: _collection,
    ir.Table: _table,
    ir.Spread: _spread,
    ir.Bind: _bind,
    ir.Comprehension: _comprehension,
    ir.Produce: _produce,
    ir.Closure: _closure,
    ir.Cast: _cast,
    ir.Opaque: _opaque,
}
