"""Places that data reaches without a call: the page that a view gives back, a session that is written to."""

from collections.abc import Iterator

from sekisho.taint import ir
from sekisho.taint.engine.attributes import source_taint
from sekisho.taint.engine.external import reach_rule
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import External
from sekisho.taint.engine.values import Value
from sekisho.taint.program import Function, Module
from sekisho.taint.walk import dotted_name

# What must not be shown on a page: markup of a stranger, what an error says, what only the server should know.
_SHOWN = ("html", "exposure", "environment-exposed")


def caught_error(frame: Frame, at: int, name: str) -> Value:
    """Return what a handler's name holds. What an error says is of interest where it could be shown to a stranger."""
    source, function = frame.knowledge.caught, frame.function
    if source is None or function is None or not _is_page(frame, function):
        return Value()
    return Value((source_taint(frame, ir.Name(at, name), source, name),))


def reach_page(frame: Frame, node: ir.Expr, value: Value) -> None:
    """Note outside data in what a view gives back, where the framework sends text as a page of HTML."""
    text = _page_of(value)
    if text.taints and frame.function is not None and _is_page(frame, frame.function):
        for kind in _SHOWN:
            rule = frame.knowledge.by_kind.get(kind)
            if rule is not None:
                reach_rule(frame, node, rule, Value(text.taints))


def _page_of(value: Value) -> Value:
    """A view may give the page, or the page with a status and headers."""
    items = value.items or {}
    return items.get("0", Value()) if not value.taints and "0" in items else value


def _is_page(frame: Frame, function: Function) -> bool:
    pages = frame.knowledge.pages
    if frame.module.packaged:
        return _gives_page(frame, function)
    return any(name in pages for decorator in function.definition.decorators for name in _names(frame, decorator))


def _gives_page(frame: Frame, function: Function) -> bool:
    """A method whose text is the body of the answer, as it says itself or its class; other results become JSON."""
    returns, owner = function.definition.returns, function.owner
    if not isinstance(returns, ir.Name) or returns.id != "String" or owner is None:
        return False
    decorators = function.definition.decorators
    routes = [d for d in decorators if isinstance(d, ir.Call) and any(a.name == "produces" for a in d.arguments)]
    plain = any("HTML" not in part.upper() for route in routes for part in _produced(route))
    named = (name for decorator in (*decorators, *owner.definition.decorators) for name in _names(frame, decorator))
    return not plain and any(name in frame.knowledge.pages for name in named)


def _produced(route: ir.Call) -> Iterator[str]:
    for argument in route.arguments:
        if argument.name == "produces":
            value = argument.value
            yield str(value.value) if isinstance(value, ir.Literal) else dotted_name(value) or "HTML"


def _names(frame: Frame, decorator: ir.Expr) -> Iterator[str]:
    """Yield what the decorator may be called: by the object that it is of, or by the frameworks that are imported."""
    target = decorator.target if isinstance(decorator, ir.Call) else decorator
    dotted = dotted_name(target)
    if dotted is None:
        return
    first, _, rest = dotted.partition(".")
    ref = frame.engine.global_value(frame.module, first).ref
    if isinstance(ref, External) and ref.name != first:
        yield f"{ref.name}.{rest}" if rest else ref.name
    elif rest:
        # The application came in as a parameter.
        for package in _packages(frame.module):
            yield f"{package}.*.{rest.rpartition('.')[2]}"


def _packages(module: Module) -> Iterator[str]:
    for symbol in module.symbols.values():
        if isinstance(symbol, ir.Import) and not symbol.level:
            yield symbol.module.partition(".")[0]


def reach_store(frame: Frame, target: ir.Expr, value: Value) -> None:
    """Note outside data that is written, as key or as value, to where what was checked is kept."""
    if not isinstance(target, ir.Item):
        return
    stores, rule = frame.knowledge.stores, frame.knowledge.by_kind.get("trust-boundary")
    if rule is None or (dotted_name(target.base) or "").rpartition(".")[2] not in {
        s.rpartition(".")[2] for s in stores
    }:
        return
    base = frame.value(target.base)
    if isinstance(base.ref, External) and base.ref.name in stores:
        reach_rule(frame, target, rule, value)
        reach_rule(frame, target, rule, frame.value(target.key))
