"""Containers written out, taken apart and put together, by key as far as keys are known."""

from sekisho.taint.engine.values import ANY, END_OF_OPTIONS, NOTHING, UNKNOWN, Value, bounded, join, read


def listed(items: "list[tuple[Value, bool]]") -> Value:
    """Return a list of the items; the flag says that an item is spread: its own items stand in its place."""
    made: dict[str, Value] = {}
    position: int | None = 0
    for item, spread in items:
        if spread:
            position = _spread_into(made, item, position)
            continue
        if item.const == END_OF_OPTIONS:
            made[END_OF_OPTIONS] = NOTHING
        if END_OF_OPTIONS in made:
            item = after_options(item)
        if position is None:
            made[ANY] = join(made[ANY], item) if ANY in made else item
        else:
            made[str(position)] = item
            position += 1
    return Value(items=bounded(made)) if made else Value(items={})


def _spread_into(made: dict[str, Value], item: Value, position: int | None) -> int | None:
    """Put the items of `item` behind; return the next position if it is still known."""
    inside = item.items or {}
    known = 0
    while position is not None and str(known) in inside:
        made[str(position)] = inside[str(known)]
        known, position = known + 1, position + 1
    if END_OF_OPTIONS in inside:
        made[END_OF_OPTIONS] = NOTHING
    rest = {name for name in inside if not name.isdigit() and name not in {END_OF_OPTIONS} and not name.startswith(".")}
    if not rest and inside and not item.taints:
        return position
    tail = read(item, ANY)
    if END_OF_OPTIONS in made:
        tail = after_options(tail)
    made[ANY] = join(made[ANY], tail) if ANY in made else tail
    return None


def after_options(value: Value) -> Value:
    """Return an item that stands behind "--": it cannot be an option any more."""
    add = frozenset({"argument"})
    if not value.taints:
        return value
    return Value(tuple(taint.changed(add=add) for taint in value.taints), value.const, value.ref, value.items)


def chained(parts: list[Value]) -> Value:
    """Return lists one after the other."""
    return listed([(part, True) for part in parts])


def tabled(entries: "list[tuple[Value | None, Value]]") -> Value:
    """Return a mapping of the entries; without a key, another mapping is spread in."""
    made: dict[str, Value] = {}
    for key, value in entries:
        if key is None:
            for name, item in (value.items or {}).items():
                made[name] = item
            if value.taints:
                made[ANY] = join(made[ANY], Value(value.taints)) if ANY in made else Value(value.taints)
            continue
        name = key_of(key)
        made[name] = join(made[name], value) if name == ANY and ANY in made else value
    return Value(items=bounded(made))


def length_of(value: Value) -> int | None:
    """Return how many items a list has, if all of them are known by place."""
    items = value.items
    if items is None or value.taints or ANY in items or END_OF_OPTIONS in items:
        return None
    return len(items) if all(str(number) in items for number in range(len(items))) else None


def place_of(value: Value, key: Value) -> str:
    """Return the key of an item, counted from the start where `key` counts from the end."""
    if type(key.const) is int and key.const < 0:
        length = length_of(value)
        return str(length + key.const) if length is not None and length + key.const >= 0 else ANY
    return key_of(key)


def without(value: Value, place: int) -> Value | None:
    """Return a list whose items are known by place with one of them taken out."""
    length = length_of(value)
    if length is None or not -length <= place < length:
        return None
    left = [number for number in range(length) if number != place % length]
    items = {str(number): (value.items or {})[str(old)] for number, old in enumerate(left)}
    return Value(value.taints, value.const, value.ref, items, value.self_origin)


def key_of(key: Value) -> str:
    """Return the key under which items of a constant key are kept, ANY for any other."""
    const = key.const
    if const is UNKNOWN or isinstance(const, float) or const is None:
        return ANY
    text = const if isinstance(const, str) else str(const)
    # A leading dot is for attributes; a key of data that begins so is not told apart.
    return ANY if text.startswith(".") or len(text) > 200 else text
