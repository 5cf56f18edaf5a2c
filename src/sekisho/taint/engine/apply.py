"""A call of a function of the program: its summary put into the caller's terms."""

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments, bind
from sekisho.taint.engine.assign import store
from sekisho.taint.engine.callbacks import CALLBACK, is_known, make_call, taken_along
from sekisho.taint.engine.declared import as_declared
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.keeping import keep
from sekisho.taint.engine.marks import mark
from sekisho.taint.engine.refs import Closed, FunctionRef, PartialRef, SuperRef
from sekisho.taint.engine.summary import Hit, Summary
from sekisho.taint.engine.values import (
    HARMLESS,
    NOTHING,
    OneOf,
    Origin,
    Point,
    Taint,
    Value,
    all_taints,
    bounded,
    join,
    merge_taints,
    next_step,
    read,
    with_taints,
    write,
)
from sekisho.taint.program import Function

# How deep the returned containers are put into the caller's terms; deeper ones fall together.
_MAX_DEPTH = 3
# What a caller can write to: `a`, `a.b`, `a["b"]`.
_PATHS = (ir.Name, ir.Attribute, ir.Item)


class Application:
    """One summary at one call."""

    def __init__(
        self,
        frame: Frame,
        node: ir.Expr,
        function: Function,
        values: dict[str, Value],
        sure: bool,
        closed: tuple[Closed, ...] = (),
    ) -> None:
        self.frame = frame
        self.node = node
        self.function = function
        self.sure = sure
        self.owner = Point(function.module.path, function.definition.qualname, 0)
        self.scopes = {scope.owner: scope.values for scope in closed}
        self.scopes[self.owner] = values
        # What calls of the caller's own functions gave, and whether all such calls could be followed.
        self.results: dict[Origin, Value] = {}
        self.followed = False
        self._known: dict[Origin, Value] = {}
        # By identity: a summary shares its values, and lives longer than this.
        self._taints: dict[int, tuple[Taint, ...]] = {}
        self._values: dict[tuple[int, int], Value] = {}

    def given(self, origin: Origin) -> Value | None:
        """Return what the caller gives for `origin`; None if it is not one of the function's own parameters."""
        found = self._known.get(origin)
        if found is not None:
            return found
        if origin.kind == "result":
            values = self.results
            start = values.get(origin if not origin.path else Origin(origin.kind, origin.name, (), origin.point))
        else:
            scope = self.scopes.get(origin.point) if origin.kind == "param" else None
            start = scope.get(origin.name, NOTHING) if scope is not None else None
        if start is None:
            return None
        found = start
        for key in origin.path:
            found = read(found, self._key(found, key))
        self._known[origin] = found
        return found

    def _key(self, holder: Value, key: str) -> str:
        """In a template `a.b` means `a["b"]` too."""
        bare = key.removeprefix(".")
        return bare if self.function.module.is_template and bare in (holder.items or {}) else key

    def taints(self, inner: Taint) -> tuple[Taint, ...]:
        """Return what `inner`, a taint in the function, is in the caller."""
        made = self._taints.get(id(inner))
        if made is None:
            made = self._taints[id(inner)] = self._translated(inner)
        return made

    def _translated(self, inner: Taint) -> tuple[Taint, ...]:
        if self.followed and CALLBACK in inner.facts:
            return ()
        given = self.given(inner.origin)
        if given is None:
            return (inner,) if self.frame.belongs(inner) else ()
        outside = all_taints(given)
        if not outside:
            return ()
        made = []
        point, why = self.frame.point(self.node.at), f"goes through {self.function.definition.qualname}"
        for outer in outside:
            safe, facts, guards = outer.inside(inner)
            step = next_step(outer.step, point, self.node, why, inner.step)
            made.append(Taint(outer.origin, safe, facts, guards, step))
        return tuple(made)

    def value(self, inner: Value, depth: int = _MAX_DEPTH) -> Value:
        """Return what `inner`, a value in the function, is in the caller."""
        key = (id(inner), depth)
        made = self._values.get(key)
        if made is None:
            made = self._values[key] = self._placed(inner, depth)
        return made

    def _placed(self, inner: Value, depth: int) -> Value:
        if inner.self_origin is not None and len(inner.taints) == 1:
            given = self.given(inner.self_origin)
            if given is not None and not inner.taints[0].facts and not inner.items:
                if not inner.taints[0].safe:
                    return given
                if inner.taints[0].safe == {HARMLESS}:
                    return given if given.items else with_taints(given, self.taints(inner.taints[0]))
        taints: tuple[Taint, ...] = ()
        for taint in inner.taints:
            taints = merge_taints(taints, self.taints(taint))
        items = None
        if inner.items and depth:
            items = bounded({key: self.value(item, depth - 1) for key, item in inner.items.items()})
        return Value(taints, inner.const, None if inner.ref is None else self._ref(inner.ref), items)

    def _ref(self, ref: object | None) -> object | None:
        """A bound method or super() carries a receiver in the function's terms; only its class is kept. A function
        that was written in this one takes this one's variables along."""
        if isinstance(ref, FunctionRef):
            return self._function(ref)
        if isinstance(ref, OneOf):
            return OneOf(tuple(self._ref(choice) for choice in ref.refs))
        if isinstance(ref, PartialRef):
            named = tuple((name, self.value(value, 1)) for name, value in ref.named)
            return PartialRef(self.value(ref.target, 1), tuple(self.value(value, 1) for value in ref.positional), named)
        return None if isinstance(ref, SuperRef) else ref

    def _function(self, ref: FunctionRef) -> FunctionRef:
        if ref.bound is not None:
            ref = ref._replace(bound=Value(ref=ref.bound.ref))
        if ref.closed:
            closed = [Closed(scope.owner, self._scope(scope.values)) for scope in ref.closed]
            return ref._replace(closed=tuple(closed))
        if ref.function.outer is None:
            return ref
        return taken_along(ref, self.function, tuple(Closed(owner, values) for owner, values in self.scopes.items()))

    def _scope(self, values: dict[str, Value]) -> dict[str, Value]:
        return {name: self.value(value, 1) for name, value in values.items()}


def apply_function(
    frame: Frame,
    node: ir.Call,
    function: Function,
    bound: Value | None,
    arguments: Arguments,
    *,
    receiver: ir.Expr | None,
    sure: bool = True,
    closed: tuple[Closed, ...] = (),
) -> Value:
    """Return what calling `function` gives, with its effects: flows to sinks, writes, checks."""
    summary = frame.engine.summary_of(function, frame)
    values, nodes = bind(function, bound, arguments)
    if receiver is not None and function.receiver is not None:
        nodes[function.receiver] = receiver
    application = Application(frame, node, function, values, sure, closed)
    pass_on(application, summary)
    _pass_on_writes(application, summary, nodes)
    for name, check in summary.on_return.items():
        if name in nodes and frame.env is not None:
            mark(frame, nodes[name], frame.env, check.safe, guards=check.guards)
    result = application.value(summary.returns)
    returns = function.definition.returns
    return result if returns is None else _declared_by(frame, function, result, returns)


def _declared_by(frame: Frame, function: Function, result: Value, returns: ir.Expr) -> Value:
    """The declared type of a result means what it means where the function is written."""
    before, frame.module = frame.module, function.module
    try:
        return as_declared(frame, result, returns)
    finally:
        frame.module = before


def pass_on(application: Application, summary: Summary) -> None:
    """Let the function's effects happen: its callbacks are called, the caller's taint reaches its sinks, and what it
    keeps is kept."""
    if summary.calls:
        _pass_on_calls(application, summary)
    _pass_on_hits(application, summary)
    for (place, keys), value in summary.kept.items():
        keep(application.frame, place, keys, application.value(value))


def _pass_on_calls(application: Application, summary: Summary) -> None:
    frame, followed = application.frame, True
    for called in list(summary.calls.values()):
        target = application.given(called.origin)
        if target is None:
            if called.origin.point in frame.owners:
                # A function written in this one calls what this one was handed.
                frame.summary.calls.setdefault(called.key, called)
            followed = False
            continue
        result = make_call(frame, application.node.at, called, target, _translated(application, called.arguments))
        if result is None:
            followed = False
        else:
            application.results[called.result] = result
            followed = followed and is_known(target)
    application.followed = followed


def _translated(application: Application, inner: Arguments) -> Arguments:
    made = Arguments()
    made.positional = [application.value(value) for value in inner.positional]
    made.nodes = [None] * len(made.positional)
    made.named = {name: application.value(value) for name, value in inner.named.items()}
    made.rest = application.value(inner.rest) if inner.rest is not None else None
    made.table = application.value(inner.table) if inner.table is not None else None
    return made


def _pass_on_hits(application: Application, summary: Summary) -> None:
    frame = application.frame
    for hit in summary.hits.values():
        if hit.taint.origin.kind == "source" or application.given(hit.taint.origin) is None:
            continue
        for taint in application.taints(hit.taint):
            if hit.rule.kind not in taint.safe and HARMLESS not in taint.safe:
                frame.add_hit(Hit(hit.rule, hit.point, hit.expression, taint, hit.needs, hit.sure and application.sure))


def _pass_on_writes(application: Application, summary: Summary, nodes: dict[str, ir.Expr]) -> None:
    for (name, key), value in summary.writes.items():
        node = nodes.get(name)
        if not isinstance(node, _PATHS):
            continue
        made = application.value(value)
        if made.taints or made.items or made.ref:
            store(application.frame, node, key, made)


def written(application: Application, summary: Summary, receiver: str, start: Value) -> Value:
    """Return `start`, a new object, with what a constructor writes into its receiver."""
    made = start
    for (name, key), value in summary.writes.items():
        if name == receiver:
            made = write(made, key, application.value(value))
    return made


def joined_results(results: list[Value]) -> Value:
    """Return what one of several functions gives."""
    made = results[0] if results else NOTHING
    for result in results[1:]:
        made = join(made, result)
    return made
