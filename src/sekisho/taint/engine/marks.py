"""Marking what an expression names as harmless for some kinds, or noting a guard that does not hold."""

from sekisho.taint import ir
from sekisho.taint.engine.assign import path_step
from sekisho.taint.engine.frame import Env, Frame
from sekisho.taint.engine.values import EMPTY, Guard, Taint, Value, all_taints, write

_MAX_DEPTH = 5
# Calls of these give their receiver or first argument in another dress: a check of the result checks that.
_SAME_METHODS = frozenset(
    {"lower", "upper", "strip", "casefold", "split", "rsplit", "resolve", "absolute", "as_posix", "decode", "encode"}
    | {"toLowerCase", "toUpperCase", "trim", "toString", "normalize", "toAbsolutePath", "toFile", "toPath"}
)
_SAME_ATTRIBUTES = frozenset({"parts", "parents"})


def mark(
    frame: Frame,
    node: ir.Expr,
    env: Env,
    safe: frozenset[str],
    *,
    needs: frozenset[str] = EMPTY,
    weak: Guard | None = None,
    guards: tuple[Guard, ...] = (),
    views: bool = True,
) -> None:
    """Mark in `env` what `node` names with `safe`. A taint that lacks a mark of `needs` gets the guard `weak` instead.

    `views`: the variables that `node` is another view of are marked too, without asking for `needs`.
    """
    change = _Change(safe, needs, weak, guards)
    if views:
        for name in sorted(seen_through(frame, node, env)):
            held = env.get(name)
            if held is not None and change.holds_for(_value_of(frame, node, env)):
                env[name] = _Change(safe, EMPTY, None, guards).applied(held)
    _mark_path(frame, node, env, change, _MAX_DEPTH)


class _Change:
    """What is done to each taint."""

    def __init__(
        self, safe: frozenset[str], needs: frozenset[str], weak: Guard | None, guards: tuple[Guard, ...]
    ) -> None:
        self.safe = safe
        self.needs = needs
        self.weak = weak
        self.guards = guards

    def holds_for(self, value: Value) -> bool:
        return all(self.needs <= taint.safe for taint in all_taints(value))

    def applied(self, value: Value) -> Value:
        if not value.taints and not value.items:
            return value
        items = value.items
        if items:
            items = {key: self.applied(item) if not key.startswith(".") else item for key, item in items.items()}
        taints = tuple(self._taint(taint) for taint in value.taints)
        return Value(taints, value.const, value.ref, items, value.self_origin, value.made_from)

    def _taint(self, taint: Taint) -> Taint:
        for guard in self.guards:
            taint = taint.guarded(guard)
        if self.needs <= taint.safe:
            return taint.changed(add=self.safe)
        return taint.guarded(self.weak) if self.weak is not None else taint


def _value_of(frame: Frame, node: ir.Expr, env: Env) -> Value:
    before, frame.env = frame.env, env
    try:
        return frame.value(node)
    finally:
        frame.env = before


def _mark_path(frame: Frame, node: ir.Expr, env: Env, change: _Change, depth: int) -> None:
    if depth == 0:
        return
    if isinstance(node, ir.Name):
        held = env.get(node.id)
        if held is not None:
            env[node.id] = change.applied(held)
    elif isinstance(node, ir.Attribute) and node.name in _SAME_ATTRIBUTES:
        _mark_path(frame, node.base, env, change, depth - 1)
    elif isinstance(node, ir.Attribute | ir.Item):
        before, frame.env = frame.env, env
        step = path_step(frame, node)
        frame.env = before
        if step is not None:
            _put(frame, node, env, change.applied(_value_of(frame, node, env)), depth)
    elif isinstance(node, ir.Bind):
        _mark_path(frame, node.target, env, change, depth - 1)
    elif isinstance(node, ir.Call):
        if isinstance(node.target, ir.Attribute) and node.target.name in _SAME_METHODS:
            _mark_path(frame, node.target.base, env, change, depth - 1)
        elif isinstance(node.target, ir.Attribute) and node.target.name == "get" and node.arguments:
            item = ir.Item(node.at, node.target.base, node.arguments[0].value)
            _mark_path(frame, item, env, change, depth - 1)


def _put(frame: Frame, node: ir.Expr, env: Env, value: Value, depth: int) -> None:
    """Put `value` where the path `node` leads, in `env` only: a check writes nothing into the program's objects."""
    if depth == 0:
        return
    if isinstance(node, ir.Name):
        if node.id in env:
            env[node.id] = value
        return
    before, frame.env = frame.env, env
    step = path_step(frame, node)
    held = frame.value(step[0]) if step is not None else None
    frame.env = before
    if step is not None and held is not None and not _is_global(step[0], env):
        _put(frame, step[0], env, write(held, step[1], value), depth - 1)


def _is_global(node: ir.Expr, env: Env) -> bool:
    while isinstance(node, ir.Attribute | ir.Item):
        node = node.base
    return not (isinstance(node, ir.Name) and node.id in env)


def seen_through(frame: Frame, node: ir.Expr, env: Env) -> set[str]:
    """Return the variables that `node` is a view of: those a view was made from, and those inside a call of one."""
    value = _value_of(frame, node, env)
    return set(value.made_from)


def names_in(node: ir.Expr, env: Env, depth: int = 4) -> set[str]:
    """Return the variables in `node`, and what those are views of. Shallow: enough for an argument."""
    if depth == 0:
        return set()
    if isinstance(node, ir.Name):
        held = env.get(node.id)
        return {node.id, *held.made_from} if held is not None else set()
    inner: tuple[ir.Expr, ...] = ()
    match node:
        case ir.Attribute() | ir.Item() | ir.Slice():
            inner = (node.base,)
        case ir.Call():
            target = (node.target.base,) if isinstance(node.target, ir.Attribute) else ()
            inner = (*target, *(argument.value for argument in node.arguments))
        case ir.Concat():
            inner = node.parts
        case ir.Collection():
            inner = node.items
        case ir.Binary() | ir.Fill():
            inner = (node[-2], node[-1])
        case ir.Spread():
            inner = (node.value,)
    return {name for part in inner for name in names_in(part, env, depth - 1)}
