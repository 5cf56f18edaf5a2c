"""Calls of what only the caller knows: callbacks, functions wrapped by decorators, objects whose class comes in.

A function that calls its parameter notes the call, and a symbol for what it gives. Where the function is called with
something known, the call is made there, and the symbol gets its value.
"""

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import ClassRef, Closed, External, FunctionRef, InstanceRef, PartialRef
from sekisho.taint.engine.summary import Called
from sekisho.taint.engine.values import OneOf, Origin, Taint, Value, everything, merge_taints
from sekisho.taint.program import Function

# Calls of what came in that are kept for the callers of one function.
_MAX_CALLS = 24
# Callbacks that call callbacks: deeper than this nobody means it.
_MAX_DEPTH = 5
# The fact of what went through a call of something that came in.
CALLBACK = "callback"
_THROUGH = frozenset({CALLBACK, "assumed"})
_CALLABLE = (FunctionRef, ClassRef, InstanceRef, PartialRef, OneOf, External)


def note_call(frame: Frame, node: ir.Call, callee: Value, name: str, arguments: Arguments) -> Value:
    """Return what calling `callee` gives, whose class or function only a caller of this function knows."""
    given = everything(arguments.all()).taints
    through = tuple(taint.changed(facts=_THROUGH) for taint in given)
    origin = callee.self_origin
    assert origin is not None  # noqa: S101 - callers ask `may_be_noted` first
    result = Origin("result", name, (), frame.point(node.at))
    if not _note(frame, Called(origin, name, arguments, result)):
        return Value(merge_taints(callee.taints, given))
    taints = (*merge_taints(callee.taints, through), Taint(result))
    return Value(taints, self_origin=result)


def may_be_noted(frame: Frame, node: ir.Call, callee: Value) -> bool:
    """Say whether a caller can know what is called here: a parameter, an attribute of one, or of the receiver."""
    origin = callee.self_origin
    if (
        origin is None
        or origin.kind not in {"param", "result"}
        or (origin.kind == "param" and origin.point not in frame.owners)
    ):
        return False
    if not isinstance(node.target, ir.Attribute):
        return True
    if frame.function is not None and origin.name == frame.function.receiver and len(origin.path) <= 2:
        return True
    return node.target.name in frame.engine.program.methods_named and len(origin.path) <= 2


def _note(frame: Frame, called: Called) -> bool:
    if called.origin.kind == "result" or (
        called.key not in frame.summary.calls and len(frame.summary.calls) >= _MAX_CALLS
    ):
        return False
    frame.summary.calls[called.key] = called
    return True


def is_known(value: Value) -> bool:
    """Say whether the engine can follow a call of `value`."""
    return isinstance(value.ref, _CALLABLE)


def make_call(frame: Frame, at: int, called: Called, target: Value, arguments: Arguments) -> Value | None:
    """Return what the noted call gives now that its target is known, or noted again; None if it stays unknown."""
    node = ir.Call(at, ir.Name(at, called.name), ())
    if is_known(target) and frame.depth < _MAX_DEPTH:
        frame.depth += 1
        try:
            return frame.engine.invoke(frame, node, target, None, arguments)
        finally:
            frame.depth -= 1
    origin = target.self_origin
    if origin is not None and origin.kind == "param" and origin.point in frame.owners:
        return note_call(frame, node, target, called.name, arguments)
    return None


def decorated(frame: Frame, function: Function) -> Value | None:
    """Return what the program's own decorators make of `function`, None if there are none or they give it back."""
    decorators = frame.engine.decorators_of(function)
    if not decorators or frame.depth >= _MAX_DEPTH:
        return None
    value = Value(ref=FunctionRef(function, None, raw=True))
    frame.depth += 1
    try:
        home = frame.engine.module_frame(function.module, frame)
        for decorator in reversed(decorators):
            arguments = Arguments()
            arguments.positional, arguments.nodes = [value], [None]
            node = ir.Call(decorator.at, decorator, ())
            found = frame.engine.invoke(home, node, home.value(decorator), None, arguments)
            if isinstance(found.ref, FunctionRef):
                value = Value(ref=found.ref._replace(raw=True))
    finally:
        frame.depth -= 1
    ref = value.ref
    return value if isinstance(ref, FunctionRef) and ref.function is not function else None


def with_receiver(bound: Value | None, arguments: Arguments) -> Arguments:
    """Return the arguments as a wrapper sees them: the receiver is the first."""
    if bound is None:
        return arguments
    made = Arguments()
    made.positional, made.nodes = [bound, *arguments.positional], [None, *arguments.nodes]
    made.named, made.named_nodes = arguments.named, arguments.named_nodes
    made.rest, made.table = arguments.rest, arguments.table
    return made


def taken_along(ref: FunctionRef, owner: Function, scopes: tuple[Closed, ...]) -> FunctionRef:
    """Return a function that is given back by the one it is written in, with the variables that it took along."""
    outer = ref.function.outer
    while outer is not None and outer is not owner:
        outer = outer.outer
    if outer is None or ref.closed:
        return ref
    return ref._replace(closed=scopes)
