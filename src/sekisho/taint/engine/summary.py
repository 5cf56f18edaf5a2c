"""What one function does, seen from outside: enough to judge a call without looking inside again."""

from typing import TYPE_CHECKING, NamedTuple

from sekisho.taint import ir
from sekisho.taint.engine.values import NOTHING, Guard, Origin, Point, Taint, Value, all_taints, compact, identity_of
from sekisho.taint.knowledge.model import Rule

if TYPE_CHECKING:
    from sekisho.taint.engine.arguments import Arguments

# Flows to sinks that one function passes on. Beyond it the function is a switchboard and the rest repeats.
MAX_HITS = 400
# Taints in one result. Handlers of a protocol return some 20; a compiler's passes return everything they know.
MAX_WEIGHT = 40


class Hit(NamedTuple):
    """Taint that reaches a sink. `needs`: facts that the whole flow must have; `sure`: no call was guessed."""

    rule: Rule
    point: Point
    expression: ir.Expr
    taint: Taint
    needs: frozenset[str]
    sure: bool

    @property
    def key(self) -> "tuple[str, Point, Origin]":
        return (self.rule.id, self.point, self.taint.origin)


class Check(NamedTuple):
    """What a function's leaving says about a parameter: marks that hold, guards that do not."""

    safe: frozenset[str]
    guards: tuple[Guard, ...]


class Called(NamedTuple):
    """A call of something that only the caller knows: the parameter `origin`, or what is in it. `result` stands for
    what the call gives."""

    origin: Origin
    name: str
    arguments: "Arguments"
    result: Origin

    @property
    def key(self) -> tuple[Origin, Origin]:
        return (self.origin, self.result)


class Summary:
    """`calls` of what callers hand in; `kept`: what goes into variables that outlive the call, by (place, keys);
    `returns`; `hits`; `writes` to what parameters hold, by (parameter, key); and what is known of a parameter if the
    function returned at all, returned something true, or something false."""

    __slots__ = ("calls", "ends", "hits", "kept", "on_false", "on_return", "on_true", "returns", "writes")

    def __init__(self) -> None:
        self.returns: Value = NOTHING
        # It never comes back: every way through it raises or ends the program.
        self.ends = False
        self.hits: dict[tuple[str, Point, Origin], Hit] = {}
        self.writes: dict[tuple[str, str], Value] = {}
        self.calls: dict[tuple[Origin, Origin], Called] = {}
        self.kept: dict[tuple[str, tuple[str, ...]], Value] = {}
        self.on_return: dict[str, Check] = {}
        self.on_true: dict[str, Check] = {}
        self.on_false: dict[str, Check] = {}

    def compact(self) -> None:
        """Let what is deep inside large results fall together: they are copied at every call."""
        self.returns = compact(self.returns, MAX_WEIGHT)
        self.writes = {key: compact(value, MAX_WEIGHT) for key, value in self.writes.items()}

    def signature(self) -> object:
        """Return what callers can tell apart; equal signatures mean no caller needs another look."""
        return (
            frozenset((key, hit.taint.safe, hit.taint.facts) for key, hit in self.hits.items()),
            _shape(self.returns),
            frozenset((key, _shape(value)) for key, value in self.writes.items()),
            frozenset((key, _shape(value)) for key, value in self.kept.items()),
            frozenset(self.calls),
            self.ends,
            frozenset(self.on_return.items()),
            frozenset(self.on_true.items()),
            frozenset(self.on_false.items()),
        )


def _shape(value: Value) -> object:
    taints = frozenset((taint.origin, taint.safe, taint.facts) for taint in all_taints(value))
    return taints, identity_of(value.ref), frozenset(value.items or ())


EMPTY_SUMMARY = Summary()
