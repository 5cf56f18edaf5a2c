"""Methods of Java's text and containers, by last name: what they put in, take out and make, as far as it is known."""

from collections.abc import Callable
from typing import Final

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.assign import assign, mutate, store
from sekisho.taint.engine.attributes import source_taint
from sekisho.taint.engine.containers import key_of
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.methods import Method
from sekisho.taint.engine.refs import External
from sekisho.taint.engine.text import concatenated
from sekisho.taint.engine.values import ANY, NOTHING, UNKNOWN, Value, all_taints, constant, join, read

_TEXT: Final = External("java.lang.String")
_BUILDERS: Final = frozenset(
    {"java.lang.StringBuilder", "java.lang.StringBuffer", "java.io.StringWriter", "java.util.StringJoiner"}
)
# Constants that grow in a loop stop being told apart here.
_MAX_TEXT: Final = 8192


def as_text(value: Value) -> Value:
    """Return `value` as it becomes part of text."""
    const = value.const
    if isinstance(const, bool):
        return constant("true" if const else "false")
    if isinstance(const, int):
        return constant(str(const))
    return Value(all_taints(value), const if isinstance(const, str) else UNKNOWN, _TEXT)


def _root(node: ir.Expr) -> ir.Expr:
    """Return what a chain of `append` is called on: each of them changes it and gives it back."""
    while isinstance(node, ir.Call) and isinstance(node.target, ir.Attribute) and node.target.name in _CHAINED:
        node = node.target.base
    return node


_CHAINED: Final = frozenset({"append", "insert", "reverse", "replace", "deleteCharAt", "delete", "add"})


def _replace_whole(frame: Frame, node: ir.Call, receiver: Value, made: Value, added: list[Value]) -> None:
    """The object itself changes: whoever holds it under this name, and the caller that handed it in, sees it."""
    if not isinstance(node.target, ir.Attribute):
        return
    root = _root(node.target.base)
    if receiver.self_origin is not None and isinstance(root, ir.Name):
        mutate(frame, root, [Value(all_taints(value)) for value in added if all_taints(value)])
        return
    if isinstance(root, ir.Name | ir.Attribute | ir.Item):
        assign(frame, root, made, None)


def _append(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """A builder of text: what is appended comes behind what is there."""
    if not isinstance(receiver.ref, External) or receiver.ref.name not in _BUILDERS or not arguments.positional:
        return None
    added = as_text(arguments.positional[0])
    text = concatenated([as_text(receiver), added])
    const = text.const if isinstance(text.const, str) and len(text.const) < _MAX_TEXT else UNKNOWN
    made = Value(text.taints, const, receiver.ref, receiver.items, receiver.self_origin)
    _replace_whole(frame, node, receiver, made, [added])
    return made


def _insert(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    if not isinstance(receiver.ref, External) or receiver.ref.name not in _BUILDERS or len(arguments.positional) < 2:
        return None
    text = concatenated([as_text(receiver), as_text(arguments.positional[1]), as_text(receiver)])
    made = Value(text.taints, UNKNOWN, receiver.ref, receiver.items, receiver.self_origin)
    _replace_whole(frame, node, receiver, made, [arguments.positional[1]])
    return made


def _to_string(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    return as_text(receiver) if not arguments.positional else None


def _folded(work: Callable[[str, list[object]], object]) -> Method:
    """A method of text that is worked out where the text and the arguments are known."""

    def method(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
        given = [value.const for value in arguments.positional]
        if not isinstance(receiver.const, str) or UNKNOWN in given:
            return None
        made = work(receiver.const, given)
        return None if made is None else constant(made)

    return method


def _char_at(text: str, given: list[object]) -> object:
    at = given[0] if given else None
    return text[at] if isinstance(at, int) and 0 <= at < len(text) else None


def _substring(text: str, given: list[object]) -> object:
    places = [at for at in given if type(at) is int and 0 <= at <= len(text)]
    if len(places) != len(given) or not 1 <= len(places) <= 2:
        return None
    return text[places[0] : places[1]] if len(places) == 2 else text[places[0] :]


def _replace(text: str, given: list[object]) -> object:
    old, new = given if len(given) == 2 else (None, None)
    return text.replace(old, new) if isinstance(old, str) and isinstance(new, str) else None


def _concat(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    if len(arguments.positional) != 1:
        return None
    made = concatenated([as_text(receiver), as_text(arguments.positional[0])])
    return Value(made.taints, made.const, _TEXT)


def _property(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`getProperty(name, default)`: what is configured is the program's own; what is known of it is the default."""
    if len(arguments.positional) != 2:
        return None
    return arguments.positional[1]


# --- containers -------------------------------------------------------------------------------------------------------


def _positions(receiver: Value) -> list[Value] | None:
    """Return the items of a list whose items are all known, in order."""
    items = receiver.items
    if items is None or receiver.taints:
        return None
    listed = [items.get(str(number)) for number in range(len(items))]
    return None if any(item is None for item in listed) else [item for item in listed if item is not None]


def _listed(receiver: Value, items: list[Value]) -> Value:
    made = {str(number): item for number, item in enumerate(items)}
    return Value(receiver.taints, receiver.const, receiver.ref, made, receiver.self_origin)


def _change(frame: Frame, node: ir.Call, made: Value) -> None:
    base = node.target.base if isinstance(node.target, ir.Attribute) else None
    if isinstance(base, ir.Name | ir.Attribute | ir.Item):
        assign(frame, base, made, None)


def _add(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """A new item: at the end, or where the first of two arguments says."""
    if not arguments.positional or len(arguments.positional) > 2 or not isinstance(node.target, ir.Attribute):
        return None
    added, items = arguments.positional[-1], _positions(receiver)
    at = arguments.positional[0].const if len(arguments.positional) == 2 else None
    front = node.target.name in {"addFirst", "push"}
    if items is not None and not frame.loops and (at is None or (type(at) is int and 0 <= at <= len(items))):
        place = 0 if front else at if isinstance(at, int) else len(items)
        _change(frame, node, _listed(receiver, [*items[:place], added, *items[place:]]))
    else:
        mutate(frame, node.target.base, [added])
    return NOTHING


def _remove(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """An item goes: by its place in a list, else by key."""
    if len(arguments.positional) != 1:
        return None
    items, at = _positions(receiver), arguments.positional[0].const
    if items is not None and not frame.loops and type(at) is int and 0 <= at < len(items):
        _change(frame, node, _listed(receiver, [*items[:at], *items[at + 1 :]]))
        return items[at]
    return read(receiver, key_of(arguments.positional[0]))


def _clear(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    if receiver.items is not None and receiver.self_origin is None:
        _change(frame, node, Value((), ref=receiver.ref, items={}))
    return NOTHING


def _put(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`put(key, value)`, `set(place, value)`."""
    if len(arguments.positional) != 2 or not isinstance(node.target, ir.Attribute):
        return None
    key = key_of(arguments.positional[0])
    if key == ANY:
        mutate(frame, node.target.base, [arguments.positional[1]])
    else:
        store(frame, node.target.base, key, arguments.positional[1])
    return read(receiver, key)


def _put_all(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    if isinstance(node.target, ir.Attribute) and arguments.positional:
        given = arguments.positional[-1]
        for key, item in (given.items or {}).items():
            if key == ANY or key.isdigit():
                mutate(frame, node.target.base, [item])
            else:
                store(frame, node.target.base, key, item)
        if given.taints:
            mutate(frame, node.target.base, [Value(given.taints)])
    return NOTHING


def _get(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """What is under a key or at a place; without one, what is inside. A second argument is what else it may be."""
    if not (receiver.items is not None or receiver.taints):
        return None
    given = arguments.positional
    found = read(receiver, key_of(given[0]) if given else ANY)
    return found if len(given) < 2 else join(found, given[1])


def _any(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """One of the items; a value without items may itself be what is inside."""
    if receiver.items:
        found = read(receiver, ANY)
        return found if not arguments.positional else join(found, arguments.positional[0])
    if receiver.taints or receiver.const is not UNKNOWN:
        return Value(receiver.taints, receiver.const)
    return arguments.positional[0] if arguments.positional else None


def _same(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    return receiver


def _values(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    return Value(items={ANY: read(receiver, ANY)})


def _keys(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    return Value(items={ANY: Value(receiver.taints)})


def _entries(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    entry = Value(items={"<key>": Value(receiver.taints), "<value>": read(receiver, ANY)})
    return Value(items={ANY: entry})


def _part(key: str) -> Method:
    def method(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
        if receiver.items and key in receiver.items:
            return receiver.items[key]
        return None

    return method


# --- objects of foreign classes ---------------------------------------------------------------------------------------


def bean_method(name: str) -> Method | None:
    """Return what `setName(value)`, `getName()` and `isName()` do to an object of which nothing else is known."""
    for prefix, method in (("set", _set_bean), ("get", _get_bean), ("is", _get_bean)):
        if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper():
            return method
    return None


def _bean_key(node: ir.Call) -> str:
    name = node.target.name if isinstance(node.target, ir.Attribute) else ""
    rest = name.removeprefix("is") if name.startswith("is") else name[3:]
    return "." + rest[:1].lower() + rest[1:]


def _set_bean(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """A named setting, `setFeature(name, value)`, is kept under its own name."""
    if not isinstance(node.target, ir.Attribute) or len(arguments.positional) not in {1, 2}:
        return None
    key = _bean_key(node)
    if len(arguments.positional) == 2:
        named = arguments.positional[0]
        text = named.ref.name.rpartition(".")[2] if isinstance(named.ref, External) else named.const
        key = text if isinstance(text, str) and not text.startswith(".") else ANY
    store(frame, node.target.base, key, arguments.positional[-1])
    return None


def _get_bean(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    if arguments.positional or not receiver.items:
        return None
    return receiver.items.get(_bean_key(node))


def _next_bytes(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`random.nextBytes(bytes)` fills what it is given."""
    source = frame.knowledge.sources.get("java.util.Random.nextBytes")
    if receiver.ref == External("java.util.Random") and source is not None and node.arguments:
        made = Value((source_taint(frame, node, source, "java.util.Random.nextBytes"),))
        mutate(frame, node.arguments[0].value, [made])
    return NOTHING


def _made_by(name: str) -> Method:
    """A factory gives an object that is set up as it is itself."""

    def method(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
        return Value(ref=External(name), items=receiver.items)

    return method


def _switched_on(key: str) -> Method:
    def method(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
        if isinstance(node.target, ir.Attribute):
            store(frame, node.target.base, key, constant(True))
        return receiver

    return method


JAVA_METHODS: Final[dict[str, Method]] = {
    "newDocumentBuilder": _made_by("javax.xml.parsers.DocumentBuilder"),
    "newSAXParser": _made_by("javax.xml.parsers.SAXParser"),
    "getXMLReader": _made_by("org.xml.sax.XMLReader"),
    "newTransformer": _made_by("javax.xml.transform.Transformer"),
    "enableDefaultTyping": _switched_on("default-typing"),
    "activateDefaultTyping": _switched_on("default-typing"),
    "nextBytes": _next_bytes,
    "append": _append,
    "insert": _insert,
    "toString": _to_string,
    "concat": _concat,
    "charAt": _folded(_char_at),
    "substring": _folded(_substring),
    "trim": _folded(lambda text, given: text.strip()),
    "strip": _folded(lambda text, given: text.strip()),
    "toLowerCase": _folded(lambda text, given: text.lower()),
    "toUpperCase": _folded(lambda text, given: text.upper()),
    "length": _folded(lambda text, given: len(text)),
    "intern": _folded(lambda text, given: text),
    "replace": _folded(_replace),
    "getProperty": _property,
    "add": _add,
    "addElement": _add,
    "addLast": _add,
    "addFirst": _add,
    "push": _add,
    "offer": _add,
    "remove": _remove,
    "removeFirst": _any,
    "clear": _clear,
    "put": _put,
    "putIfAbsent": _put,
    "set": _put,
    "addAll": _put_all,
    "putAll": _put_all,
    "get": _get,
    "getOrDefault": _get,
    "elementAt": _get,
    "getFirst": _any,
    "getLast": _any,
    "next": _any,
    "nextElement": _any,
    "pop": _any,
    "poll": _any,
    "peekFirst": _any,
    "element": _any,
    "firstElement": _any,
    "orElse": _any,
    "orElseThrow": _any,
    "orElseGet": _any,
    "findFirst": _same,
    "findAny": _same,
    "iterator": _same,
    "listIterator": _same,
    "elements": _same,
    "stream": _same,
    "collect": _same,
    "toList": _same,
    "toArray": _same,
    "limit": _same,
    "skip": _same,
    "distinct": _same,
    "sorted": _same,
    "subList": _same,
    "clone": _same,
    "parallelStream": _same,
    "values": _values,
    "keySet": _keys,
    "entrySet": _entries,
    "getKey": _part("<key>"),
    "getValue": _part("<value>"),
}
