"""Every function looked at, callees before callers, again where a callee turned out to do more, until nothing changes.

A function's summary depends on the summaries of what it calls. The order is the call graph's as far as it can be read
off the source; who really used whose summary is noted while running, and only those are looked at again.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from sekisho.taint import ir
from sekisho.taint.budget import Budget
from sekisho.taint.engine.apply import Application
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.callgraph import bottom_up, in_order_of_imports
from sekisho.taint.engine.calls import invoke
from sekisho.taint.engine.checks import check_decorators, check_module, check_override, check_parameters
from sekisho.taint.engine.entries import entry_for
from sekisho.taint.engine.exits import checks_at_exits
from sekisho.taint.engine.expressions import TABLE
from sekisho.taint.engine.frame import BudgetSpent, Env, Frame
from sekisho.taint.engine.keeping import keep_attributes, variable
from sekisho.taint.engine.refs import (
    ClassRef,
    External,
    InstanceRef,
    ModuleRef,
    as_ref,
)
from sekisho.taint.engine.shared import Shared
from sekisho.taint.engine.statements import leave, run_block
from sekisho.taint.engine.summary import EMPTY_SUMMARY, Summary
from sekisho.taint.engine.types import Types
from sekisho.taint.engine.values import ANY, NOTHING, Origin, Point, Taint, Value, identity_of, join
from sekisho.taint.findings import NotAnalyzed
from sekisho.taint.knowledge.model import Entry, Knowledge
from sekisho.taint.program import Class, Function, Module, Program
from sekisho.taint.regex import growth_of
from sekisho.taint.walk import dotted_name, flat


class _Work:
    """Functions to look at, callees first, each at most so many times."""

    def __init__(self, order: list[Function], rounds: int) -> None:
        self.order = order
        self.queue = list(range(len(order)))
        self._rank = {function: number for number, function in enumerate(order)}
        self._queued = set(self.queue)
        self._looks: dict[Function, int] = {}
        self._rounds = rounds

    def next(self) -> Function:
        """Take the next function."""
        number = heapq.heappop(self.queue)
        self._queued.discard(number)
        function = self.order[number]
        self._looks[function] = self._looks.get(function, 0) + 1
        return function

    def add(self, functions: Iterable[Function]) -> None:
        """Look at these again. A lambda at the top level of a module has no rank: it ran with its module."""
        for function in functions:
            rank = self._rank.get(function)
            if rank is not None and rank not in self._queued and self._looks.get(function, 0) < self._rounds:
                self._queued.add(rank)
                heapq.heappush(self.queue, rank)


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
        self.shared = Shared()
        self.kept_names = frozenset(_kept_names(program))
        self._module_users: dict[Function, set[Module]] = {}
        self._filled: dict[Origin, Entry | None] = {}
        self._changed_inside: set[Function] = set()
        self._decorators: dict[Function, tuple[ir.Expr, ...]] = {}
        self._homes: dict[tuple[int, str, str], str] = {}
        # The same pattern is met at every look at a function.
        self.growth = cache(growth_of)

    # --- running --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Look at every module, then at every function until the summaries stand still or the rounds are used up."""
        for module in in_order_of_imports(self.program):
            self._run_module(module)
        self.types.forget()
        work = _Work(bottom_up(self.program), self.budget.rounds)
        if self._run_functions(work):
            # What modules made with functions of the program is known only now.
            for module in self._modules_to_run_again():
                self._run_module(module)
            work.add(self.shared.changed_readers())
            self._run_functions(work)

    def _run_functions(self, work: "_Work") -> bool:
        """Look at what there is to look at; say whether the budget was enough."""
        while work.queue:
            function = work.next()
            if self.steps > self.budget.steps:
                self._out_of_steps(function, work.queue, work.order)
                return False
            if self._run_function(function):
                work.add(self._users.get(function, ()))
            work.add(self._changed_inside - {function})
            self._changed_inside.clear()
            if not work.queue:
                # All at once: many functions keep things in one place before anybody need look there again.
                work.add(self.shared.changed_readers())
        return True

    def _modules_to_run_again(self) -> list[Module]:
        again = {
            module
            for function, modules in self._module_users.items()
            if self._is_telling(self.summaries.get(function, EMPTY_SUMMARY))
            for module in modules
        }
        return [module for module in self.program.modules if module in again]

    @staticmethod
    def _is_telling(summary: Summary) -> bool:
        return bool(summary.kept or summary.calls or summary.writes or summary.returns is not NOTHING)

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
        self._note_globals(module, frame.env or {})
        self.module_hits[module] = frame.summary

    def _note_globals(self, module: Module, env: Env) -> None:
        """Keep what the module's names are; a second run tells those who read what changed."""
        before = self._globals.get(module)
        self._globals[module] = env
        if before is None:
            return
        for name, value in env.items():
            if identity_of(value.ref) != identity_of(before.get(name, NOTHING).ref) or value.items or value.taints:
                self.shared.touch(variable(module, name))

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
        frame.inherited = outer.env.keys() - {parameter.name for parameter in function.definition.parameters}
        check_override(frame, function)
        frame.steps = outer.steps
        summary = self._finish(frame, function)
        outer.steps = frame.steps
        before = self.summaries.get(function)
        self.summaries[function] = summary
        if before is None or before.signature() != summary.signature():
            # Whoever was given this function and called it used what was known of it until now.
            self._changed_inside.update(self._users.get(function, ()))
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
        frame.summary.ends = not (frame.exits or frame.cut or frame.produced or self.types.is_abstract(function))
        if frame.produced is not None:
            frame.summary.returns = Value(items={ANY: frame.produced})
        frame.summary.compact()
        keep_attributes(frame)
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
            frame.env, frame.cut = None, True
            self._gap(frame.module.path, f"{frame.qualname} is nested too deep; looked at in part")

    def _spend(self, frame: Frame) -> None:
        frame.env, frame.cut = None, True
        self._gap(
            frame.module.path,
            f"{frame.qualname} takes more than {self.budget.steps_per_function} steps; looked at in part",
        )

    def invoke(self, frame: Frame, node: ir.Call, callee: Value, receiver: Value | None, arguments: Arguments) -> Value:
        """Return what calling `callee` gives in `frame`."""
        return invoke(frame, node, callee, receiver, arguments)

    def decorators_of(self, function: Function) -> tuple[ir.Expr, ...]:
        """Return the decorators of `function` that are functions of the program."""
        found = self._decorators.get(function)
        if found is None:
            listed = function.definition.decorators
            found = self._decorators[function] = tuple(each for each in listed if self._is_own(function.module, each))
        return found

    def _is_own(self, module: Module, decorator: ir.Expr) -> bool:
        dotted = dotted_name(decorator.target if isinstance(decorator, ir.Call) else decorator)
        return dotted is not None and isinstance(self.program.resolve(module, dotted), Function)

    def module_frame(self, module: Module, user: Frame) -> Frame:
        """Return a frame in which expressions of the top level of `module` mean what they mean there."""
        made = Frame(self, module, user.function, {}, TABLE, user.owners)
        made.depth = user.depth
        return made

    # --- what names mean ------------------------------------------------------------------------------------------

    def summary_of(self, function: Function, user: Frame) -> Summary:
        """Return what is known of `function` so far, and note that `user` relies on it."""
        relying = user.function
        while relying is not None and relying.outer is not None:
            relying = relying.outer
        if relying is not None:
            self._users.setdefault(function, set()).add(relying)
        else:
            self._module_users.setdefault(function, set()).add(user.module)
        return self.summaries.get(function, EMPTY_SUMMARY)

    def is_used(self, function: Function) -> bool:
        """Say whether anything in the program calls `function`, as far as calls were followed."""
        return bool(self._users.get(function))

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

    def variable_value(self, frame: Frame, name: str) -> Value:
        """Return what `name` means to a function, with what functions put there."""
        module = frame.module
        found = self.global_value(module, name)
        if name in module.symbols and frame.reader is not None:
            home = self.program.variable_home(module, name)
            kept = self.shared.read(variable(*home), frame.reader) if home is not None else None
            if kept is not None:
                return join(found, kept)
        return found

    def filled_by(self, function: Function, origin: Origin) -> Entry | None:
        """Return how a framework fills the parameter of `origin`, None if none does."""
        if origin not in self._filled:
            knowledge = self.knowledge.of(function.module.lowered.language)
            self._filled[origin] = entry_for(self.program, knowledge, function, origin)
        return self._filled[origin]

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


def _kept_names(program: Program) -> Iterator[str]:
    """Yield the names of attributes that are assigned on something else than a method's receiver."""
    for function in program.functions:
        for statement in flat(function.definition.body):
            for target in statement.targets if isinstance(statement, ir.Assign) else ():
                while isinstance(target, ir.Item):
                    target = target.base
                if isinstance(target, ir.Attribute) and not (
                    isinstance(target.base, ir.Name) and target.base.id == function.receiver
                ):
                    yield target.name
