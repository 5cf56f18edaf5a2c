"""What a value can be, besides data: a function, a class, an object of a class, a module, or a foreign name."""

from typing import NamedTuple

from sekisho.taint.engine.values import Point, Value, identity_of
from sekisho.taint.program import Class, Function, Module

# A foreign name longer than this is nothing that knowledge speaks of.
_MAX_PARTS = 8


class Closed:
    """The variables of a function that one written inside it took along: `values` of `owner`'s parameters."""

    __slots__ = ("owner", "values")

    def __init__(self, owner: Point, values: dict[str, Value]) -> None:
        self.owner = owner
        self.values = values


class FunctionRef(NamedTuple):
    """A function of the program; `bound` is its receiver. `raw`: as it is written, without its decorators."""

    function: Function
    bound: Value | None
    closed: tuple[Closed, ...] = ()
    raw: bool = False

    @property
    def same(self) -> object:
        return (
            "function",
            self.function,
            self.bound.ref.same if self.bound is not None and hasattr(self.bound.ref, "same") else None,
        )


class ClassRef(NamedTuple):
    """A class of the program."""

    definition: Class

    @property
    def same(self) -> object:
        return ("class", self.definition)


class InstanceRef(NamedTuple):
    """An object of a class of the program."""

    definition: Class

    @property
    def same(self) -> object:
        return ("instance", self.definition)


class SuperRef(NamedTuple):
    """`super()`: the receiver, seen from above its class."""

    definition: Class
    receiver: Value


class ModuleRef(NamedTuple):
    """A module of the program."""

    module: Module


class External(NamedTuple):
    """Something outside the program by its dotted name. What a call gives has the name of what was called."""

    name: str


class RecordsRef(NamedTuple):
    """Stored objects of a model's class, or one of them, or a question to the store about them."""

    definition: Class

    @property
    def same(self) -> object:
        return ("records", self.definition)


class RecordRef(NamedTuple):
    """A class that a call made of the names of its fields."""

    fields: tuple[str, ...]

    @property
    def same(self) -> object:
        return ("record", self.fields)


class PartialRef(NamedTuple):
    """A call with some of its arguments filled in."""

    target: Value
    positional: tuple[Value, ...]
    named: tuple[tuple[str, Value], ...]

    @property
    def same(self) -> object:
        return ("partial", identity_of(self.target.ref))


class TemplateRef(NamedTuple):
    """A template of the program: the functions it was lowered to, one for each file that may be meant."""

    functions: tuple[Function, ...]


def external(base: str, name: str) -> External | None:
    """Return the foreign name `base.name`, or None when it is longer than any that is known."""
    dotted = f"{base}.{name}"
    return External(dotted) if dotted.count(".") < _MAX_PARTS else None


def as_ref(found: object) -> object | None:
    """Return what Program says a name is as a reference."""
    if isinstance(found, Function):
        return FunctionRef(found, None)
    if isinstance(found, Class):
        return ClassRef(found)
    if isinstance(found, Module):
        return ModuleRef(found)
    return External(found) if isinstance(found, str) else None
