"""Functions that change what the engine knows in a way no table can say."""

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.assign import store
from sekisho.taint.engine.attributes import read_attribute
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.patterns import judge_removal
from sekisho.taint.engine.refs import External, FunctionRef, InstanceRef, ModuleRef, PartialRef, RecordRef, SuperRef
from sekisho.taint.engine.values import (
    ANY,
    NOTHING,
    RESOLVED,
    Value,
    all_taints,
    everything,
    merge_taints,
    one_of,
    read,
)

# The fact of what was found by a name that came from outside.
REFLECTED = "reflected"
_RESOLVED = frozenset({RESOLVED})
_SAME_HOST = frozenset({"ssrf", "redirect"})


def _super(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    function = frame.function
    if function is None or function.owner is None or function.receiver is None:
        return None
    receiver = (frame.env or {}).get(function.receiver, NOTHING)
    return Value(ref=SuperRef(function.owner, receiver))


def _getattr(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if len(arguments.positional) < 2:
        return None
    base, name = arguments.positional[:2]
    if isinstance(name.const, str) and arguments.nodes[0] is not None:
        return read_attribute(frame, ir.Attribute(node.at, arguments.nodes[0], name.const), base)
    known = _methods_called(frame, base, arguments.nodes[1], name)
    if known is not None:
        return known
    chosen = all_taints(name)
    marks = frozenset({REFLECTED})
    kept = tuple(taint for taint in base.taints if REFLECTED in taint.facts)
    if isinstance(base.ref, ModuleRef | External) and base.ref != External("type") and not base.taints:
        return Value(merge_taints(kept, tuple(taint.changed(facts=marks) for taint in chosen)))
    if kept:
        return Value(merge_taints(kept, tuple(taint.changed(facts=marks) for taint in chosen)))
    return Value(merge_taints(base.taints, chosen))


def _setattr(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if len(arguments.positional) == 3 and arguments.nodes[0] is not None:
        name = arguments.positional[1].const
        if isinstance(name, str):
            store(frame, arguments.nodes[0], "." + name, arguments.positional[2])
    return NOTHING


def _partial(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if not arguments.positional:
        return None
    target, *given = arguments.positional
    return Value(everything(given).taints, ref=PartialRef(target, tuple(given), tuple(sorted(arguments.named.items()))))


def _namedtuple(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if len(arguments.positional) < 2:
        return None
    listed = arguments.positional[1]
    names = [item.const for key, item in (listed.items or {}).items() if key.isdigit()]
    if isinstance(listed.const, str):
        names = list(listed.const.replace(",", " ").split())
    elif listed.items and all(item.items for item in listed.items.values()):
        # typing.NamedTuple("Name", [("field", type), …])
        names = [read(item, "0").const for item in listed.items.values()]
    if not names or not all(isinstance(name, str) for name in names):
        return None
    return Value(ref=RecordRef(tuple(str(name) for name in names)))


def _staticmethod(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """A function in a class's body that is handed no receiver."""
    return Value(ref=PartialRef(arguments.positional[0], (), ())) if arguments.positional else None


def _enumerate(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if not arguments.positional:
        return None
    return Value(items={ANY: Value(items={"0": NOTHING, "1": read(arguments.positional[0], ANY)})})


def _zip(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if arguments.rest is not None:
        return None
    return Value(
        items={ANY: Value(items={str(number): read(each, ANY) for number, each in enumerate(arguments.positional)})}
    )


def _methods_called(frame: Frame, base: Value, node: ir.Expr | None, name: Value) -> Value | None:
    """`getattr(object, "do_" + name)`: the methods whose name begins so."""
    definition = base.ref.definition if isinstance(base.ref, InstanceRef) else None
    text = _written(node, name)
    begin, end = (text.parts[0], text.parts[-1]) if text is not None and text.parts else (None, None)
    head = begin.value if isinstance(begin, ir.Literal) else ""
    tail = end.value if isinstance(end, ir.Literal) else ""
    if definition is None or not isinstance(head, str) or not isinstance(tail, str) or not (head or tail):
        return None
    found = {
        method: function
        for ancestor in reversed(definition.ancestors)
        for method, function in ancestor.methods.items()
        if method.startswith(head) and method.endswith(tail)
    }
    if not found:
        return NOTHING
    return Value(ref=one_of([FunctionRef(function, base) for function in found.values()]))


def _written(node: ir.Expr | None, name: Value) -> ir.Concat | None:
    """Return the text put together that the name is, here or where its variable was assigned."""
    if isinstance(node, ir.Name) and name.taints and name.taints[0].step is not None:
        expression = name.taints[0].step.expression
        return expression if isinstance(expression, ir.Concat) else None
    return node if isinstance(node, ir.Concat) else None


def _dict(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    items = dict(arguments.positional[0].items or {}) if arguments.positional else {}
    items.update(arguments.named)
    taints = everything(arguments.all()).taints if not items else ()
    if arguments.positional:
        taints = merge_taints(taints, arguments.positional[0].taints)
    origin = arguments.positional[0].self_origin if arguments.positional else None
    return Value(taints, items=items or None, self_origin=origin)


def _same_items(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """list(x), tuple(x): the items keep their places; iter, sorted and the others keep them as items."""
    if len(arguments.positional) != 1:
        return None
    given = arguments.positional[0]
    return Value(given.taints, items=given.items, self_origin=given.self_origin, made_from=given.made_from)


def _compile(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """A compiled pattern remembers its text."""
    pattern = arguments.positional[0] if arguments.positional else NOTHING
    return Value(all_taints(pattern), ref=External("re.compile"), items={".pattern": pattern})


def _substitute(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`re.sub(pattern, replacement, text)`: what is taken out cannot do harm any more."""
    if len(arguments.positional) < 3:
        return None
    pattern, put, text = arguments.positional[:3]
    return _without(frame, pattern, put, text)


def _without(frame: Frame, pattern: Value, put: Value, text: Value) -> Value | None:
    if not isinstance(pattern.const, str) or not isinstance(put.const, str):
        return None
    safe = judge_removal(pattern.const, put.const, frame.knowledge.kinds)
    return Value(tuple(taint.changed(add=safe, drop=_RESOLVED) for taint in all_taints(text))) if safe else None


def _substitute_compiled(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if not isinstance(node.target, ir.Attribute) or len(arguments.positional) < 2:
        return None
    pattern = read(frame.value(node.target.base), ".pattern")
    return _without(frame, pattern, *arguments.positional[:2])


def _join_address(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`urljoin(base, address)`: an address that begins with a path stays with the base's host."""
    if len(arguments.positional) < 2:
        return None
    base, address = arguments.positional[:2]
    inner = tuple(taint.changed(add=_SAME_HOST) if "inside" in taint.safe else taint for taint in all_taints(address))
    return Value(merge_taints(all_taints(base), inner))


def _filter(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if len(arguments.positional) != 2:
        return None
    return Value(items={ANY: read(arguments.positional[1], ANY)})


def _locals(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """All variables as a table, as it is handed to templates."""
    return Value(items=dict(frame.env or {}))


BUILTINS = {
    "locals": _locals,
    "super": _super,
    "getattr": _getattr,
    "setattr": _setattr,
    "functools.partial": _partial,
    "collections.namedtuple": _namedtuple,
    "typing.NamedTuple": _namedtuple,
    "staticmethod": _staticmethod,
    "enumerate": _enumerate,
    "zip": _zip,
    "itertools.zip_longest": _zip,
    "dict": _dict,
    "list": _same_items,
    "tuple": _same_items,
    "sorted": _same_items,
    "iter": _same_items,
    "set": _same_items,
    "frozenset": _same_items,
    "reversed": _same_items,
    "re.compile": _compile,
    "filter": _filter,
    "re.sub": _substitute,
    "re.compile.sub": _substitute_compiled,
    "urllib.parse.urljoin": _join_address,
    "urlparse.urljoin": _join_address,
    "six.moves.urllib.parse.urljoin": _join_address,
    "asgiref.sync.sync_to_async": _partial,
}
