"""A call of something outside the program: sinks, sources, and what it lets through."""

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments, flowing
from sekisho.taint.engine.attributes import let_through, source_taint
from sekisho.taint.engine.conditions import holds
from sekisho.taint.engine.containers import listed
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.marks import names_in
from sekisho.taint.engine.refs import External
from sekisho.taint.engine.summary import Hit
from sekisho.taint.engine.values import (
    ANY,
    EMPTY,
    END_OF_OPTIONS,
    HARMLESS,
    NOTHING,
    RESOLVED,
    Taint,
    Value,
    all_taints,
    merge_taints,
    read,
)
from sekisho.taint.knowledge.model import Flow, Rule, Sink

_ASSUMED = frozenset({"assumed"})
_JOINED = frozenset({"joined"})
_NOT_RESOLVED = frozenset({RESOLVED})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "cmd", "cmd.exe", "powershell", "powershell.exe"})
_SHELL_FLAGS = frozenset({"-c", "/c", "/C", "-lc", "-Command"})


def reach_sinks(
    frame: Frame, node: ir.Call, sinks: tuple[Sink, ...], receiver: Value | None, arguments: Arguments
) -> None:
    """Note each taint that reaches one of `sinks` in this call."""
    for sink in sinks:
        asked = [holds(c, arguments, receiver) for c in (*sink.when, *sink.unless)]
        if all(asked[: len(sink.when)]) and not any(asked[len(sink.when) :]):
            _reach(frame, node, sink, receiver, arguments)


def _reach(frame: Frame, node: ir.Call, sink: Sink, receiver: Value | None, arguments: Arguments) -> None:
    if sink.argv:
        _reach_program(frame, node, sink, arguments)
        return
    for slot in sink.slots:
        if slot.receiver:
            value = receiver
        elif slot.every:
            value = flowing(arguments, None, None)
        else:
            at = arguments.at(slot)
            value = at[0] if at is not None else None
        if value is not None:
            reach_rule(frame, node, sink.rule, value, sink.facts)


def reach_rule(frame: Frame, node: ir.Expr, rule: Rule, value: Value, needs: frozenset[str] = EMPTY) -> None:
    """Note that the taints of `value` do what `rule` speaks of, unless they are harmless for it."""
    for taint in all_taints(value):
        if rule.kind in taint.safe or HARMLESS in taint.safe:
            continue
        point = frame.point(node.at)
        reached = taint.stepped(point, node, "reaches the sink")
        frame.add_hit(Hit(rule, point, node, reached, needs, sure=True))


def _reach_program(frame: Frame, node: ir.Call, sink: Sink, arguments: Arguments) -> None:
    """A program and its arguments: the first is a command, a shell's script is one, the others may be options."""
    argument_rule = frame.knowledge.by_kind.get("argument")
    if sink.slots and sink.slots[0].every:
        spread = [(value, False) for value in arguments.positional]
        words = listed([*spread, *([(arguments.rest, True)] if arguments.rest is not None else [])])
    else:
        at = arguments.at(sink.slots[0])
        words = at[0] if at is not None else NOTHING
    if not words.items:
        reach_rule(frame, node, sink.rule, words, sink.facts)
        return
    items = words.items
    reach_rule(frame, node, sink.rule, items.get("0", NOTHING), sink.facts)
    if _is_shell_script(items):
        reach_rule(frame, node, sink.rule, items.get("2", NOTHING), sink.facts)
    elif argument_rule is not None:
        for key, item in items.items():
            if key not in {"0", END_OF_OPTIONS} and not key.startswith("."):
                reach_rule(frame, node, argument_rule, item)
    if words.taints and argument_rule is not None:
        reach_rule(frame, node, argument_rule, Value(words.taints))


def _is_shell_script(items: dict[str, Value]) -> bool:
    program, flag = items.get("0", NOTHING).const, items.get("1", NOTHING).const
    return isinstance(program, str) and program.rpartition("/")[2] in _SHELLS and flag in _SHELL_FLAGS


def call_result(
    frame: Frame,
    node: ir.Call,
    name: str | None,
    flows: tuple[Flow, ...],
    callee: Value,
    receiver: Value | None,
    arguments: Arguments,
) -> Value:
    """Return what the call gives. `name`: the dotted name of what is called; `flows`: what is known of it."""
    source = frame.knowledge.sources.get(name) if name is not None else None
    made = frame.knowledge.returns.get(name or "", name)
    if source is not None and (not callee.taints or frame.module.packaged):
        return Value((source_taint(frame, node, source, name or ""),), ref=External(made or ""))
    if not flows:
        taints = tuple(t.changed(facts=_ASSUMED) for t in all_taints(flowing(arguments, receiver, None)))
        ref = External(made) if made is not None else None
        return Value(merge_taints(callee.taints, taints), ref=ref)
    return _through(frame, node, name, flows, receiver, arguments)


def _through(
    frame: Frame,
    node: ir.Call,
    name: str | None,
    flows: tuple[Flow, ...],
    receiver: Value | None,
    arguments: Arguments,
) -> Value:
    made = _joined_path(receiver, arguments) if flows[0].join_path else flowing(arguments, receiver, flows[0].slots)
    result = frame.knowledge.returns.get(name or "", name)
    taints, ref, views = made.taints, External(result) if result is not None else None, False
    for flow in flows:
        taints = let_through(flow, taints)
        views = views or flow.view
        if flow.result is not None:
            kept = receiver.ref if receiver is not None and isinstance(receiver.ref, External) else None
            ref = kept if flow.result == "receiver" else External(flow.result)
    if flows[0].join_path and arguments.positional and arguments.positional[-1].const == "":
        ref = External("ends-with-separator")
    return Value(taints, ref=ref, made_from=_made_from(frame, node) if views else ())


def _made_from(frame: Frame, node: ir.Call) -> tuple[str, ...]:
    env = frame.env or {}
    inner = [argument.value for argument in node.arguments]
    if isinstance(node.target, ir.Attribute):
        inner.append(node.target.base)
    return tuple(sorted({found for part in inner for found in names_in(part, env)}))


def _joined_path(receiver: Value | None, arguments: Arguments) -> Value:
    """`join(base, name)`: what comes after the first part is inside the base only if somebody checks."""
    parts = [*arguments.positional, *([read(arguments.rest, ANY)] if arguments.rest is not None else [])]
    if receiver is not None and not _is_module(receiver):
        parts.insert(0, receiver)
    if len(parts) == 1:
        return Value(all_taints(parts[0]))
    taints: tuple[Taint, ...] = ()
    for number, part in enumerate(parts):
        facts = _JOINED if number else EMPTY
        own = tuple(taint.changed(drop=_NOT_RESOLVED, facts=facts) for taint in all_taints(part))
        taints = merge_taints(taints, own)
    return Value(taints)


def _is_module(receiver: Value) -> bool:
    return isinstance(receiver.ref, External) and not receiver.taints and receiver.ref.name in _PATH_MODULES


_PATH_MODULES = frozenset(
    {"os.path", "posixpath", "ntpath", "pathlib", "anyio", "java.nio.file.Paths", "java.nio.file.Path"}
)
