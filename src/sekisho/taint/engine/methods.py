"""Methods that every container and text has: what they take out and put in, by key."""

import re
from collections.abc import Callable

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.assign import mutate, path_step, store
from sekisho.taint.engine.containers import after_options, key_of, length_of, without
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import External
from sekisho.taint.engine.text import concatenated
from sekisho.taint.engine.values import (
    ANY,
    EMPTY,
    END_OF_OPTIONS,
    NOTHING,
    RESOLVED,
    UNKNOWN,
    Value,
    all_taints,
    constant,
    join,
    read,
    write,
)

Method = Callable[[Frame, ir.Call, Value, Arguments], Value | None]

_NOT_RESOLVED = frozenset({RESOLVED})
_STREAMS = frozenset({"io.StringIO", "io.BytesIO", "StringIO.StringIO", "cStringIO.StringIO"})
_FIELD = re.compile(r"\{\{|\}\}|\{([^{}!:]*)[^{}]*\}")


def _get(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`get(key, default)`, `pop(key)`: what is under the key, or the default."""
    if isinstance(node.target, ir.Attribute) and node.target.name == "pop" and not frame.loops:
        found = _pop(frame, node.target, receiver, arguments)
        if found is not None:
            return found
    if not arguments.positional:
        return read(receiver, ANY) if receiver.items or receiver.self_origin else None
    if _is_settings(receiver) and len(arguments.positional) > 1:
        return read(receiver, _section_key(arguments))
    found = read(receiver, key_of(arguments.positional[0]))
    return found if len(arguments.positional) == 1 else join(found, arguments.positional[1])


def _pop(frame: Frame, target: ir.Attribute, receiver: Value, arguments: Arguments) -> Value | None:
    """Take an item out of a list whose items are known by place: the others move up."""
    place = arguments.positional[0].const if arguments.positional else -1
    left = without(receiver, place) if type(place) is int and len(arguments.positional) < 2 else None
    if left is None or type(place) is not int:
        return None
    found = read(receiver, str(place % (length_of(receiver) or 1)))
    _replace_whole(frame, target.base, left)
    return found


def _replace_whole(frame: Frame, node: ir.Expr, value: Value) -> None:
    step = path_step(frame, node)
    if isinstance(node, ir.Name) and frame.env is not None and node.id in frame.env:
        frame.env[node.id] = value
    elif step is not None:
        store(frame, step[0], step[1], value)


def _is_settings(receiver: Value) -> bool:
    return isinstance(receiver.ref, External) and receiver.ref.name.endswith("ConfigParser")


def _section_key(arguments: Arguments) -> str:
    """Settings are kept by section and name."""
    section, name = (key_of(part) for part in arguments.positional[:2])
    return ANY if ANY in (section, name) else f"{section}\0{name}"


def _write(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """What is written into a stream in memory can be read from it."""
    if (
        isinstance(node.target, ir.Attribute)
        and isinstance(receiver.ref, External)
        and receiver.ref.name in _STREAMS
        and arguments.positional
    ):
        mutate(frame, node.target.base, [arguments.positional[0]])
    return None


def _setdefault(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    if len(arguments.positional) < 2 or not isinstance(node.target, ir.Attribute):
        return None
    key = key_of(arguments.positional[0])
    value = join(read(receiver, key), arguments.positional[1])
    store(frame, node.target.base, key, value)
    return value


def _add(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """append, add, insert: a new item. A list that grows at its end keeps its items apart."""
    if not isinstance(node.target, ir.Attribute) or not arguments.positional:
        return None
    added = arguments.positional[-1]
    if added.const == END_OF_OPTIONS:
        _put(frame, node.target.base, receiver, END_OF_OPTIONS, NOTHING)
        return NOTHING
    if END_OF_OPTIONS in (receiver.items or {}):
        added = after_options(added)
    position = length_of(receiver)
    if node.target.name == "append" and position is not None and not frame.loops:
        _put(frame, node.target.base, receiver, str(position), added)
    else:
        mutate(frame, node.target.base, [added])
    return NOTHING


def _put(frame: Frame, node: ir.Expr, receiver: Value, key: str, value: Value) -> None:
    if isinstance(node, ir.Name):
        store(frame, node, key, value)
        return
    step = path_step(frame, node)
    if step is not None:
        store(frame, step[0], step[1], write(receiver, key, value))


def _replace(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`text.replace(old, new)`: a character that is taken out, or two dots, cannot do harm any more. A longer text can:
    what is left of it may close up to it again."""
    if len(arguments.positional) < 2 or isinstance(receiver.const, str):
        return None
    old, new = arguments.positional[0].const, arguments.positional[1].const
    if not isinstance(old, str) or not isinstance(new, str) or (len(old) != 1 and old != ".."):
        return None
    safe = frame.knowledge.rejected.get(old, EMPTY) if old not in new else EMPTY
    if (old, new) in {("'", "''"), ('"', '""')}:
        safe = frozenset({f"doubled{old}"})
    if not safe:
        return None
    return Value(tuple(taint.changed(add=safe, drop=_NOT_RESOLVED) for taint in all_taints(receiver)))


def _set(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`variable.set(value)` of a context, `cache.set(key, value)`: what `get` gives back."""
    if not isinstance(node.target, ir.Attribute) or not arguments.positional:
        return None
    if _is_settings(receiver) and len(arguments.positional) > 2:
        store(frame, node.target.base, _section_key(arguments), arguments.positional[2])
    elif len(arguments.positional) > 1:
        store(frame, node.target.base, key_of(arguments.positional[0]), arguments.positional[1])
    elif isinstance(receiver.ref, External) and receiver.ref.name == "contextvars.ContextVar":
        mutate(frame, node.target.base, [arguments.positional[0]])
    return None


def _extend(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    if isinstance(node.target, ir.Attribute) and arguments.positional:
        given = arguments.positional[0]
        if END_OF_OPTIONS in (given.items or {}):
            _put(frame, node.target.base, receiver, END_OF_OPTIONS, NOTHING)
        added = read(given, ANY)
        mutate(frame, node.target.base, [after_options(added) if END_OF_OPTIONS in (receiver.items or {}) else added])
    return NOTHING


def _update(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """A digest's update takes bytes; a mapping's or a set's takes items."""
    if not isinstance(node.target, ir.Attribute):
        return None
    base = node.target.base
    for name, value in arguments.named.items():
        _put(frame, base, frame.value(base), name, value)
    for given in arguments.positional:
        for key, item in (given.items or {}).items():
            _put(frame, base, frame.value(base), key, item)
        if given.taints:
            mutate(frame, base, [Value(given.taints)])
    return NOTHING


def _items(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    pair = {"0": Value(receiver.taints), "1": read(receiver, ANY)}
    return Value(items={ANY: Value(items=pair)})


def _values(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    return Value(items={ANY: read(receiver, ANY)})


def _keys(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    return Value(items={ANY: Value(receiver.taints)})


def _format(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    if not isinstance(receiver.const, str):
        return None
    return formatted(receiver.const, arguments)


def formatted(template: str, arguments: Arguments) -> Value:
    """Return `template.format(...)`: each field's value in its place."""
    parts: list[Value] = []
    end = automatic = 0
    for match in _FIELD.finditer(template):
        parts.append(constant(template[end : match.start()]))
        end = match.end()
        if match[1] is None:
            parts.append(constant(match[0][0]))
            continue
        field = re.split(r"[.\[]", match[1])[0]
        if not field:
            field, automatic = str(automatic), automatic + 1
        value = _field(field, arguments)
        parts.append(Value(all_taints(value), value.const if isinstance(value.const, str) else UNKNOWN))
    parts.append(constant(template[end:]))
    return concatenated(parts)


def _field(name: str, arguments: Arguments) -> Value:
    if name.isdigit() and int(name) < len(arguments.positional):
        return arguments.positional[int(name)]
    if name in arguments.named:
        return arguments.named[name]
    spread = arguments.rest if name.isdigit() else arguments.table
    return read(spread, name) if spread is not None else NOTHING


def _join(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`separator.join(items)`: in order where the order is known."""
    if not isinstance(receiver.const, str) or len(arguments.positional) != 1:
        return None
    given = arguments.positional[0]
    position = 0
    parts: list[Value] = []
    while given.items and str(position) in given.items:
        parts.extend([constant(receiver.const), given.items[str(position)]] if parts else [given.items["0"]])
        position += 1
    if ANY in (given.items or {}) or given.taints:
        tail = read(given, ANY)
        parts.extend([constant(receiver.const), tail] if parts else [tail, constant(receiver.const), tail])
    return concatenated([Value(all_taints(part), part.const) for part in parts]) if parts else NOTHING


METHODS: dict[str, Method] = {
    "get": _get,
    "pop": _get,
    "getlist": _get,
    "getone": _get,
    "getfirst": _get,
    "getall": _get,
    "setdefault": _setdefault,
    "append": _add,
    "appendleft": _add,
    "add": _add,
    "insert": _add,
    "put": _add,
    "set": _set,
    "replace": _replace,
    "write": _write,
    "extend": _extend,
    "update": _update,
    "items": _items,
    "iteritems": _items,
    "values": _values,
    "itervalues": _values,
    "keys": _keys,
    "iterkeys": _keys,
    "format": _format,
    "join": _join,
}
