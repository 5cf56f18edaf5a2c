"""Methods that the language calls by itself: items, properties, descriptors, contexts, iteration."""

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import FunctionRef, InstanceRef, RecordsRef
from sekisho.taint.engine.values import ANY, Value, read
from sekisho.taint.program import Class, Function


def call_method(frame: Frame, at: int, base: ir.Expr, value: Value, method: Function, given: list[Value]) -> Value:
    """Return what `method` of the object `value`, which the expression `base` names, gives for the arguments."""
    arguments = Arguments()
    arguments.positional, arguments.nodes = given, [None] * len(given)
    node = ir.Call(at, ir.Attribute(at, base, method.definition.name), ())
    return frame.engine.invoke(frame, node, Value(ref=FunctionRef(method, value)), value, arguments)


def special(value: Value, name: str) -> Function | None:
    """Return the program's own method `name` of an object, if it is one of the program's classes."""
    return value.ref.definition.find(name) if isinstance(value.ref, InstanceRef) else None


def set_by_property(frame: Frame, target: ir.Attribute, value: Value) -> bool:
    """Call what `base.name = value` calls; say whether there was something to call."""
    if target.name not in frame.engine.program.setters:
        return False
    base = frame.value(target.base)
    if not isinstance(base.ref, InstanceRef):
        return False
    setter = _setter(base.ref.definition, target.name)
    if setter is None or setter is frame.function:
        return False
    call_method(frame, target.at, target.base, base, setter, [value])
    return True


def _setter(definition: Class, name: str) -> Function | None:
    return next((found for each in definition.ancestors if (found := each.setters.get(name)) is not None), None)


def set_by_method(frame: Frame, target: ir.Item, value: Value) -> bool:
    """Call what `base[key] = value` calls; say whether there was something to call."""
    if "__setitem__" not in frame.engine.program.methods_named:
        return False
    base = frame.value(target.base)
    method = special(base, "__setitem__")
    if method is None:
        return False
    call_method(frame, target.at, target.base, base, method, [frame.value(target.key), value])
    return True


def item_by_method(frame: Frame, node: ir.Item, base: Value, key: Value) -> Value | None:
    """Return what `base[key]` calls gives, None if nothing is called."""
    if isinstance(base.ref, RecordsRef):
        return base
    method = special(base, "__getitem__")
    return call_method(frame, node.at, node.base, base, method, [key]) if method is not None else None


def entered(frame: Frame, node: ir.Expr, value: Value) -> Value:
    """Return what `with value as x` binds."""
    method = special(value, "__enter__") or special(value, "__aenter__")
    return value if method is None else call_method(frame, node.at, node, value, method, [])


def items_of(frame: Frame, node: ir.Expr, value: Value) -> Value:
    """Return any item that a loop over `value` gives."""
    if isinstance(value.ref, RecordsRef):
        return value
    for name in ("__iter__", "__aiter__"):
        method = special(value, name)
        if method is None:
            continue
        found = call_method(frame, node.at, node, value, method, [])
        if isinstance(found.ref, InstanceRef):
            following = special(found, "__next__") or special(found, "__anext__")
            return call_method(frame, node.at, node, found, following, []) if following is not None else found
        return read(found, ANY)
    return read(value, ANY)
