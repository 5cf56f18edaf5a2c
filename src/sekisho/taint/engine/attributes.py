"""`base.name` for each thing that `base` can be."""

from sekisho.taint import ir
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import (
    ClassRef,
    External,
    FunctionRef,
    InstanceRef,
    ModuleRef,
    SuperRef,
    external,
)
from sekisho.taint.engine.values import Origin, Step, Taint, Value, merge_taints, read
from sekisho.taint.knowledge.model import Flow, Source
from sekisho.taint.program import Class


def read_attribute(frame: Frame, node: ir.Attribute, base: Value) -> Value:
    """Return `base.name`, with the effects of a property."""
    ref = base.ref
    if ref is None:
        return read(base, "." + node.name)
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
    return read(base, "." + node.name)


def _of_external(frame: Frame, node: ir.Attribute, base: Value, ref: External) -> Value:
    key = "." + node.name
    known = base.items.get(key) if base.items else None
    if known is not None:
        return known
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
    below = read(base, "." + node.name)
    declared = frame.engine.types.attribute_value(definition, node.name)
    if declared is not None:
        return Value(below.taints, declared.const, declared.ref, declared.items, below.self_origin)
    for foreign in definition.foreign:
        made = external(frame.engine.home_of(frame.knowledge, foreign, node.name), node.name)
        if made is not None:
            source = frame.knowledge.sources.get(made.name)
            taints = below.taints if source is None else (source_taint(frame, node, source, made.name),)
            return Value(taints, ref=made, self_origin=below.self_origin)
    return below


def _of_class(frame: Frame, node: ir.Attribute, base: Value, definition: Class) -> Value:
    known = base.items.get("." + node.name) if base.items else None
    if known is not None:
        return known
    method = definition.find(node.name)
    if method is not None:
        bound = base if "classmethod" in method.traits else None
        return Value(ref=FunctionRef(method, bound))
    declared = frame.engine.types.attribute_value(definition, node.name)
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
