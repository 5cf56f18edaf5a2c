"""Assignment: to names, into objects and containers, and taking apart."""

from sekisho.taint import ir
from sekisho.taint.engine.containers import key_of
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import ClassRef
from sekisho.taint.engine.values import ANY, NOTHING, Value, everything, join, read, write

# `a.b.c.d = x`: beyond this depth the write is forgotten, as is the read.
_MAX_DEPTH = 4


def assign(frame: Frame, target: ir.Expr, value: Value, node: ir.Expr | None) -> None:
    """Bind `target` to `value`; `node`: the expression that `value` came from, for the flow's steps."""
    if frame.env is None:
        return
    if isinstance(target, ir.Name):
        frame.env[target.id] = _stepped(frame, target, value, node)
    elif isinstance(target, ir.Attribute):
        store(frame, target.base, "." + target.name, value)
    elif isinstance(target, ir.Item):
        store(frame, target.base, key_of(frame.value(target.key)), value)
    elif isinstance(target, ir.Collection):
        _unpack(frame, target, value)
    elif isinstance(target, ir.Spread):
        assign(frame, target.value, Value(items={ANY: value}) if value is not NOTHING else value, node)
    elif isinstance(target, ir.Slice):
        store(frame, target.base, ANY, read(value, ANY))


def _stepped(frame: Frame, target: ir.Name, value: Value, node: ir.Expr | None) -> Value:
    if isinstance(node, ir.Compare | ir.Not | ir.Logic | ir.Call) and not value.taints and value.ref is None:
        return Value((), value.const, None, value.items, None, value.made_from, node)
    if not value.taints or node is None or isinstance(node, ir.Name):
        return value
    point = frame.point(target.at)
    taints = tuple(taint.stepped(point, node, f"assigned to {target.id}") for taint in value.taints)
    return Value(taints, value.const, value.ref, value.items, value.self_origin, value.made_from)


def _unpack(frame: Frame, target: ir.Collection, value: Value) -> None:
    spread = False
    for number, part in enumerate(target.items):
        if isinstance(part, ir.Spread):
            spread = True
            assign(frame, part.value, Value(items={ANY: read(value, ANY)}), None)
            continue
        assign(frame, part, read(value, ANY if spread else str(number)), None)


def store(frame: Frame, base: ir.Expr, key: str, value: Value, depth: int = _MAX_DEPTH) -> None:
    """Put `value` under `key` of what the expression `base` names, as far as `base` is a path of names."""
    if depth == 0 or frame.env is None:
        return
    if isinstance(base, ir.Name):
        held = frame.env.get(base.id)
        if held is None and frame.module.packaged:
            # A static field: what is written is seen in the rest of this function.
            named = frame.engine.global_value(frame.module, base.id)
            held = named if isinstance(named.ref, ClassRef) else None
        if held is None:
            return
        frame.env[base.id] = write(held, key, value)
        _note_write(frame, held, key, value)
        return
    outer = path_step(frame, base)
    if outer is not None:
        inner, inner_key = outer
        store(frame, inner, inner_key, write(read(frame.value(inner), inner_key), key, value), depth - 1)


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
