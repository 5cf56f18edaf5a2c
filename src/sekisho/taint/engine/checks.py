"""Weaknesses that need no flow: calls, settings and imports that are weak by how they are written."""

import re
from typing import Final

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.conditions import holds, is_so
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.summary import Hit
from sekisho.taint.engine.values import EMPTY, Origin, Step, Taint, Value, all_taints
from sekisho.taint.knowledge.model import OWN, Check, NameCheck, Rule, Setting
from sekisho.taint.program import Function
from sekisho.taint.regex import Growth
from sekisho.taint.walk import dotted_name, flat, own_expressions

# The origin of a taint that no data made: the code itself is the weakness.
WRITTEN: Final = "written"
# A pattern cannot be exponential unless it repeats a group: all other text is passed over without being parsed.
_REPEATED_GROUP: Final = re.compile(r"\)[*+{]")
# Shorter than this no secret is, and no test of it says anything.
_MIN_SECRET: Final = 6
# What stands where a secret would: a name, a place to fill in, an address, a sentence.
_NO_SECRET: Final = re.compile(
    r"[a-z]+([ _.:/-][a-z]+)+|[A-Z]+(_[A-Z]+)+|.*[\s<>{}$%*|()\[\]].*|(change|replace|your|example|dummy|test|none|null|todo|xxx).*|[a-z]+://.*|(.)\3*",
    re.IGNORECASE,
)
_LOG_METHODS: Final = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"})
_LOG_NAMES: Final = re.compile(r"(^|_)(log|logs|logger|logging)$")


def note(frame: Frame, rule: Rule, at: int, node: ir.Expr, why: str) -> None:
    """Note that the code at `at` is weak as `rule` says."""
    point = frame.point(at)
    taint = Taint(Origin(WRITTEN, why, (), point), step=Step(None, point, node, why, None))
    frame.add_hit(Hit(rule, point, node, taint, EMPTY, sure=True))


def check_call(
    frame: Frame, node: ir.Call, checks: tuple[Check, ...], arguments: Arguments, receiver: Value | None = None
) -> None:
    """Note the call if it is made in a weak way."""
    for check in checks:
        asked = [holds(c, arguments, receiver) for c in (*check.when, *check.unless)]
        if all(asked[: len(check.when)]) and not any(asked[len(check.when) :]):
            note(frame, check.rule, node.at, node, check.why)


def check_named_arguments(frame: Frame, node: ir.Call) -> None:
    """A setting and a secret can be handed over under their names."""
    for argument in node.arguments:
        if argument.name is not None and isinstance(argument.value, ir.Literal):
            check_secret(frame, argument.name, argument.value)


def check_assignment(frame: Frame, target: ir.Expr, value: Value, node: ir.Expr) -> None:
    """Note a setting that switches protection off, a secret in the code, and a secret that can be guessed."""
    name = _target_name(target)
    if name is None:
        return
    for setting in frame.knowledge.settings.get(name, ()):
        if is_so(setting.condition, value) and _is_setting(frame, target, setting):
            note(frame, setting.rule, target.at, node, setting.why)
    check_secret(frame, name, node)
    check_predictable(frame, name, value, node)


def _target_name(target: ir.Expr) -> str | None:
    if isinstance(target, ir.Name):
        return target.id
    if isinstance(target, ir.Attribute):
        return target.name
    key = target.key if isinstance(target, ir.Item) else None
    return key.value if isinstance(key, ir.Literal) and isinstance(key.value, str) else None


def _is_setting(frame: Frame, target: ir.Expr, setting: Setting) -> bool:
    """A plain variable is a setting only where settings are kept: at the top of a module of that kind of name."""
    if not isinstance(target, ir.Name):
        return True
    last = frame.module.name.lower()
    return frame.function is None and any(part in last for part in setting.modules)


def check_secret(frame: Frame, name: str, node: ir.Expr) -> None:
    """Note a secret that is written into the code."""
    if not isinstance(node, ir.Literal) or not isinstance(node.value, str):
        return
    for check in frame.knowledge.literals:
        if check.names.search(name.lower()) and _looks_secret(name.lower(), node.value):
            # The report shows the name alone: it must not spread what it warns of.
            note(frame, check.rule, node.at, ir.Name(node.at, name), check.why)


def _looks_secret(name: str, text: str) -> bool:
    words = [word for word in re.split(r"[^a-z]+", name) if len(word) > 2]
    named = any(word in text.lower() for word in words)
    return len(text) >= _MIN_SECRET and not named and _NO_SECRET.fullmatch(text) is None


def check_predictable(frame: Frame, name: str, value: Value, node: ir.Expr) -> None:
    """Note what should be a secret and comes from a generator that can be predicted."""
    taints = all_taints(value)
    if not taints:
        return
    for check in frame.knowledge.predictable:
        if check.names.search(name.lower()):
            for taint in taints:
                origin = taint.origin
                if origin.kind == "source" and origin.name.startswith(OWN) and check.rule.kind not in taint.safe:
                    point = frame.point(node.at)
                    reached = taint.stepped(point, node, f"becomes {name}")
                    frame.add_hit(Hit(check.rule, point, node, reached, EMPTY, sure=True))


def check_logging(frame: Frame, node: ir.Call) -> None:
    """Note a secret that is handed to a log by its name."""
    target = node.target
    if not isinstance(target, ir.Attribute) or target.name not in _LOG_METHODS:
        return
    base = dotted_name(target.base)
    if base is None or not _LOG_NAMES.search(base.rpartition(".")[2].lower().removeprefix("_")):
        return
    for check in frame.knowledge.logged:
        if any(_speaks_of(argument.value, check) for argument in node.arguments):
            note(frame, check.rule, node.at, node, check.why)


def _speaks_of(node: ir.Expr, check: NameCheck) -> bool:
    """Say whether the value itself, or a part of the text that is made, is what the check's names say."""
    if isinstance(node, ir.Concat):
        return any(_speaks_of(part, check) for part in node.parts)
    if isinstance(node, ir.Fill):
        return _speaks_of(node.values, check)
    if isinstance(node, ir.Collection):
        return any(_speaks_of(item, check) for item in node.items)
    if isinstance(node, ir.Call) and isinstance(node.target, ir.Attribute) and node.target.name == "format":
        return any(_speaks_of(argument.value, check) for argument in node.arguments)
    name = _target_name(node) if isinstance(node, ir.Name | ir.Attribute | ir.Item) else None
    return name is not None and check.names.search(name.lower()) is not None


def check_decorators(frame: Frame, function: Function) -> None:
    """Note a decorator that switches protection off."""
    for decorator in function.definition.decorators:
        dotted = dotted_name(decorator.target if isinstance(decorator, ir.Call) else decorator)
        name = frame.engine.program.resolve(function.module, dotted) if dotted is not None else None
        for check in frame.knowledge.decorator_checks.get(name, ()) if isinstance(name, str) else ():
            note(frame, check.rule, decorator.at, decorator, check.why)


def check_override(frame: Frame, function: Function) -> None:
    """Note a method that should refuse and does not."""
    owner, name = function.owner, function.definition.name
    for override in frame.knowledge.overrides:
        if owner is None or name not in override.methods or override.bases.isdisjoint(owner.foreign):
            continue
        body = function.definition.body
        given = body[0].value if len(body) == 1 and isinstance(body[0], ir.Return) else None
        agrees = isinstance(given, ir.Literal) and given.value is True
        if agrees if override.agrees else not body or (len(body) == 1 and isinstance(body[0], ir.Return)):
            node = ir.Name(function.definition.at, name)
            note(frame, override.rule, function.definition.at, node, override.why)


def check_parameters(frame: Frame, function: Function) -> None:
    """Note a secret that a parameter has as its default."""
    for parameter in function.definition.parameters:
        if parameter.default is not None:
            check_secret(frame, parameter.name, parameter.default)


def check_module(frame: Frame) -> None:
    """Note weak imports, and patterns that backtrack wherever a module keeps them: in a table they meet no call."""
    body = frame.module.lowered.body
    program, knowledge = frame.engine.program, frame.knowledge
    spoken: frozenset[str] | None = None
    for statement in flat(body):
        if not isinstance(statement, ir.Import) or statement.symbol is None:
            continue
        for check in knowledge.imports.get(f"{program.absolute(frame.module, statement)}.{statement.symbol}", ()):
            spoken = spoken if spoken is not None else _spoken(frame.module.lowered.body)
            if spoken.isdisjoint(check.unless):
                note(frame, check.rule, statement.at, ir.Name(statement.at, statement.symbol), check.why)
    for expression in own_expressions(body):
        if isinstance(expression, ir.Literal) and isinstance(expression.value, str):
            check_pattern(frame, expression, expression.value)


def _spoken(body: ir.Block) -> frozenset[str]:
    """Return every name in a module: variables, attributes, arguments, imports."""
    found: set[str] = set()
    work: list[object] = [body]
    while work:
        node = work.pop()
        if isinstance(node, tuple):
            work.extend(node)
        elif isinstance(node, str) and len(node) < 60:
            found.update(node.split("."))
    return frozenset(found)


def check_pattern(frame: Frame, node: ir.Expr, text: str) -> None:
    """Note `text` if it is a pattern whose time doubles with each character more."""
    rule = frame.knowledge.by_kind.get("backtracking")
    if rule is None or _REPEATED_GROUP.search(text) is None:
        return
    if frame.engine.growth(text) is Growth.EXPONENTIAL:
        note(frame, rule, node.at, node, "a pattern that reads one text in many ways")
