"""What outlives a call: variables of modules, attributes of classes' objects, and objects kept on foreign ones.

One map for the program, from a place to all that is ever kept there. No order of events is known, so what is read may
be anything that was kept; constants are therefore forgotten, and only what comes from outside by itself is
kept of data.
"""

from collections.abc import Callable

from sekisho.taint.engine.refs import Closed, FunctionRef, PartialRef
from sekisho.taint.engine.values import NOTHING, OneOf, Taint, Value, all_taints, identity_of, join
from sekisho.taint.program import Function

# How deep containers are kept; what is deeper falls together with nothing lost but its place.
_MAX_DEPTH = 3
# Keys of one kept container.
_MAX_KEYS = 32

Translate = Callable[[Taint], Taint | None]


class Shared:
    """Places and what is kept in them, and which functions looked there."""

    def __init__(self) -> None:
        self._kept: dict[str, Value] = {}
        self._shapes: dict[str, object] = {}
        self._readers: dict[str, set[Function]] = {}
        self._changed: dict[str, None] = {}

    def read(self, place: str, reader: Function | None) -> Value | None:
        """Return what is kept at `place`; `reader` is told when that changes."""
        if reader is not None:
            readers = self._readers.get(place)
            if readers is None:
                readers = self._readers[place] = set()
            readers.add(reader)
        return self._kept.get(place)

    def keep(self, place: str, keys: tuple[str, ...], value: Value) -> None:
        """Add `value`, sifted before, under `keys` of what is kept at `place`."""
        for key in reversed(keys):
            value = Value(items={key: value})
        seen = self._kept.get(place)
        kept = self._kept[place] = value if seen is None else join(seen, value)
        shape = _shape(kept, _MAX_DEPTH + 1)
        if self._shapes.get(place) != shape:
            self._shapes[place] = shape
            self._changed[place] = None

    def touch(self, place: str) -> None:
        """Let those who looked at `place` look again."""
        self._changed[place] = None

    def changed_readers(self) -> set[Function]:
        """Return the functions that looked at places that have changed since this was last asked."""
        found = {reader for place in self._changed for reader in self._readers.get(place, ())}
        self._changed.clear()
        return found


def _shape(value: Value, depth: int) -> object:
    items = value.items or {}
    taints = frozenset((taint.origin, taint.safe, taint.facts) for taint in value.taints)
    inside = frozenset((key, _shape(item, depth - 1)) for key, item in items.items()) if depth else frozenset(items)
    return taints, identity_of(value.ref), inside


def sifted(value: Value, translate: Translate, depth: int = _MAX_DEPTH) -> Value:
    """Return what of `value` means something outside of the function that has it: what it is, and what of its data
    `translate` says comes from outside."""
    taints = tuple(made for made in map(translate, value.taints if depth else all_taints(value)) if made is not None)
    items = None
    if value.items and depth:
        made_items = {key: sifted(item, translate, depth - 1) for key, item in list(value.items.items())[:_MAX_KEYS]}
        items = {key: item for key, item in made_items.items() if item is not NOTHING} or None
    ref = _plain(value.ref, translate, depth)
    return Value(taints, ref=ref, items=items) if taints or items or ref is not None else NOTHING


def _plain(ref: object | None, translate: Translate, depth: int) -> object | None:
    """A function keeps its receiver's class, and what it took along as far as that means something elsewhere."""
    if isinstance(ref, FunctionRef):
        bound = Value(ref=ref.bound.ref) if ref.bound is not None else None
        closed = tuple(
            Closed(
                scope.owner, {name: sifted(held, translate, 1) for name, held in scope.values.items()} if depth else {}
            )
            for scope in ref.closed
        )
        return FunctionRef(ref.function, bound, closed, ref.raw)
    if isinstance(ref, OneOf):
        return OneOf(tuple(_plain(choice, translate, depth) for choice in ref.refs))
    if isinstance(ref, PartialRef):
        positional = tuple(sifted(held, translate, 1) for held in ref.positional) if depth else ()
        named = tuple((name, sifted(held, translate, 1)) for name, held in ref.named) if depth else ()
        return PartialRef(sifted(ref.target, translate, 0), positional, named)
    return ref


def only_refs(value: Value) -> Value:
    """Return `value` without its data."""
    return sifted(value, lambda taint: None)
