"""Abstract values: what an expression may carry, and where that came from.

A value is shared freely and never changed after it was made. `safe` marks hold on every way to here (joined by
intersection), `facts` on some way (joined by union); that difference is what makes a guard a guard.
"""

from functools import cache, lru_cache
from typing import Any, NamedTuple

from sekisho.taint import ir
from sekisho.taint.knowledge.model import OWN

# A flow longer than this is not read by anyone; the steps after it are left out, never the flow.
MAX_STEPS = 48
# Origins a value keeps. Beyond it a value is "made of everything" and more origins teach nothing.
MAX_TAINTS = 12
# Keys of one container or object that are told apart; the rest fall together under ANY.
MAX_ITEMS = 48
# How deep a parameter's attributes and items are told apart: request.args["x"] has two.
MAX_PATH = 3
MAX_GUARDS = 6

# Functions or classes that one name may stand for. A table of handlers has more; the first ones tell its kind.
MAX_CHOICES = 8

# The key of items that are not told apart. Attributes have keys with a leading dot, items without.
ANY = "*"
# Present among a list's keys when "--" stands in it: what follows is not an option to a command.
END_OF_OPTIONS = "--"
# The mark that makes a value harmless for every kind of sink.
HARMLESS = "*"
# The mark of a path that was made absolute and free of `..`.
RESOLVED = "resolved"

EMPTY: frozenset[str] = frozenset()


class Point(NamedTuple):
    """A place in the program: file, qualified function, place in the file."""

    path: str
    function: str
    at: int


class Origin(NamedTuple):
    """Where taint begins. `kind` "param": the parameter `name` of the function at `point`, `path` the keys below it;
    "source": the knowledge's source `name`, found at `point`."""

    kind: str
    name: str
    path: tuple[str, ...]
    point: Point


class Step:
    """One step of a flow, linked to the one before. `inner`: the steps inside a called function, between the two."""

    __slots__ = ("before", "expression", "inner", "length", "point", "why")

    def __init__(self, before: "Step | None", point: Point, expression: ir.Expr | str, why: str, inner: "Step | None"):
        self.before = before
        self.point = point
        self.expression = expression
        self.why = why
        self.inner = inner
        self.length: int = 1 + (before.length if before is not None else 0) + (inner.length if inner is not None else 0)


def next_step(
    before: Step | None, point: Point, expression: ir.Expr | str, why: str, inner: Step | None
) -> Step | None:
    """Return the step after `before`; `before` itself where it is at `point` already or the flow is long enough."""
    if before is None:
        return Step(None, point, expression, why, inner) if inner is None or inner.length < MAX_STEPS else None
    if inner is None and before.point.at == point.at and before.point == point:
        return before
    length = 1 + before.length + (inner.length if inner is not None else 0)
    return before if length > MAX_STEPS else Step(before, point, expression, why, inner)


class Guard(NamedTuple):
    """A check on the way that does not hold for `kinds`, and why."""

    point: Point
    expression: ir.Expr
    why: str
    kinds: frozenset[str]


class Taint:
    """One origin's presence in a value."""

    __slots__ = ("facts", "guards", "origin", "safe", "step")

    def __init__(
        self,
        origin: Origin,
        safe: frozenset[str] = EMPTY,
        facts: frozenset[str] = EMPTY,
        guards: tuple[Guard, ...] = (),
        step: Step | None = None,
    ):
        self.origin = origin
        self.safe = safe
        self.facts = facts
        self.guards = guards
        self.step = step

    def changed(
        self, *, add: frozenset[str] = EMPTY, drop: frozenset[str] = EMPTY, facts: frozenset[str] = EMPTY
    ) -> "Taint":
        """Return this taint with marks added and dropped, and facts added.

        What is dropped of a parameter is remembered as a fact, for the marks that callers bring.
        """
        safe = (self.safe - drop) | add
        if drop and self.origin.kind == "param":
            facts = facts | _lost(drop - add)
        if safe == self.safe and facts <= self.facts:
            return self
        return Taint(self.origin, safe, self.facts | facts, self.guards, self.step)

    def inside(self, inner: "Taint") -> tuple[frozenset[str], frozenset[str], tuple[Guard, ...]]:
        """Return marks, facts and guards of this taint after it went through a function as `inner` says."""
        facts = self.facts | inner.facts if inner.facts else self.facts
        safe = self.safe - _marks_lost(inner.facts) if self.safe and inner.facts else self.safe
        guards = self.guards
        if inner.guards:
            guards = (guards + tuple(guard for guard in inner.guards if guard not in guards))[:MAX_GUARDS]
        return safe | inner.safe if inner.safe else safe, facts, guards

    def stepped(self, point: Point, expression: ir.Expr | str, why: str, inner: Step | None = None) -> "Taint":
        """Return this taint one step further on."""
        step = next_step(self.step, point, expression, why, inner)
        return self if step is self.step else Taint(self.origin, self.safe, self.facts, self.guards, step)

    def guarded(self, guard: Guard) -> "Taint":
        """Return this taint with a guard noted that does not hold."""
        if guard in self.guards or len(self.guards) >= MAX_GUARDS:
            return self
        return Taint(self.origin, self.safe, self.facts, (*self.guards, guard), self.step)


@cache
def _lost(drop: frozenset[str]) -> frozenset[str]:
    return frozenset(f"!{mark}" for mark in drop)


@lru_cache(maxsize=4096)
def _marks_lost(facts: frozenset[str]) -> frozenset[str]:
    return frozenset(fact[1:] for fact in facts if fact[0] == "!")


class OneOf(NamedTuple):
    """One of several functions, classes or objects; which one is decided while the program runs."""

    refs: tuple[Any, ...]


class Unknown:
    """The type of UNKNOWN: not a constant that we know."""

    __slots__ = ()


UNKNOWN = Unknown()


class Flag:
    """What else is known where a variable is true or false, because branches that set it knew it. By truth: variables
    and what they were there."""

    __slots__ = ("known",)

    def __init__(self, known: "dict[bool, dict[str, Value]]") -> None:
        self.known = known


class Value:
    """What an expression may be. `const`: its constant or UNKNOWN; `ref`: the function, class, module or foreign name
    that it is; `items`: what is known under keys; `self_origin`: the origin that it is, whole and unchanged;
    `made_from`: variables of which it is another view, so that a check of it checks them; `test`: the test of which
    it is the answer."""

    __slots__ = ("const", "items", "made_from", "ref", "self_origin", "taints", "test")

    def __init__(
        self,
        taints: tuple[Taint, ...] = (),
        const: Any = UNKNOWN,
        ref: object | None = None,
        items: "dict[str, Value] | None" = None,
        self_origin: Origin | None = None,
        made_from: tuple[str, ...] = (),
        test: "ir.Expr | Flag | None" = None,
    ):
        self.taints = taints
        self.const = const
        self.ref = ref
        self.items = items
        self.self_origin = self_origin
        self.made_from = made_from
        self.test = test


NOTHING = Value()


def constant(value: object) -> Value:
    """Return the value of a constant."""
    return Value(const=value)


def merge_taints(left: tuple[Taint, ...], right: tuple[Taint, ...]) -> tuple[Taint, ...]:
    """Return the taints of a value that is `left` on one way and `right` on another."""
    if left is right or not right:
        return left
    if not left:
        return right
    if len(left) == 1 == len(right) and left[0].origin == right[0].origin:
        merged = _merged(left[0], right[0])
        return left if merged is left[0] else (merged,)
    found = {taint.origin: taint for taint in left}
    changed = len(found) < len(left)
    for taint in right:
        seen = found.get(taint.origin)
        if seen is None:
            if len(found) < MAX_TAINTS:
                found[taint.origin] = taint
                changed = True
        elif seen is not taint:
            merged = _merged(seen, taint)
            if merged is not seen:
                found[taint.origin] = merged
                changed = True
    # Most often the right is the left once more; an equal value that is the same one is known at a glance.
    return tuple(found.values()) if changed else left


def _merged(left: Taint, right: Taint) -> Taint:
    if left is right:
        return left
    if left.safe == right.safe and left.facts == right.facts and left.guards == right.guards:
        return left
    guards = left.guards + tuple(guard for guard in right.guards if guard not in left.guards)
    safe, facts = left.safe & right.safe, left.facts | right.facts
    # The less protected way is the one to show.
    step = right.step if len(right.safe) < len(left.safe) else left.step
    if safe == left.safe and facts == left.facts and step is left.step and len(guards) == len(left.guards):
        return left
    return Taint(left.origin, safe, facts, guards[:MAX_GUARDS], step)


def join(left: Value, right: Value, depth: int = 3) -> Value:
    """Return the value that is `left` or `right`."""
    if left is right:
        return left
    same = left.const is right.const or (type(left.const) is type(right.const) and left.const == right.const)
    taints = merge_taints(left.taints, right.taints)
    ref = left.ref if left.ref is right.ref else _either(left.ref, right.ref)
    items = left.items if left.items is right.items else _join_items(left.items, right.items, depth)
    alike = (
        same and left.self_origin == right.self_origin and left.made_from == right.made_from and left.test is right.test
    )
    if alike and taints is left.taints and ref is left.ref and items is left.items:
        return left
    return Value(
        taints,
        left.const if same else UNKNOWN,
        ref,
        items,
        left.self_origin if left.self_origin == right.self_origin else None,
        left.made_from if left.made_from == right.made_from else (),
        left.test if left.test is right.test else _joined_test(left, right),
    )


def _joined_test(left: Value, right: Value) -> Flag | None:
    """A flag that is set on one way and a constant on the other says what it said, where the constant is not it."""
    if isinstance(left.test, Flag) and isinstance(right.test, Flag):
        first, second = left.test.known, right.test.known
        return Flag({truth: both_ways(first[truth], second[truth]) for truth in first if truth in second})
    for flag, other in ((left.test, right), (right.test, left)):
        if isinstance(flag, Flag) and isinstance(other.const, bool | None):
            known = {truth: held for truth, held in flag.known.items() if truth is not bool(other.const)}
            return Flag(known) if known else None
    return None


def both_ways(left: "dict[str, Value]", right: "dict[str, Value]") -> "dict[str, Value]":
    """Return what holds of the variables that both ways speak of."""
    return {name: join(value, right[name]) for name, value in left.items() if name in right}


def _either(left: object | None, right: object | None) -> object | None:
    """A name that is bound on one way only is most often `None` on the other."""
    if left is right or right is None or (type(left) is type(right) and left == right):
        return left
    if left is None:
        return right
    return one_of([left, right])


def one_of(refs: list[object]) -> object | None:
    """Return what is one of `refs`; None if one of them cannot be chosen between, as foreign names cannot."""
    found: dict[object, object] = {}
    for ref in refs:
        for choice in ref.refs if isinstance(ref, OneOf) else (ref,):
            same = getattr(choice, "same", None)
            if same is None:
                return None
            found.setdefault(same, choice)
    choices = tuple(found.values())[:MAX_CHOICES]
    return choices[0] if len(choices) == 1 else OneOf(choices)


def identity_of(ref: object | None) -> object:
    """Return what two references have in common that mean the same function, class or name."""
    if isinstance(ref, OneOf):
        return tuple(getattr(choice, "same", choice) for choice in ref.refs)
    return getattr(ref, "same", ref)


def _join_items(left: dict[str, Value] | None, right: dict[str, Value] | None, depth: int) -> dict[str, Value] | None:
    if left is right or not right:
        return left
    if not left:
        return right
    if depth == 0:
        return {ANY: everything(list(left.values()) + list(right.values()))}
    made = dict(left)
    changed = len(left) > MAX_ITEMS
    for key, value in right.items():
        seen = left.get(key)
        joined = value if seen is None else join(seen, value, depth - 1)
        if joined is not seen:
            made[key] = joined
            changed = True
    return bounded(made) if changed else left


def bounded(items: dict[str, Value]) -> dict[str, Value]:
    """Return `items` with no more keys than are told apart."""
    if len(items) <= MAX_ITEMS:
        return items
    kept = dict(list(items.items())[: MAX_ITEMS - 1])
    kept[ANY] = everything([kept.get(ANY, NOTHING), *(items[key] for key in items if key not in kept)])
    return kept


def everything(values: list[Value]) -> Value:
    """Return one value with the taints of all `values` and what is in them."""
    taints: tuple[Taint, ...] = ()
    for value in values:
        taints = merge_taints(taints, all_taints(value))
    return Value(taints) if taints else NOTHING


def all_taints(value: Value, depth: int = 3) -> tuple[Taint, ...]:
    """Return the taints of `value` and of what is in it."""
    if not value.items or depth == 0:
        return value.taints
    taints = value.taints
    for item in value.items.values():
        taints = merge_taints(taints, all_taints(item, depth - 1))
    return taints


def is_trusted(other: Value, subject: Value) -> bool:
    """Say whether `other` may judge `subject`: nothing in it is known to come from outside, and something in the
    subject comes from elsewhere.

    Another parameter, or an attribute of the receiver, is taken for the program's own: a check against a folder or a
    list that was handed in is a check, of a path in that folder too.
    """
    judges = all_taints(other)
    if not judges:
        return True
    if any(taint.origin.kind == "source" and not taint.origin.name.startswith(OWN) for taint in judges):
        return False
    return any(not any(_overlap(judge.origin, mine.origin) for judge in judges) for mine in all_taints(subject))


def _overlap(left: Origin, right: Origin) -> bool:
    if left.name != right.name or left.point != right.point:
        return False
    shared = min(len(left.path), len(right.path))
    return left.path[:shared] == right.path[:shared]


def compact(value: Value, room: int) -> Value:
    """Return `value` with no more than about `room` taints in it: what is deep inside falls together first."""
    if _weight(value, room) <= room:
        return value
    items = {key: _shallow(item) for key, item in (value.items or {}).items()}
    made = Value(value.taints, value.const, value.ref, items, value.self_origin)
    if _weight(made, room) <= room:
        return made
    inside = everything(list((value.items or {}).values()))
    return Value(value.taints, value.const, value.ref, {ANY: inside}, value.self_origin)


def _shallow(value: Value) -> Value:
    return Value(all_taints(value), value.const, value.ref) if value.items else value


def _weight(value: Value, room: int) -> int:
    """Count the taints in `value`, no further than `room`."""
    total, work = 0, [value]
    while work and total <= room:
        current = work.pop()
        total += 1 + len(current.taints)
        work.extend((current.items or {}).values())
    return total


def read(value: Value, key: str) -> Value:
    """Return what is in `value` under `key`; ANY reads any item."""
    items = value.items
    if items:
        found = items.get(key)
        if found is not None and key != ANY:
            return found
        if key == ANY:
            inside = [item for name, item in items.items() if not name.startswith(".")]
            if inside:
                joined = inside[0]
                for item in inside[1:]:
                    joined = join(joined, item)
                return joined if not value.taints else join(joined, _below(value, key))
        elif not key.startswith(".") and ANY in items:
            return join(items[ANY], _below(value, key)) if value.taints else items[ANY]
    return _below(value, key) if value.taints else NOTHING


def _below(value: Value, key: str) -> Value:
    """Return what is under `key` of a value of which only the origin is known."""
    origin = value.self_origin
    if origin is None or len(origin.path) >= MAX_PATH:
        return Value(value.taints)
    deeper = Origin(origin.kind, origin.name, (*origin.path, key), origin.point)
    taints = tuple(
        Taint(deeper, taint.safe, taint.facts, taint.guards, taint.step) if taint.origin == origin else taint
        for taint in value.taints
    )
    return Value(taints, self_origin=deeper)


def write(value: Value, key: str, item: Value) -> Value:
    """Return `value` with `item` under `key`; under ANY it is added to what may be there."""
    items = dict(value.items) if value.items else {}
    if key == ANY and ANY in items:
        items[key] = join(items[key], item)
    else:
        items[key] = item
    return Value(value.taints, value.const, value.ref, bounded(items), value.self_origin, value.made_from)


def with_taints(value: Value, taints: tuple[Taint, ...]) -> Value:
    """Return `value` carrying `taints` instead of its own."""
    return Value(taints, value.const, value.ref, value.items, value.self_origin, value.made_from)
