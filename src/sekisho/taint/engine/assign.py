"""Assignment: to names, into objects and containers, and taking apart."""

from sekisho.taint import ir
from sekisho.taint.engine.containers import key_of
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.keeping import keep, keep_named, keep_on, outer_place, variable
from sekisho.taint.engine.protocols import set_by_method, set_by_property
from sekisho.taint.engine.refs import ClassRef
from sekisho.taint.engine.values import ANY, NOTHING, Value, everything, join, read, write

# `a.b.c.d = x`: beyond this depth the write is forgotten, as is the read.
_MAX_DEPTH = 4
# Expressions whose answer may be asked for later, by the name it was given.
_TESTS = (ir.Compare, ir.Not, ir.Logic, ir.Call)


def assign(frame: Frame, target: ir.Expr, value: Value, node: ir.Expr | None) -> None:
    """Bind `target` to `value`; `node`: the expression that `value` came from, for the flow's steps."""
    if frame.env is None:
        return
    if isinstance(target, ir.Name):
        stepped = _stepped(frame, target, value, node)
        frame.env[target.id] = stepped
        if target.id in frame.outside:
            _keep_outside(frame, target.id, stepped)
        elif frame.inherited:
            frame.inherited.discard(target.id)
    elif isinstance(target, ir.Attribute):
        if not set_by_property(frame, target, value):
            store(frame, target.base, "." + target.name, value)
            keep_named(frame, target, value)
    elif isinstance(target, ir.Item):
        if not set_by_method(frame, target, value):
            store(frame, target.base, key_of(frame.value(target.key)), value)
            keep_named(frame, target, value)
    elif isinstance(target, ir.Collection):
        _unpack(frame, target, value)
    elif isinstance(target, ir.Spread):
        assign(frame, target.value, Value(items={ANY: value}) if value is not NOTHING else value, node)
    elif isinstance(target, ir.Slice):
        store(frame, target.base, ANY, read(value, ANY))


def _keep_outside(frame: Frame, name: str, value: Value) -> None:
    place = outer_place(frame, name)
    if name in frame.inherited and place:
        keep(frame, place, (), value)
        return
    home = frame.engine.program.variable_home(frame.module, name)
    keep(frame, variable(*(home or (frame.module, name))), (), value)


def _stepped(frame: Frame, target: ir.Name, value: Value, node: ir.Expr | None) -> Value:
    if not value.taints and value.ref is None and isinstance(node, _TESTS):
        return Value((), value.const, None, value.items, None, value.made_from, node)
    if not value.taints or node is None or isinstance(node, ir.Name):
        return value
    test = node if isinstance(node, ir.Call) and _is_match(node) else None
    point = frame.point(target.at)
    taints = tuple(taint.stepped(point, node, f"assigned to {target.id}") for taint in value.taints)
    return Value(taints, value.const, value.ref, value.items, value.self_origin, value.made_from, test)


def _is_match(node: ir.Call) -> bool:
    """The answer of a pattern is a test of its text."""
    return isinstance(node.target, ir.Attribute) and node.target.name in {"match", "fullmatch", "search"}


def _unpack(frame: Frame, target: ir.Collection, value: Value) -> None:
    spread = False
    for number, part in enumerate(target.items):
        if isinstance(part, ir.Spread):
            spread = True
            assign(frame, part.value, Value(items={ANY: read(value, ANY)}), None)
            continue
        assign(frame, part, read(value, ANY if spread else str(number)), None)


def store(
    frame: Frame,
    base: ir.Expr,
    key: str,
    value: Value,
    depth: int = _MAX_DEPTH,
    inner_keys: tuple[str, ...] = (),
    innermost: Value | None = None,
) -> None:
    """Put `value` under `key` of what the expression `base` names, as far as `base` is a path of names. `innermost`:
    what is put under `inner_keys` of that, the only thing that is new in `value`."""
    if depth == 0 or frame.env is None:
        return
    if isinstance(base, ir.Name):
        held = frame.env.get(base.id)
        if held is None and frame.module.packaged:
            # A static field: what is written is seen in the rest of this function.
            named = frame.engine.global_value(frame.module, base.id)
            held = named if isinstance(named.ref, ClassRef) else None
        if held is None:
            keep_on(frame, base, (key, *inner_keys), innermost if innermost is not None else value)
            return
        if base.id in frame.inherited:
            keep(frame, outer_place(frame, base.id), (key, *inner_keys), innermost if innermost is not None else value)
        frame.env[base.id] = write(held, key, value)
        _note_write(frame, held, key, value)
        return
    outer = path_step(frame, base)
    if outer is not None:
        inner, inner_key = outer
        outer_value = write(read(frame.value(inner), inner_key), key, value)
        new = innermost if innermost is not None else value
        store(frame, inner, inner_key, outer_value, depth - 1, (key, *inner_keys), new)


def path_step(frame: Frame, node: ir.Expr) -> tuple[ir.Expr, str] | None:
    """Return the base and key of an attribute or item, None of anything else."""
    if isinstance(node, ir.Attribute):
        return node.base, "." + node.name
    if isinstance(node, ir.Item):
        return node.base, key_of(frame.value(node.key))
    return None


def _note_write(frame: Frame, held: Value, key: str, value: Value) -> None:
    """Remember what is written into a parameter's object: the caller's object has it too."""
    origin = held.self_origin
    if origin is None or origin.path or origin.kind != "param" or origin.point != frame.self_point:
        return
    seen = frame.summary.writes.get((origin.name, key))
    if len(frame.summary.writes) < 64 or seen is not None:
        frame.summary.writes[(origin.name, key)] = value if seen is None else join(seen, value)


def mutate(frame: Frame, receiver: ir.Expr, values: list[Value]) -> None:
    """Add `values` to what the expression `receiver` holds: append, add, update and their like."""
    added = everything(values) if len(values) != 1 else values[0]
    if added is NOTHING:
        return
    step = path_step(frame, receiver)
    if isinstance(receiver, ir.Name):
        store(frame, receiver, ANY, added)
    elif step is not None:
        base, key = step
        store(frame, base, key, write(read(frame.value(base), key), ANY, added))
