"""What is known once a test has held, or has not."""

from sekisho.taint import ir
from sekisho.taint.engine.arguments import bind, evaluate_arguments
from sekisho.taint.engine.attributes import read_attribute
from sekisho.taint.engine.calls import subject_of
from sekisho.taint.engine.frame import Env, Frame, join_env
from sekisho.taint.engine.marks import mark, names_in
from sekisho.taint.engine.patterns import judge_pattern
from sekisho.taint.engine.prefixes import starts_with
from sekisho.taint.engine.refs import ClassRef, External, FunctionRef, InstanceRef
from sekisho.taint.engine.values import (
    ANY,
    EMPTY,
    HARMLESS,
    UNKNOWN,
    Flag,
    Guard,
    Value,
    all_taints,
    is_trusted,
    read,
    with_taints,
)

_ALL = frozenset({HARMLESS})
_PATHS = (ir.Name, ir.Attribute, ir.Item)
_NUMBERS = frozenset({"int", "float", "bool", "complex", "numbers.Number", "numbers.Integral", "numbers.Real"}) | {
    f"java.lang.{name}" for name in ("Integer", "Long", "Number", "Boolean", "Double")
}
_PREFIXES = frozenset({"startswith", "startsWith"})
_WHOLE = frozenset({"java.util.regex.Pattern.matches"})
_MATCHERS = {"re.match": False, "re.fullmatch": True, "re.search": False}


def refine(frame: Frame, test: ir.Expr, truth: bool, env: Env | None) -> Env | None:
    """Return `env` as it is where `test` was `truth`, None if it cannot be. `env` is changed; copy it before."""
    if env is None:
        return None
    before, frame.env = frame.env, env
    try:
        return _refine(frame, test, truth, env)
    finally:
        frame.env = before


def _refine(frame: Frame, test: ir.Expr, truth: bool, env: Env) -> Env | None:
    if isinstance(test, ir.Not):
        return refine(frame, test.operand, not truth, env)
    if isinstance(test, ir.Logic):
        return _logic(frame, test, truth, env)
    if isinstance(test, ir.Literal):
        return env if bool(test.value) is truth else None
    if isinstance(test, ir.Compare):
        return _compare(frame, test, truth, env)
    if isinstance(test, ir.Call):
        return _call(frame, test, truth, env)
    if isinstance(test, ir.Bind):
        return refine(frame, test.value, truth, refine(frame, test.target, truth, env))
    if isinstance(test, _PATHS):
        return _truth(frame, test, truth, env)
    return env


def _logic(frame: Frame, test: ir.Logic, truth: bool, env: Env) -> Env | None:
    """`a and b` held: both did. It did not: a did not, or a did and b did not. `or` the other way round."""
    if test.conjunction is truth:
        current: Env | None = env
        for operand in test.operands:
            current = refine(frame, operand, truth, current)
        return current
    result: Env | None = None
    current = env
    for operand in test.operands:
        if current is None:
            break
        result = join_env(result, refine(frame, operand, truth, dict(current)))
        current = refine(frame, operand, not truth, current)
    return result


def _truth(frame: Frame, test: ir.Expr, truth: bool, env: Env) -> Env | None:
    value = frame.value(test)
    if value.const is not UNKNOWN and bool(value.const) is not truth:
        return None
    if isinstance(value.test, Flag):
        _recall(value.test.known.get(truth, {}), env)
    elif value.test is not None and not frame.recalling:
        # Once: the remembered test may speak of the very name that holds its answer.
        frame.recalling = True
        try:
            return refine(frame, value.test, truth, env)
        finally:
            frame.recalling = False
    if not truth and value.taints:
        _empty_part(frame, test, env)
        # What is empty or false carries nothing.
        mark(frame, test, env, _ALL, views=False)
    return env


def _recall(known: dict[str, Value], env: Env) -> None:
    """Mark what the branch that set a flag knew of the variables, as far as they still hold the same."""
    for name, then in known.items():
        now = env.get(name)
        if now is None or not now.taints:
            continue
        safe = {(taint.origin, taint.step): taint.safe for taint in then.taints}
        taints = tuple(taint.changed(add=safe.get((taint.origin, taint.step), EMPTY)) for taint in now.taints)
        env[name] = with_taints(now, taints)


def _empty_part(frame: Frame, test: ir.Expr, env: Env) -> None:
    """An address with neither scheme nor host leads nowhere else. One of the two being empty is not enough."""
    if not isinstance(test, ir.Attribute) or test.name not in {"netloc", "hostname", "scheme"}:
        return
    found = frozenset({"no-scheme" if test.name == "scheme" else "no-host"})
    for name in sorted(names_in(test.base, env)):
        node = ir.Name(test.at, name)
        mark(frame, node, env, found, views=False)
        mark(frame, node, env, frozenset({"redirect", "ssrf"}), needs=frozenset({"no-scheme", "no-host"}), views=False)


def _compare(frame: Frame, test: ir.Compare, truth: bool, env: Env) -> Env | None:
    left, right = frame.value(test.left), frame.value(test.right)
    if test.operator in {"==", "is", "!=", "is not"}:
        equal = truth is (test.operator in {"==", "is"})
        if left.const is not UNKNOWN and right.const is not UNKNOWN and (left.const == right.const) is not equal:
            return None
        if right.const is None and left.test is not None:
            return _truth(frame, test.left, not equal, env)
        for subject, node, other in ((left, test.left, right), (right, test.right, left)):
            _equality(frame, test, node, subject, other, equal, env)
    elif test.operator in {"in", "not in"}:
        _membership(frame, test, left, right, truth is (test.operator == "in"), env)
    return env


def _equality(
    frame: Frame, test: ir.Compare, node: ir.Expr, subject: Value, other: Value, equal: bool, env: Env
) -> None:
    if not equal or not (subject.taints or subject.items or subject.made_from):
        return
    if isinstance(subject.ref, External) and subject.ref.name in frame.knowledge.common:
        _common(frame, test, node, subject, subject.ref.name, env)
    elif is_trusted(other, subject):
        _known_value(frame, node, subject, env)


def _common(frame: Frame, test: ir.Compare, node: ir.Expr, subject: Value, name: str, env: Env) -> None:
    """What two paths have in common is the folder: inside, if it was compared in the right way."""
    rule = frame.knowledge.common[name]
    weak = Guard(frame.point(test.at), test, rule.otherwise, rule.kinds)
    names = names_in(node, env) | set(subject.made_from)
    for found in sorted(names):
        if rule.safe:
            mark(frame, ir.Name(node.at, found), env, rule.safe, needs=rule.needs, weak=weak)
        else:
            mark(frame, ir.Name(node.at, found), env, EMPTY, guards=(weak,), views=False)


def _known_value(frame: Frame, node: ir.Expr, subject: Value, env: Env) -> None:
    """The subject is one of values that nobody outside chose. Of a part of it, only that part is known."""
    part = node.name if isinstance(node, ir.Attribute) else None
    kinds = frame.knowledge.part_guards.get(part) if part is not None else None
    if kinds is not None and isinstance(node, ir.Attribute):
        for name in sorted(names_in(node.base, env)):
            mark(frame, ir.Name(node.at, name), env, kinds, views=False)
    elif isinstance(subject.ref, External) and _is_part(frame, subject.ref.name):
        kinds = frame.knowledge.part_guards[subject.ref.name.rpartition(".")[2]]
        for name in subject.made_from:
            mark(frame, ir.Name(node.at, name), env, kinds, views=False)
    mark(frame, node, env, _ALL, views=False)


def _is_part(frame: Frame, name: str) -> bool:
    return name.rpartition(".")[2] in frame.knowledge.part_guards


def _membership(frame: Frame, test: ir.Compare, left: Value, right: Value, inside: bool, env: Env) -> None:
    if isinstance(test.right, ir.Attribute) and test.right.name == "parents" and inside and is_trusted(left, right):
        weak = Guard(frame.point(test.at), test, "the path is compared before it is resolved", frozenset({"path"}))
        mark(frame, test.right.base, env, frozenset({"path"}), needs=frozenset({"resolved"}), weak=weak)
        return
    if inside and all_taints(left) and is_trusted(right, left):
        _known_value(frame, test.left, left, env)
    if not inside and isinstance(left.const, str) and all_taints(right):
        safe = frame.knowledge.rejected.get(left.const, EMPTY)
        if safe:
            mark(frame, test.right, env, safe)


def _call(frame: Frame, test: ir.Call, truth: bool, env: Env) -> Env | None:
    callee, receiver, method = _callee(frame, test)
    if isinstance(callee.ref, FunctionRef):
        _by_summary(frame, test, callee.ref, truth, env)
        return env
    name = callee.ref.name if isinstance(callee.ref, External) else ""
    if name in {"isinstance", "instanceof"} and truth:
        _instance(frame, test, env)
    elif name in {"any", "all"}:
        return _quantified(frame, test, name == "all", truth, env)
    elif name == "bool" and len(test.arguments) == 1:
        return refine(frame, test.arguments[0].value, truth, env)
    elif method in _PREFIXES and receiver is not None and name not in frame.knowledge.call_guards:
        starts_with(frame, test, receiver, truth, env)
    elif name in _WHOLE or (name.rpartition(".")[2] == "matches" and receiver is not None):
        _whole_match(frame, test, receiver, name, truth, env)
    elif name in _MATCHERS or (name.startswith("re.compile.") and method in {"match", "fullmatch", "search"}):
        _pattern(frame, test, receiver, name, truth, env)
    else:
        _known_check(frame, test, name, method, truth, env)
    return env


def _callee(frame: Frame, test: ir.Call) -> tuple[Value, Value | None, str]:
    if isinstance(test.target, ir.Attribute):
        receiver = frame.value(test.target.base)
        return read_attribute(frame, test.target, receiver), receiver, test.target.name
    return frame.value(test.target), None, ""


def _by_summary(frame: Frame, test: ir.Call, ref: FunctionRef, truth: bool, env: Env) -> None:
    """A check that the program wrote itself: what its answer says about its parameters."""
    known = frame.knowledge.call_guards.get(ref.function.name)
    if known is not None and known.truth is truth:
        subject = subject_of(test, known)
        if subject is not None:
            mark(frame, subject, env, known.safe)
    summary = frame.engine.summary_of(ref.function, frame)
    checks = summary.on_true if truth else summary.on_false
    if not checks:
        return
    _, nodes = bind(ref.function, ref.bound, evaluate_arguments(frame, test))
    for parameter, check in checks.items():
        if parameter in nodes:
            mark(frame, nodes[parameter], env, check.safe, guards=check.guards)


def _instance(frame: Frame, test: ir.Call, env: Env) -> None:
    if len(test.arguments) != 2:
        return
    subject, kinds = test.arguments[0].value, frame.value(test.arguments[1].value)
    names = [kinds.ref] if kinds.ref is not None else [item.ref for item in (kinds.items or {}).values()]
    if names and all(isinstance(ref, External) and ref.name in _NUMBERS for ref in names):
        mark(frame, subject, env, _ALL)
    elif isinstance(kinds.ref, ClassRef) and isinstance(subject, ir.Name) and subject.id in env:
        held = env[subject.id]
        if held.ref is None:
            made = with_taints(held, held.taints)
            made.ref = InstanceRef(kinds.ref.definition)
            env[subject.id] = made


def _quantified(frame: Frame, test: ir.Call, every: bool, truth: bool, env: Env) -> Env | None:
    """`all(...)` that held, or `any(...)` that did not, says the same of each item."""
    inner = test.arguments[0].value if test.arguments else None
    if not isinstance(inner, ir.Comprehension) or len(inner.clauses) != 1:
        return env
    clause = inner.clauses[0]
    iterable = frame.value(clause.iterable)
    if not isinstance(clause.target, ir.Name):
        return env
    if every is not truth:
        return env if all_taints(iterable) else _some_item(frame, inner, clause.target.id, iterable, truth, env)
    if all_taints(iterable):
        return _each_item(frame, inner, clause, iterable, truth, env)
    for item in [item for key, item in (iterable.items or {}).items() if key != ANY][:32]:
        env[clause.target.id] = item
        if refine(frame, inner.value, truth, env) is None:
            break
    env.pop(clause.target.id, None)
    return env


def _some_item(frame: Frame, inner: ir.Comprehension, name: str, iterable: Value, truth: bool, env: Env) -> Env | None:
    """`any(...)` that held says the same of one item, nobody knows which."""
    items = [item for key, item in (iterable.items or {}).items() if not key.startswith(".")]
    hidden = env.get(name)
    result: Env | None = None
    for item in items[:32] or [Value()]:
        result = join_env(result, refine(frame, inner.value, truth, {**env, name: item}))
    if result is not None:
        result.pop(name, None)
        if hidden is not None:
            result[name] = hidden
    return result


def _each_item(
    frame: Frame, inner: ir.Comprehension, clause: ir.Clause, iterable: Value, truth: bool, env: Env
) -> Env | None:
    """Each letter or item of a tainted value passed a test: so did the value."""
    if not isinstance(clause.target, ir.Name):
        return env
    item = read(iterable, ANY)
    scratch = {**env, clause.target.id: item}
    refined = refine(frame, inner.value, truth, scratch)
    after = all_taints(refined[clause.target.id]) if refined is not None else ()
    gained = frozenset.intersection(*(taint.safe for taint in after)) if after else EMPTY
    if gained:
        mark(frame, clause.iterable, env, gained)
    return env


def _pattern(frame: Frame, test: ir.Call, receiver: Value | None, name: str, truth: bool, env: Env) -> None:
    """A regular expression that the whole text must match allows only what it lists."""
    if not truth or not test.arguments:
        return
    if name in _MATCHERS:
        pattern, subject = frame.value(test.arguments[0].value), 1
        matcher = name.rpartition(".")[2]
    else:
        pattern, subject = read(receiver, ".pattern") if receiver is not None else Value(), 0
        matcher = name.rpartition(".")[2]
    if len(test.arguments) <= subject or not isinstance(pattern.const, str | bytes):
        return
    text = pattern.const if isinstance(pattern.const, str) else pattern.const.decode("latin-1")
    safe, why = judge_pattern(text, matcher, frame.knowledge.kinds)
    node = test.arguments[subject].value
    if safe:
        mark(frame, node, env, safe)
    elif why:
        weak = Guard(frame.point(test.at), test, why, frame.knowledge.kinds)
        mark(frame, node, env, EMPTY, guards=(weak,), views=False)


def _whole_match(frame: Frame, test: ir.Call, receiver: Value | None, name: str, truth: bool, env: Env) -> None:
    """`text.matches(pattern)`, `Pattern.matches(pattern, text)`, `compiled.matcher(text).matches()`."""
    target = test.target.base if isinstance(test.target, ir.Attribute) else None
    if name in _WHOLE and len(test.arguments) == 2:
        pattern, subject = frame.value(test.arguments[0].value), test.arguments[1].value
    elif len(test.arguments) == 1 and target is not None:
        pattern, subject = frame.value(test.arguments[0].value), target
    elif isinstance(target, ir.Call) and isinstance(target.target, ir.Attribute) and target.arguments:
        pattern, subject = read(frame.value(target.target.base), ".pattern"), target.arguments[0].value
    else:
        return
    if not truth or not isinstance(pattern.const, str):
        return
    safe, why = judge_pattern(pattern.const, "fullmatch", frame.knowledge.kinds)
    if safe:
        mark(frame, subject, env, safe)
    elif why:
        weak = Guard(frame.point(test.at), test, why, frame.knowledge.kinds)
        mark(frame, subject, env, EMPTY, guards=(weak,), views=False)


def _known_check(frame: Frame, test: ir.Call, name: str, method: str, truth: bool, env: Env) -> None:
    knowledge = frame.knowledge
    guard = knowledge.call_guards.get(name) or (knowledge.method_guards.get(method) if method else None)
    if guard is None or guard.truth is not truth:
        return
    subject = subject_of(test, guard)
    if subject is not None:
        weak = Guard(frame.point(test.at), test, guard.otherwise, guard.safe) if guard.otherwise else None
        mark(frame, subject, env, guard.safe, needs=guard.needs, weak=weak)
