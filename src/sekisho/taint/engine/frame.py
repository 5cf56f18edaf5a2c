"""One function being looked at: its variables, what it has done so far, and the work that is left to it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sekisho.taint import ir
from sekisho.taint.engine.summary import MAX_HITS, Hit, Summary
from sekisho.taint.engine.values import NOTHING, Point, Taint, Value, join
from sekisho.taint.program import Function, Module

if TYPE_CHECKING:
    from sekisho.taint.engine.solver import Engine

# Ways into a handler that are kept apart before they are joined.
MAX_RAISED = 8

Env = dict[str, Value]


class BudgetSpent(Exception):
    """A limit on steps is reached. Stays inside the engine, which reports it."""


class Loop:
    """The variables at each `break` and `continue` of the loop that is being looked at."""

    __slots__ = ("again", "left")

    def __init__(self) -> None:
        self.left: Env | None = None
        self.again: Env | None = None


class Frame:
    """The state of one function's run. `env` is None where control does not come; `owners`: functions whose parameters
    mean something here, itself and those it is written in."""

    __slots__ = (
        "cut",
        "depth",
        "engine",
        "env",
        "exits",
        "function",
        "inherited",
        "knowledge",
        "limit",
        "loops",
        "module",
        "outside",
        "owners",
        "produced",
        "qualname",
        "raised",
        "reader",
        "recalling",
        "steps",
        "summary",
        "table",
    )

    def __init__(
        self,
        engine: "Engine",
        module: Module,
        function: Function | None,
        env: Env,
        table: "dict[type, Callable[[Frame, ir.Expr], Value]]",
        owners: frozenset[Point],
    ) -> None:
        self.engine = engine
        self.module = module
        self.function = function
        # Of the language that the file is written in.
        self.knowledge = engine.knowledge.of(module.lowered.language)
        self.qualname = function.definition.qualname if function is not None else "<module>"
        self.env: Env | None = env
        self.owners = owners
        self.table = table
        self.loops: list[Loop] = []
        self.raised: list[Env] = []
        self.exits: list[tuple[Env, ir.Expr | None, Value]] = []
        self.produced: Value | None = None
        self.summary = Summary()
        self.steps = 0
        self.limit = engine.budget.steps_per_function
        self.recalling = False
        self.depth = 0
        # A limit was reached: what comes after it was not looked at.
        self.cut = False
        # Names of module variables and of outer functions' variables that assignments here write to.
        self.outside: set[str] = set()
        # Names that the function it is written in has, as long as no assignment here hides them.
        self.inherited: set[str] = set()
        reader = function
        while reader is not None and reader.outer is not None:
            reader = reader.outer
        self.reader = reader

    def value(self, node: ir.Expr) -> Value:
        """Return what `node` may be, with the effects of working it out. Raises BudgetSpent."""
        self.steps += 1
        if self.steps > self.limit:
            raise BudgetSpent
        return self.table[type(node)](self, node)

    def point(self, at: int) -> Point:
        """Return the place `at` of this function's file."""
        return Point(self.module.path, self.qualname, at)

    @property
    def self_point(self) -> Point:
        """The point that stands for this function in the origins of its parameters."""
        return Point(self.module.path, self.qualname, 0)

    def add_hit(self, hit: Hit) -> None:
        """Keep a flow to a sink; of two between the same ends the less protected."""
        seen = self.summary.hits.get(hit.key)
        if seen is None and len(self.summary.hits) >= MAX_HITS:
            return
        # One call can be a sink in two ways; the one whose conditions hold is the one that counts.
        better = seen is not None and not seen.needs <= seen.taint.facts and hit.needs <= hit.taint.facts
        if seen is None or better or len(hit.taint.safe) < len(seen.taint.safe) or (hit.sure and not seen.sure):
            self.summary.hits[hit.key] = hit
        elif not hit.taint.facts <= seen.taint.facts:
            self.summary.hits[hit.key] = seen._replace(taint=seen.taint.changed(facts=hit.taint.facts))

    def belongs(self, taint: Taint) -> bool:
        """Say whether the taint's origin means something in this function."""
        return taint.origin.kind == "source" or taint.origin.point in self.owners


def join_env(left: Env | None, right: Env | None) -> Env | None:
    """Return the variables where two ways meet."""
    if left is None or left is right:
        return right
    if right is None:
        return left
    made = dict(left)
    for name, value in right.items():
        seen = made.get(name)
        if seen is not value:
            made[name] = value if seen is None else join(seen, value)
    return made


def same_taints(left: Env, right: Env) -> bool:
    """Say whether a further turn of a loop would see anything new."""
    for name, value in right.items():
        seen = left.get(name, NOTHING)
        if seen is not value and not _no_more(seen, value):
            return False
    return True


def _no_more(old: Value, new: Value) -> bool:
    if len(new.taints) != len(old.taints) or (new.items or {}).keys() != (old.items or {}).keys():
        return False
    marks = {taint.origin: taint.safe for taint in old.taints}
    if any(marks.get(taint.origin) != taint.safe for taint in new.taints) or new.const is not old.const:
        return False
    return all((old.items or {})[key] is item for key, item in (new.items or {}).items())
