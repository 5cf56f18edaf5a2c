"""`base.name` for each thing that `base` can be."""

from sekisho.taint import ir
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.keeping import read_attribute_of, read_named
from sekisho.taint.engine.protocols import call_method, special
from sekisho.taint.engine.refs import (
    ClassRef,
    External,
    FunctionRef,
    InstanceRef,
    ModuleRef,
    PartialRef,
    RecordsRef,
    SuperRef,
    external,
)
from sekisho.taint.engine.values import OneOf, Origin, Step, Taint, Value, constant, join, merge_taints, read
from sekisho.taint.knowledge.model import Flow, Source
from sekisho.taint.program import Class

# Attributes of a model by which its stored records are asked for.
_RECORDS = frozenset({"query", "objects"})


def read_attribute(frame: Frame, node: ir.Attribute, base: Value) -> Value:
    """Return `base.name`, with the effects of a property."""
    ref = base.ref
    if ref is None:
        found = read(base, "." + node.name)
        kept = read_named(frame, node) if found.ref is None else None
        return found if kept is None else _kept_too(found, kept)
    if isinstance(ref, External):
        return _of_external(frame, node, base, ref)
    if isinstance(ref, InstanceRef):
        return _of_instance(frame, node, base, ref.definition)
    if isinstance(ref, ModuleRef):
        return frame.engine.member_value(ref.module, node.name)
    if isinstance(ref, ClassRef):
        return _of_class(frame, node, base, ref.definition)
    if isinstance(ref, SuperRef):
        return _of_super(frame, node, ref)
    if isinstance(ref, OneOf):
        return _of_each(frame, node, base, ref)
    if isinstance(ref, RecordsRef):
        return _of_records(frame, node, ref)
    return read(base, "." + node.name)


def _of_records(frame: Frame, node: ir.Attribute, ref: RecordsRef) -> Value:
    """A field of a stored record is what was ever put into it; anything else is a further question to the store."""
    if frame.engine.types.attribute_value(ref.definition, node.name) is None:
        return Value(ref=ref)
    kept = read_attribute_of(frame, ref.definition, node.name)
    return kept if kept is not None else Value()


def _of_each(frame: Frame, node: ir.Attribute, base: Value, ref: OneOf) -> Value:
    """The attribute of each thing that the base may be."""
    choices = [Value(base.taints, ref=choice, items=base.items, self_origin=base.self_origin) for choice in ref.refs]
    made = read_attribute(frame, node, choices[0])
    for choice in choices[1:]:
        made = join(made, read_attribute(frame, node, choice))
    return made


def _kept_too(found: Value, kept: Value) -> Value:
    """What is read of an object that came in, together with what was kept on it elsewhere."""
    made = join(found, kept)
    return Value(made.taints, ref=made.ref, items=made.items, self_origin=found.self_origin)


def _of_external(frame: Frame, node: ir.Attribute, base: Value, ref: External) -> Value:
    key = "." + node.name
    known = base.items.get(key) if base.items else None
    if known is not None:
        return known
    kept = read_named(frame, node)
    if kept is not None:
        return kept
    below = read(base, key)
    made = external(frame.engine.home_of(frame.knowledge, ref.name, node.name), node.name)
    if made is None:
        return Value(below.taints)
    taints = below.taints
    for flow in frame.knowledge.attribute_flows.get(made.name, ()):
        taints = let_through(flow, taints)
    source = frame.knowledge.sources.get(made.name)
    if source is not None:
        taints = merge_taints(taints, (source_taint(frame, node, source, made.name),))
    part = node.name in frame.knowledge.part_guards
    return Value(taints, ref=made, self_origin=below.self_origin, made_from=base.made_from if part else ())


def let_through(flow: Flow, taints: tuple[Taint, ...]) -> tuple[Taint, ...]:
    """Return `taints` as `flow` lets them through."""
    if not (flow.safe or flow.drops or flow.facts):
        return taints
    return tuple(taint.changed(add=flow.safe, drop=flow.drops, facts=flow.facts) for taint in taints)


def source_taint(frame: Frame, node: ir.Expr, source: Source, name: str) -> Taint:
    """Return the taint that begins at `node`."""
    point = frame.point(node.at)
    origin = Origin("source", source.id, (), point)
    return Taint(origin, source.safe, source.facts, (), Step(None, point, name, source.why, None))


def _of_instance(frame: Frame, node: ir.Attribute, base: Value, definition: Class) -> Value:
    known = base.items.get("." + node.name) if base.items else None
    if known is not None:
        return known
    method = definition.find(node.name)
    if method is not None and frame.module.packaged and frame.engine.types.attribute_value(definition, node.name):
        method = None
    if method is not None:
        if method.is_property:
            return frame.engine.property_value(frame, node, method, base)
        return Value(ref=FunctionRef(method, base))
    kept = read_attribute_of(frame, definition, node.name)
    declared = frame.engine.types.attribute_value(definition, node.name)
    if kept is None:
        acting = _acting(frame, node, base, definition, declared)
        if acting is not None:
            return acting
    below = read(base, "." + node.name)
    if kept is not None:
        found = _kept_too(below, kept)
        ref = found.ref if found.ref is not None or declared is None else declared.ref
        return Value(found.taints, ref=ref, items=found.items, self_origin=found.self_origin)
    if declared is not None:
        return Value(below.taints, declared.const, declared.ref, declared.items, below.self_origin)
    for foreign in definition.foreign:
        made = external(frame.engine.home_of(frame.knowledge, foreign, node.name), node.name)
        if made is not None:
            source = frame.knowledge.sources.get(made.name)
            taints = below.taints if source is None else (source_taint(frame, node, source, made.name),)
            return Value(taints, ref=made, self_origin=below.self_origin)
    return below


def _acting(frame: Frame, node: ir.Attribute, base: Value, definition: Class, declared: Value | None) -> Value | None:
    """What acts when an object is asked for an attribute: a function or a descriptor in the class's body, or
    `__getattr__`."""
    if declared is None:
        asked = definition.find("__getattr__")
        found = (
            call_method(frame, node.at, node.base, base, asked, [constant(node.name)]) if asked is not None else None
        )
        return found if found is not None and found.ref is not None else None
    if isinstance(declared.ref, FunctionRef) and declared.ref.bound is None and declared.ref.function.owner is None:
        return Value(ref=PartialRef(declared, (base,), ()))
    method = special(declared, "__get__")
    if method is not None:
        return call_method(frame, node.at, ir.Name(node.at, node.name), declared, method, [base])
    return None


def _of_class(frame: Frame, node: ir.Attribute, base: Value, definition: Class) -> Value:
    known = base.items.get("." + node.name) if base.items else None
    if known is not None:
        return known
    method = definition.find(node.name)
    if method is not None:
        bound = base if "classmethod" in method.traits else None
        return Value(ref=FunctionRef(method, bound))
    if definition.foreign and node.name in _RECORDS:
        return Value(ref=RecordsRef(definition))
    declared = frame.engine.types.attribute_value(definition, node.name)
    kept = read_attribute_of(frame, definition, node.name)
    if kept is not None:
        return kept if declared is None else _kept_too(declared, kept)
    if declared is not None:
        return declared
    for foreign in definition.foreign:
        made = external(foreign, node.name)
        if made is not None:
            return Value(base.taints, ref=made)
    return read(base, "." + node.name)


def _of_super(frame: Frame, node: ir.Attribute, ref: SuperRef) -> Value:
    for ancestor in ref.definition.ancestors[1:]:
        found = ancestor.methods.get(node.name)
        if found is not None:
            return Value(ref=FunctionRef(found, ref.receiver))
    for foreign in ref.definition.foreign:
        made = external(frame.engine.home_of(frame.knowledge, foreign, node.name), node.name)
        if made is not None:
            return Value(ref=made)
    return Value()
