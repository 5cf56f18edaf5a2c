"""Functions that change what the engine knows in a way no table can say."""

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.assign import store
from sekisho.taint.engine.attributes import read_attribute
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import External, ModuleRef, PartialRef, SuperRef
from sekisho.taint.engine.values import ANY, NOTHING, Value, all_taints, everything, merge_taints, read

# The fact of what was found by a name that came from outside.
REFLECTED = "reflected"


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
    "asgiref.sync.sync_to_async": _partial,
}
