"""Where a function keeps what outlives its call, and where another one reads it."""

from collections.abc import Mapping

from sekisho.taint import ir
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import ClassRef, External, InstanceRef, RecordsRef
from sekisho.taint.engine.shared import only_refs, sifted
from sekisho.taint.engine.values import NOTHING, Origin, Step, Taint, Value, all_taints, join
from sekisho.taint.program import Class, Module

# Places that one function passes on to its callers to fill.
_MAX_KEPT = 32
_STORED = frozenset({"stored"})
# By convention a parameter of this name is the request, one object for all that handle it.
_REQUESTS = frozenset({"request", "req", "g", "ctx", "context", "session"})


def variable(module: Module, name: str) -> str:
    """The place of a module's variable."""
    return f"variable {module.name} {name}"


def attribute(definition: Class, name: str) -> str:
    """The place of an attribute of a class's objects."""
    return f"attribute {definition.name} {name}"


def outer_place(frame: Frame, name: str) -> str:
    """The place of a variable of the function that this one is written in."""
    function = frame.function.outer if frame.function is not None else None
    return f"outer {frame.module.path} {function.definition.qualname} {name}" if function is not None else ""


def keep(frame: Frame, place: str, keys: tuple[str, ...], value: Value) -> None:
    """Keep `value` under `keys` at `place`: what of it means something everywhere now, the rest when a caller says what
    this function was given."""
    if place.startswith("outer "):
        _keep_outer(frame, place, keys, value)
        return
    made = sifted(value, lambda taint: _outside(frame, taint))
    if made is not NOTHING or not keys:
        frame.engine.shared.keep(place, keys, made)
    if any(taint.origin.kind != "source" and _means(frame, taint) for taint in all_taints(value)):
        _pass_on(frame, place, keys, value)


def _means(frame: Frame, taint: Taint) -> bool:
    return taint.origin.kind == "result" or taint.origin.point in frame.owners


def _pass_on(frame: Frame, place: str, keys: tuple[str, ...], value: Value) -> None:
    kept = frame.summary.kept
    seen = kept.get((place, keys))
    if seen is not None or len(kept) < _MAX_KEPT:
        kept[(place, keys)] = value if seen is None else join(seen, value)


def _keep_outer(frame: Frame, place: str, keys: tuple[str, ...], value: Value) -> None:
    """A variable of an enclosing function: in that function's own run it is at hand."""
    own = f"outer {frame.module.path} {frame.qualname} "
    if not place.startswith(own) or frame.env is None:
        _pass_on(frame, place, keys, value)
        return
    name = place.removeprefix(own)
    for key in reversed(keys):
        value = Value(items={key: value})
    held = frame.env.get(name)
    frame.env[name] = value if held is None else join(held, value)


def _outside(frame: Frame, taint: Taint) -> Taint | None:
    """Return the taint as it is known everywhere, None if it is a parameter that nobody outside fills."""
    if taint.origin.kind == "source":
        return taint.changed(facts=_STORED)
    function = frame.function
    if taint.origin.kind != "param" or function is None or taint.origin.point != frame.self_point:
        return None
    found = frame.engine.filled_by(function, taint.origin)
    if found is None:
        return None
    point = frame.point(function.definition.at)
    origin = Origin("source", found.id, taint.origin.path, taint.origin.point)
    step = taint.step if taint.step is not None else Step(None, point, taint.origin.name, found.why, None)
    return Taint(origin, taint.safe | found.safe, taint.facts | _STORED, taint.guards, step)


def keep_on(frame: Frame, base: ir.Expr, keys: tuple[str, ...], value: Value) -> None:
    """`base.keys = value` where `base` is no variable of this function's own."""
    if isinstance(base, ir.Name) and not (frame.env is not None and base.id in frame.env):
        home = frame.engine.program.variable_home(frame.module, base.id)
        if home is not None:
            keep(frame, variable(*home), keys, value)
        ref = frame.engine.global_value(frame.module, base.id).ref
        if isinstance(ref, ClassRef | InstanceRef) and keys and keys[0].startswith("."):
            keep(frame, attribute(ref.definition, keys[0][1:]), keys[1:], value)


def keep_fields(frame: Frame, definition: Class, fields: Mapping[str, Value]) -> None:
    """An object of a class below a foreign one, as models are, may be stored: who reads it back finds its fields."""
    if definition.foreign and frame.function is not None:
        for name, value in fields.items():
            if all_taints(value):
                keep(frame, attribute(definition, name), (), value)


def keep_named(frame: Frame, target: ir.Expr, value: Value) -> None:
    """An attribute of an object that is not of the program: found again by the name it has."""
    keys: list[ir.Expr] = []
    while isinstance(target, ir.Item):
        keys.append(target.key)
        target = target.base
    if not isinstance(target, ir.Attribute):
        return
    held = (frame.env or {}).get(target.base.id) if isinstance(target.base, ir.Name) else None
    if held is not None and isinstance(held.ref, InstanceRef | RecordsRef):
        if held.self_origin is None:
            keep_fields(frame, held.ref.definition, {target.name: value})
        return
    if not _is_foreign(frame, target):
        return
    path = tuple(_key(frame, key) for key in reversed(keys))
    refs = only_refs(value)
    if refs is not NOTHING and not isinstance(refs.ref, External):
        frame.engine.shared.keep(f"named {target.name}", path, refs)
    place = shared_name(frame, target)
    if place:
        keep(frame, place, path, value)


def _key(frame: Frame, key: ir.Expr) -> str:
    const = key.value if isinstance(key, ir.Literal) else None
    return const if isinstance(const, str) and not const.startswith(".") else "*"


def _is_foreign(frame: Frame, node: ir.Attribute) -> bool:
    root: ir.Expr = node
    while isinstance(root, ir.Attribute):
        root = root.base
    if not isinstance(root, ir.Name) or (frame.function is not None and root.id == frame.function.receiver):
        return False
    held = (frame.env or {}).get(root.id)
    ref = held.ref if held is not None else frame.engine.global_value(frame.module, root.id).ref
    return ref is None or isinstance(ref, External)


def shared_name(frame: Frame, node: ir.Attribute) -> str:
    """Return the place of `a.b.c`, which many functions reach by the same name; empty if it is this function's own."""
    base = node.base
    if isinstance(base, ir.Attribute):
        return f"named {base.name}.{node.name}"
    if isinstance(base, ir.Name) and (base.id in _REQUESTS or base.id not in (frame.env or {})):
        return f"named {base.id}.{node.name}"
    return ""


def read_named(frame: Frame, node: ir.Attribute) -> Value | None:
    """Return what was kept under the name of `node` on an object that is not of the program."""
    if node.name not in frame.engine.kept_names or (
        frame.function is not None and isinstance(node.base, ir.Name) and node.base.id == frame.function.receiver
    ):
        return None
    place = shared_name(frame, node)
    whole = frame.engine.shared.read(place, frame.reader) if place else None
    refs = frame.engine.shared.read(f"named {node.name}", frame.reader)
    if whole is None:
        return refs
    return whole if refs is None else join(whole, refs)


def keep_attributes(frame: Frame) -> None:
    """What a method leaves in its receiver, other methods of the class and of those around it find there."""
    function = frame.function
    if function is None or function.owner is None or function.receiver is None:
        return
    for (name, key), value in frame.summary.writes.items():
        if name != function.receiver or not key.startswith("."):
            continue
        made = sifted(value, lambda taint: _outside(frame, taint))
        if made is not NOTHING and (all_taints(made) or _is_callable(made)):
            for definition in function.owner.ancestors:
                frame.engine.shared.keep(attribute(definition, key[1:]), (), made)


def _is_callable(value: Value) -> bool:
    """A plain object's class is known from the source already."""
    return (value.ref is not None and not isinstance(value.ref, External | InstanceRef)) or bool(value.items)


def read_attribute_of(frame: Frame, definition: Class, name: str) -> Value | None:
    """Return what methods of the class leave in the attribute."""
    return frame.engine.shared.read(attribute(definition, name), frame.reader)
