"""Every function looked at, callees before callers, again where a callee turned out to do more, until nothing changes.

A function's summary depends on the summaries of what it calls. The order is the call graph's as far as it can be read
off the source; who really used whose summary is noted while running, and only those are looked at again.
"""

import heapq
from collections.abc import Callable
from functools import cache

from sekisho.taint import ir
from sekisho.taint.budget import Budget
from sekisho.taint.engine.apply import Application
from sekisho.taint.engine.callgraph import bottom_up
from sekisho.taint.engine.checks import check_decorators, check_module, check_override, check_parameters
from sekisho.taint.engine.exits import checks_at_exits
from sekisho.taint.engine.expressions import TABLE
from sekisho.taint.engine.frame import BudgetSpent, Env, Frame
from sekisho.taint.engine.refs import (
    ClassRef,
    External,
    InstanceRef,
    ModuleRef,
    as_ref,
)
from sekisho.taint.engine.statements import leave, run_block
from sekisho.taint.engine.summary import EMPTY_SUMMARY, Summary
from sekisho.taint.engine.types import Types
from sekisho.taint.engine.values import ANY, NOTHING, Origin, Point, Taint, Value
from sekisho.taint.findings import NotAnalyzed
from sekisho.taint.knowledge.model import Knowledge
from sekisho.taint.program import Class, Function, Module, Program
from sekisho.taint.regex import growth_of


class Engine:
    """One analysis of one program."""

    def __init__(self, program: Program, knowledge: Knowledge, budget: Budget) -> None:
        self.program = program
        self.types = Types(program)
        self.knowledge = knowledge
        self.budget = budget
        self.gaps: list[NotAnalyzed] = []
        self.steps = 0
        self.summaries: dict[Function, Summary] = {}
        self.module_hits: dict[Module, Summary] = {}
        self._globals: dict[Module, Env] = {}
        self._users: dict[Function, set[Function]] = {}
        self._builtins: dict[str, Value] = {}
        self._spent: set[Function] = set()
        self._homes: dict[tuple[int, str, str], str] = {}
        # The same pattern is met at every look at a function.
        self.growth = cache(growth_of)

    # --- running --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Look at every module, then at every function until the summaries stand still or the rounds are used up."""
        for module in self.program.modules:
            self._run_module(module)
        self.types.forget()
        order = bottom_up(self.program)
        rank = {function: number for number, function in enumerate(order)}
        queue = list(range(len(order)))
        queued = set(queue)
        looks: dict[Function, int] = {}
        while queue:
            number = heapq.heappop(queue)
            queued.discard(number)
            function = order[number]
            if self.steps > self.budget.steps:
                self._out_of_steps(function, queue, order)
                return
            looks[function] = looks.get(function, 0) + 1
            if not self._run_function(function):
                continue
            # A lambda at the top level of a module has no rank: it ran with its module.
            users = [user for user in self._users.get(function, ()) if user in rank]
            for user in sorted(users, key=lambda user: rank[user]):
                again = rank[user]
                if again not in queued and looks.get(user, 0) < self.budget.rounds:
                    queued.add(again)
                    heapq.heappush(queue, again)

    def _out_of_steps(self, function: Function, queue: list[int], order: list[Function]) -> None:
        for number in sorted({*queue, order.index(function)}):
            left = order[number]
            self._gap(
                left.module.path, f"the budget of {self.budget.steps} steps was spent before {left.definition.qualname}"
            )

    def _gap(self, path: str, reason: str) -> None:
        gap = NotAnalyzed(path=path, reason=reason)
        if gap not in self.gaps:
            self.gaps.append(gap)

    def _run_module(self, module: Module) -> None:
        frame = Frame(self, module, None, {}, TABLE, frozenset())
        check_module(frame)
        self._run(frame, module.lowered.body)
        self._globals[module] = frame.env if frame.env is not None else {}
        self.module_hits[module] = frame.summary

    def _run_function(self, function: Function) -> bool:
        """Look at `function`; say whether its summary changed."""
        frame = self._frame_for(function, {}, frozenset())
        check_decorators(frame, function)
        check_parameters(frame, function)
        check_override(frame, function)
        summary = self._finish(frame, function)
        before = self.summaries.get(function)
        self.summaries[function] = summary
        return before is None or before.signature() != summary.signature()

    def run_nested(self, function: Function, outer: Frame) -> None:
        """Look at a function that is written in another one, where it is defined: it sees the variables there."""
        if outer.env is None:
            return
        frame = self._frame_for(function, dict(outer.env), outer.owners)
        check_override(frame, function)
        frame.steps = outer.steps
        summary = self._finish(frame, function)
        outer.steps = frame.steps
        self.summaries[function] = summary
        for hit in summary.hits.values():
            # What begins in a parameter of the outer function is the outer function's doing.
            if hit.taint.origin.kind == "param" and hit.taint.origin.point != frame.self_point:
                outer.add_hit(hit)

    def _frame_for(self, function: Function, env: Env, owners: frozenset[Point]) -> Frame:
        point = Point(function.module.path, function.definition.qualname, 0)
        for parameter in function.definition.parameters:
            env[parameter.name] = self._parameter(function, parameter, point)
        return Frame(self, function.module, function, env, TABLE, owners | {point})

    def _parameter(self, function: Function, parameter: ir.Parameter, point: Point) -> Value:
        origin = Origin("param", parameter.name, (), point)
        taints = (Taint(origin),)
        if function.receiver == parameter.name and function.owner is not None:
            if "classmethod" in function.traits:
                return Value(ref=ClassRef(function.owner))
            return Value(taints, ref=InstanceRef(function.owner), self_origin=origin)
        ref = None
        if parameter.annotation is not None and parameter.kind in {"plain", "named"}:
            ref = self.types.declared(function.module, parameter.annotation)
        if isinstance(ref, External) and ref.name in {"str", "bytes", "typing.Any", "object", "java.lang.Object"}:
            ref = None
        return Value(taints, ref=ref, self_origin=origin)

    def _finish(self, frame: Frame, function: Function) -> Summary:
        self._run(frame, function.definition.body)
        if frame.env is not None:
            leave(frame, None, NOTHING)
        if frame.produced is not None:
            frame.summary.returns = Value(items={ANY: frame.produced})
        frame.summary.compact()
        self._guarded(frame, lambda: checks_at_exits(frame, function))
        return frame.summary

    def _run(self, frame: Frame, body: ir.Block) -> None:
        before = frame.steps
        self._guarded(frame, lambda: run_block(frame, body))
        self.steps += frame.steps - before

    def _guarded(self, frame: Frame, work: Callable[[], None]) -> None:
        """Do the work on one function; a limit that it reaches is reported, and what was found so far stands."""
        try:
            work()
        except BudgetSpent:
            self._spend(frame)
        except RecursionError:
            # The front-end limits nesting, but not how often one level of the program nests in the engine's own.
            frame.env = None
            self._gap(frame.module.path, f"{frame.qualname} is nested too deep; looked at in part")

    def _spend(self, frame: Frame) -> None:
        frame.env = None
        self._gap(
            frame.module.path,
            f"{frame.qualname} takes more than {self.budget.steps_per_function} steps; looked at in part",
        )

    # --- what names mean ------------------------------------------------------------------------------------------

    def summary_of(self, function: Function, user: Frame) -> Summary:
        """Return what is known of `function` so far, and note that `user` relies on it."""
        relying = user.function
        while relying is not None and relying.outer is not None:
            relying = relying.outer
        if relying is not None:
            self._users.setdefault(function, set()).add(relying)
        return self.summaries.get(function, EMPTY_SUMMARY)

    def function_of(self, definition: ir.Function) -> Function:
        found = self.program.by_definition[id(definition)]
        assert isinstance(found, Function)  # noqa: S101 - Program enters every definition of the modules it is given
        return found

    def class_of(self, definition: ir.Class) -> Class:
        found = self.program.by_definition[id(definition)]
        assert isinstance(found, Class)  # noqa: S101 - as above
        return found

    def global_value(self, module: Module, name: str) -> Value:
        """Return what `name` means in `module` outside of any function: of the program, or of the language."""
        found = self._globals.get(module, {}).get(name)
        if found is not None:
            return found
        ref = as_ref(self.program.lookup(module, name))
        if ref is not None:
            return Value(ref=ref)
        home = self.program.variable_home(module, name)
        if home is not None:
            return self._globals.get(home[0], {}).get(home[1], NOTHING)
        if name in module.symbols:
            return NOTHING
        if name.endswith(".this"):
            return Value(ref=self.types.declared(module, ir.Name(0, name.removesuffix(".this"))))
        builtin = self._builtins.get(name)
        if builtin is None:
            builtin = self._builtins[name] = Value(ref=External(name))
        return builtin

    def home_of(self, knowledge: Knowledge, kind: str, member: str) -> str:
        """Return the foreign type, `kind` or one that it inherits from, of whose `member` something is known."""
        if kind not in knowledge.bases:
            return kind
        key = (id(knowledge), kind, member)
        found = self._homes.get(key)
        if found is None:
            found = self._homes[key] = knowledge.home_of(kind, member)
        return found

    def member_value(self, module: Module, name: str) -> Value:
        """Return `module.name`."""
        found = self._globals.get(module, {}).get(name)
        if found is not None:
            return found
        ref = as_ref(self.program.member(module, name))
        if ref is not None:
            return Value(ref=ref)
        home = self.program.variable_home(module, name)
        return self._globals.get(home[0], {}).get(home[1], NOTHING) if home is not None else NOTHING

    def is_module_name(self, module: Module, name: str, env: Env | None, direct: bool) -> bool:
        """Say whether `name` is bound by an import, so that `name.f()` (`direct`) or `name.part.f()` is a function and
        not a method. What is imported out of a module can be an object, whose attributes are objects."""
        if env is not None and name in env:
            ref = env[name].ref
            return isinstance(ref, ModuleRef) or (
                isinstance(ref, External) and not env[name].taints and ref.name == name
            )
        symbol = module.symbols.get(name)
        return isinstance(symbol, ir.Import) and (direct or symbol.symbol is None)

    def property_value(self, frame: Frame, node: ir.Attribute, method: Function, base: Value) -> Value:
        """Return what a property gives."""
        summary = self.summary_of(method, frame)
        values = {method.receiver: base} if method.receiver is not None else {}
        return Application(frame, node, method, values, sure=True).value(summary.returns)
