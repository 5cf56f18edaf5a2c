"""What a function's leaving says about its parameters: how a check that was put into a function is still a check."""

from sekisho.taint import ir
from sekisho.taint.engine.frame import Env, Frame
from sekisho.taint.engine.guards import refine
from sekisho.taint.engine.summary import Check
from sekisho.taint.engine.values import EMPTY, UNKNOWN, Guard, Origin
from sekisho.taint.program import Function

_TESTS = (ir.Compare, ir.Call, ir.Not, ir.Logic)


def checks_at_exits(frame: Frame, function: Function) -> None:
    """Fill in on_return, on_true and on_false of the summary from the ways out that were seen."""
    exits, summary = frame.exits, frame.summary
    frame.exits = []
    if not exits:
        return
    origins = {
        p.name: Origin("param", p.name, (), frame.self_point)
        for p in function.definition.parameters
        if p.kind in {"plain", "named"} and p.name != function.receiver
    }
    if not origins:
        return
    truths: list[Env] = []
    falsehoods: list[Env] = []
    for env, node, value in exits:
        if value.const is not UNKNOWN or node is None:
            (truths if value.const and value.const is not UNKNOWN else falsehoods).append(env)
        elif isinstance(node, _TESTS):
            truths.extend(_refined(frame, node, True, env))
            falsehoods.extend(_refined(frame, node, False, env))
        else:
            truths.append(env)
            falsehoods.append(env)
    for name, origin in origins.items():
        for into, envs in (
            (summary.on_return, [env for env, _, _ in exits]),
            (summary.on_true, truths),
            (summary.on_false, falsehoods),
        ):
            check = _common(name, origin, envs)
            if check is not None:
                into[name] = check


def _refined(frame: Frame, node: ir.Expr, truth: bool, env: Env) -> list[Env]:
    refined = refine(frame, node, truth, dict(env))
    return [refined] if refined is not None else []


def _common(name: str, origin: Origin, envs: list[Env]) -> Check | None:
    """Return what holds for the parameter on every one of the ways, if anything is worth saying."""
    safe: frozenset[str] | None = None
    guards: dict[Guard, None] = {}
    for env in envs:
        held = env.get(name)
        if held is None or held.self_origin != origin or not held.taints:
            return None
        taint = held.taints[0]
        safe = taint.safe if safe is None else safe & taint.safe
        guards.update(dict.fromkeys(taint.guards))
    if safe is None or not (safe or guards):
        return None
    return Check(safe or EMPTY, tuple(guards))
