"""Statements: what they do to the variables, and which of the ways out of them are open."""

from collections.abc import Callable
from typing import Any

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.assign import assign
from sekisho.taint.engine.checks import check_assignment, check_predictable
from sekisho.taint.engine.declared import as_declared
from sekisho.taint.engine.frame import MAX_RAISED, Env, Frame, Loop, join_env, same_taints
from sekisho.taint.engine.guards import refine
from sekisho.taint.engine.places import caught_error, reach_page, reach_store
from sekisho.taint.engine.protocols import entered, items_of
from sekisho.taint.engine.refs import ClassRef, FunctionRef, as_ref
from sekisho.taint.engine.values import NOTHING, UNKNOWN, Flag, Value, both_ways, join

# A loop's second turn sees what the first left behind; a third has taught nothing in practice.
_MAX_TURNS = 3


def run_block(frame: Frame, block: ir.Block) -> None:
    """Run the statements until one leaves."""
    for statement in block:
        if frame.env is None:
            return
        frame.steps += 1
        _TABLE[type(statement)](frame, statement)


def _evaluate(frame: Frame, node: ir.Evaluate) -> None:
    frame.value(node.value)


def _assign(frame: Frame, node: ir.Assign) -> None:
    value = frame.value(node.value)
    if node.annotation is not None and frame.module.packaged:
        value = as_declared(frame, value, node.annotation)
    elif node.annotation is not None and value.ref is None and not value.items and value.const is UNKNOWN:
        declared = frame.engine.types.declared(frame.module, node.annotation)
        if declared is not None:
            value = Value(value.taints, value.const, declared, None, value.self_origin, value.made_from)
    for target in node.targets:
        check_assignment(frame, target, value, node.value)
        reach_store(frame, target, value)
        assign(frame, target, value, node.value)


def _forget(frame: Frame, node: ir.Forget) -> None:
    for target in node.targets:
        if isinstance(target, ir.Name) and frame.env is not None:
            frame.env.pop(target.id, None)


def _return(frame: Frame, node: ir.Return) -> None:
    value = frame.value(node.value) if node.value is not None else NOTHING
    if frame.env is not None:
        leave(frame, node.value, value)
        if frame.function is not None and node.value is not None:
            check_predictable(frame, frame.function.definition.name, value, node.value)
            reach_page(frame, node.value, value)
    frame.env = None


def leave(frame: Frame, node: ir.Expr | None, value: Value) -> None:
    """Note a way out of the function with `value`."""
    returns = frame.summary.returns
    frame.summary.returns = value if returns is NOTHING else join(returns, value)
    if frame.env is not None:
        frame.exits.append((frame.env, node, value))


def _raise(frame: Frame, node: ir.Raise) -> None:
    if node.value is not None:
        frame.value(node.value)
    if frame.env is not None and len(frame.raised) < MAX_RAISED:
        frame.raised.append(frame.env)
    frame.env = None


def _leave_loop(frame: Frame, node: ir.Leave) -> None:
    if frame.loops:
        loop = frame.loops[-1]
        if node.again:
            loop.again = join_env(loop.again, frame.env)
        else:
            loop.left = join_env(loop.left, frame.env)
    frame.env = None


def _branch(frame: Frame, node: ir.Branch) -> None:
    after: Env | None = None
    start = frame.env
    ends: list[Env] = []
    for arm in node.arms:
        if frame.env is None:
            break
        test = frame.value(arm.test)
        before = frame.env
        known = test.const
        if known is UNKNOWN or known:
            frame.env = refine(frame, arm.test, True, dict(before))
            run_block(frame, arm.body)
            if frame.env is not None:
                ends.append(frame.env)
            after = join_env(after, frame.env)
        if known is not UNKNOWN and known:
            frame.env = None
        else:
            frame.env = refine(frame, arm.test, False, dict(before))
    run_block(frame, node.otherwise)
    if frame.env is not None:
        ends.append(frame.env)
    frame.env = join_env(after, frame.env)
    if len(ends) > 1 and frame.env is not None and start is not None:
        _note_flags(frame.env, start, ends)


def _note_flags(env: Env, start: Env, ends: list[Env]) -> None:
    """A variable that is true after one branch and false after another remembers what was known there."""
    first = ends[0]
    for name, value in first.items():
        const = value.const
        if (const is not True and const is not False and const is not None) or env[name].const is not UNKNOWN:
            continue
        known = _known_by_truth(name, start, ends)
        if any(known.values()):
            env[name] = Value(test=Flag(known))


def _known_by_truth(name: str, start: Env, ends: list[Env]) -> dict[bool, Env]:
    """Return what holds of the variables where `name` is true, and where it is false, after one of `ends`."""
    known: dict[bool, Env] = {}
    for end in ends:
        value = end.get(name, NOTHING)
        if isinstance(value.test, Flag):
            said = {truth: value.test.known.get(truth, {}) for truth in (True, False)}
        elif value.const is True or value.const is False or value.const is None:
            said = {
                bool(value.const): {
                    other: held for other, held in end.items() if held.taints and held is not start.get(other)
                }
            }
        else:
            return {}
        for truth, held in said.items():
            known[truth] = both_ways(known[truth], held) if truth in known else held
    return known


def _require(frame: Frame, node: ir.Require) -> None:
    """An assertion is a check only where assertions are on; people rely on it, so it counts."""
    frame.value(node.test)
    frame.env = refine(frame, node.test, True, frame.env)


def _repeat(frame: Frame, node: ir.Repeat) -> None:
    def enter() -> None:
        frame.value(node.test)
        frame.env = refine(frame, node.test, True, frame.env)

    forever = isinstance(node.test, ir.Literal) and bool(node.test.value)
    _loop(frame, enter, node.body, node.otherwise, None if forever else node.test)


def _each(frame: Frame, node: ir.Each) -> None:
    iterable = frame.value(node.iterable)
    item = items_of(frame, node.iterable, iterable)

    def enter() -> None:
        assign(frame, node.target, item, node.iterable)

    _loop(frame, enter, node.body, node.otherwise, ir.Opaque(node.at, ()))


def _loop(frame: Frame, enter: Callable[[], None], body: ir.Block, otherwise: ir.Block, test: ir.Expr | None) -> None:
    """Run the body until nothing new is seen. `test`: what is false after the loop; None: it only ends by leaving."""
    start = frame.env
    loop = Loop()
    frame.loops.append(loop)
    for _ in range(_MAX_TURNS):
        frame.env = dict(start) if start is not None else None
        enter()
        if frame.env is not None:
            run_block(frame, body)
        end = join_env(frame.env, loop.again)
        after = join_env(start, end)
        if start is None or after is None or same_taints(start, after):
            start = after
            break
        start = after
    frame.loops.pop()
    frame.env = dict(start) if start is not None and test is not None else None
    if frame.env is not None and test is not None:
        frame.env = refine(frame, test, False, frame.env)
    run_block(frame, otherwise)
    frame.env = join_env(frame.env, loop.left)


def _attempt(frame: Frame, node: ir.Attempt) -> None:
    before = dict(frame.env or {})
    outer, frame.raised = frame.raised, []
    run_block(frame, node.body)
    raised, frame.raised = frame.raised, outer
    done = frame.env
    # An error can come from anywhere in the body: before it, after it, and where it was raised.
    caught: Env | None = before
    for env in (done, *raised):
        caught = join_env(caught, env)
    run_block(frame, node.otherwise)
    after = frame.env
    for handler in node.handlers:
        frame.env = dict(caught) if caught is not None else None
        if frame.env is not None and handler.name is not None:
            frame.env[handler.name] = caught_error(frame, node.at, handler.name)
        run_block(frame, handler.body)
        after = join_env(after, frame.env)
    frame.env = after
    if node.finally_:
        _finally(frame, node.finally_, caught)


def _finally(frame: Frame, block: ir.Block, caught: Env | None) -> None:
    """It runs on every way; where no way goes on, it is still looked at, but nothing comes after it."""
    ends = frame.env is None
    if ends:
        frame.env = dict(caught) if caught is not None else None
    else:
        frame.env = dict(frame.env or {})
    run_block(frame, block)
    if ends:
        frame.env = None


def _use(frame: Frame, node: ir.Use) -> None:
    value = entered(frame, node.value, frame.value(node.value))
    if node.target is not None:
        assign(frame, node.target, value, node.value)
    run_block(frame, node.body)


def _import(frame: Frame, node: ir.Import) -> None:
    if frame.env is None or node.symbol == "*":
        return
    program = frame.engine.program
    ref = as_ref(program.imported(frame.module, node))
    if ref is None and node.symbol is not None:
        source = program.find_module(program.absolute(frame.module, node), frame.module)
        if source is not None:
            frame.env[node.name] = frame.engine.member_value(source, node.symbol)
            return
    frame.env[node.name] = Value(ref=ref)


def _define(frame: Frame, node: ir.Define) -> None:
    function = frame.engine.function_of(node.function)
    if function.outer is not None:
        frame.engine.run_nested(function, frame)
    _decorate(frame, node.function.decorators, Value(ref=FunctionRef(function, None, raw=True)))
    if frame.env is not None:
        frame.env[node.function.name] = Value(ref=FunctionRef(function, None))


def _decorate(frame: Frame, decorators: tuple[ir.Expr, ...], value: Value) -> None:
    """A decorator of the program may put what it decorates somewhere; what it makes of it is asked at each call."""
    for decorator in decorators:
        found = frame.value(decorator)
        if isinstance(found.ref, FunctionRef) and frame.env is not None:
            arguments = Arguments()
            arguments.positional, arguments.nodes = [value], [None]
            frame.engine.invoke(frame, ir.Call(decorator.at, decorator, ()), found, None, arguments)


def _define_class(frame: Frame, node: ir.DefineClass) -> None:
    """The body runs in its own scope, over the one around it; what it leaves is what the class has."""
    made = frame.engine.class_of(node.definition)
    outer = frame.env
    if outer is None:
        return
    frame.env = dict(outer)
    run_block(frame, node.definition.body)
    inner = frame.env or {}
    own = {name: value for name, value in inner.items() if outer.get(name) is not value}
    frame.engine.types.note_class_body(made, own)
    frame.env = outer
    frame.env[node.definition.name] = Value(ref=ClassRef(made))
    _decorate(frame, node.definition.decorators, Value(ref=ClassRef(made)))


def _outer(frame: Frame, node: ir.Outer) -> None:
    """What is assigned to these names is kept where they belong."""
    frame.outside.update(node.names)


_TABLE: dict[type, Callable[[Frame, Any], None]] = {
    ir.Evaluate: _evaluate,
    ir.Assign: _assign,
    ir.Forget: _forget,
    ir.Return: _return,
    ir.Raise: _raise,
    ir.Leave: _leave_loop,
    ir.Branch: _branch,
    ir.Require: _require,
    ir.Repeat: _repeat,
    ir.Each: _each,
    ir.Attempt: _attempt,
    ir.Use: _use,
    ir.Import: _import,
    ir.Define: _define,
    ir.DefineClass: _define_class,
    ir.Outer: _outer,
}
