"""From flows in summaries to findings: who lets the data in, which of many ways is shown, and in what words."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from sekisho.taint import ir
from sekisho.taint.engine.checks import WRITTEN
from sekisho.taint.engine.entries import Way, application_way, is_framework_parameter, library_way
from sekisho.taint.engine.solver import Engine
from sekisho.taint.engine.summary import Hit
from sekisho.taint.engine.values import HARMLESS, Origin, Point, Step
from sekisho.taint.findings import Confidence, FlowStep, GuardSeen, Location, Mode, Severity, TaintFinding
from sekisho.taint.frontends.templates import ESCAPED
from sekisho.taint.frontends.templates.lowering import PLACES
from sekisho.taint.knowledge.model import OWN
from sekisho.taint.program import Function
from sekisho.taint.render import render

# Steps of one finding. The middle of a longer flow is left out.
_MAX_STEPS = 24
# Facts of a flow that somebody had to guess at: through an unknown call, or kept somewhere and found there again.
_GUESSED = frozenset({"assumed", "stored"})
_MODES = {
    Mode.BOTH: frozenset({Mode.APPLICATION, Mode.LIBRARY}),
    Mode.APPLICATION: frozenset({Mode.APPLICATION}),
    Mode.LIBRARY: frozenset({Mode.LIBRARY}),
}
_MILDER = {
    Severity.CRITICAL: Severity.HIGH,
    Severity.HIGH: Severity.MEDIUM,
    Severity.MEDIUM: Severity.LOW,
    Severity.LOW: Severity.LOW,
}


class Candidate(NamedTuple):
    """A flow from a way in to a sink. `place`: where it is reported, if not at the sink."""

    hit: Hit
    way: Way
    function: Function | None
    confidence: Confidence
    place: Point | None = None


def report(engine: Engine, mode: Mode) -> tuple[TaintFinding, ...]:
    """Return the findings, ordered by place and rule: for each sink the surest way in, or each way in by itself where
    several functions of an application let data in."""
    sinks: dict[tuple[str, Point], list[Candidate]] = {}
    for candidate in _candidates(engine, _MODES[mode]):
        sinks.setdefault((candidate.hit.rule.id, candidate.hit.point), []).append(candidate)
    chosen = [candidate for ways in sinks.values() for candidate in _ways_in(ways)]
    findings = sorted(map(_finding, _first_sinks(chosen)), key=_order)
    return tuple(_with_fingerprints(findings))


def _ways_in(candidates: list[Candidate]) -> list[Candidate]:
    """Return one candidate for each function that lets data in to one sink; outside of applications the surest."""
    best: dict[tuple[str, str], Candidate] = {}
    for candidate in candidates:
        if candidate.way.mode is Mode.APPLICATION and candidate.hit.taint.origin.kind != WRITTEN:
            entry = _entry(candidate)
            seen = best.get(entry)
            if seen is None or _rank(candidate) < _rank(seen):
                best[entry] = candidate
    if len(best) < 2:
        return [min(candidates, key=_rank)]
    last = [candidate for entry, candidate in best.items() if not (_passed(candidate) & best.keys()) - {entry}]
    if len(last) < 2 or any(map(_is_worked_on, last)):
        return [min(last or candidates, key=_rank)]
    return [candidate._replace(place=_leaving(candidate)) for candidate in last]


def _entry(candidate: Candidate) -> tuple[str, str]:
    """The file and function in which the data comes in."""
    point = candidate.hit.taint.origin.point
    return (point.path, point.function)


def _passed(candidate: Candidate) -> set[tuple[str, str]]:
    """Return the functions that the flow goes through, and the sink's: a way in behind another is that one's flow."""
    point = candidate.hit.point
    steps = _in_order(candidate.hit.taint.step)
    return {(point.path, point.function), *((step.point.path, step.point.function) for step in steps)}


def _is_worked_on(candidate: Candidate) -> bool:
    """Say whether the sink's function does more than pass on what it is given: it is the one to mend then."""
    point = candidate.hit.point
    steps = _in_order(candidate.hit.taint.step)
    inside = {step.point for step in steps if (step.point.path, step.point.function) == (point.path, point.function)}
    guarded = any(guard.point.function == point.function for guard in candidate.hit.taint.guards)
    return guarded or len(inside) > 1


def _leaving(candidate: Candidate) -> Point:
    """Return where the flow leaves the function that lets the data in, for a sink in a function that others share."""
    hit = candidate.hit
    step = hit.taint.step
    if "stored" in hit.taint.facts:
        return hit.point
    while step is not None and (step.point.path, step.point.function) != _entry(candidate):
        step = step.before
    return step.point if step is not None else hit.point


def _first_sinks(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Of the sinks in one function that one origin reaches, return the first: what mends it mends them all."""
    first: dict[tuple[str, str, str, Origin], Candidate] = {}
    for candidate in sorted(
        candidates, key=lambda candidate: (candidate.hit.point, candidate.hit.rule.id, _rank(candidate))
    ):
        point = candidate.hit.point
        first.setdefault((candidate.hit.rule.id, point.path, point.function, candidate.hit.taint.origin), candidate)
    return list(first.values())


def _candidates(engine: Engine, modes: frozenset[Mode]) -> Iterable[Candidate]:
    for summary in engine.module_hits.values():
        for hit in summary.hits.values():
            yield from _from_code(hit, modes) if hit.taint.origin.kind == WRITTEN else _from_source(engine, hit, modes)
    for function in engine.program.functions:
        found = engine.summaries.get(function)
        for hit in found.hits.values() if found is not None else ():
            if not hit.needs <= hit.taint.facts:
                continue
            if hit.taint.origin.kind == WRITTEN:
                yield from _from_code(hit, modes)
            elif hit.taint.origin.kind == "source":
                yield from _from_source(engine, hit, modes)
            else:
                yield from _from_parameter(engine, function, hit, modes)


def _from_code(hit: Hit, modes: frozenset[Mode]) -> Iterable[Candidate]:
    """What is weak as it is written needs nobody to reach it; it counts in every mode."""
    mode = Mode.APPLICATION if Mode.APPLICATION in modes else Mode.LIBRARY
    yield Candidate(hit, Way(mode, hit.taint.origin.name), None, Confidence.HIGH)


def _from_source(engine: Engine, hit: Hit, modes: frozenset[Mode]) -> Iterable[Candidate]:
    mode = Mode.APPLICATION if Mode.APPLICATION in modes else Mode.LIBRARY
    if hit.rule.own and not hit.taint.origin.name.startswith(OWN):
        return
    why, every_mode = _source_of(engine, hit.taint.origin.name)
    if hit.needs <= hit.taint.facts and (every_mode or mode is Mode.APPLICATION):
        yield Candidate(hit, Way(mode, why), None, _confidence(hit, mode))


def _source_of(engine: Engine, name: str) -> tuple[str, bool]:
    """Return why data of the source or entry `name` comes from outside, and whether it does so in every mode."""
    source = engine.knowledge.source(name)
    if source is not None:
        return source.why, source.mode is Mode.BOTH
    return engine.knowledge.entry(name).why, False


def _from_parameter(engine: Engine, function: Function, hit: Hit, modes: frozenset[Mode]) -> Iterable[Candidate]:
    origin = hit.taint.origin
    if function.module.is_template:
        yield from _from_template(engine, function, hit, modes)
        return
    if hit.rule.own or origin.point != Point(function.module.path, function.definition.qualname, 0):
        return
    knowledge = engine.knowledge.of(function.module.lowered.language)
    way = application_way(engine.program, knowledge, function, origin, hit.rule) if Mode.APPLICATION in modes else None
    if way is None and Mode.LIBRARY in modes and not is_framework_parameter(knowledge, function, origin):
        way = library_way(engine.program, function, origin, hit.rule, hit.taint.facts)
        if way is None and hit.rule.constructor:
            way = _constructor_way(engine, function, hit)
    if way is not None:
        yield Candidate(hit, way, function, _confidence(hit, way.mode))


def _from_template(engine: Engine, function: Function, hit: Hit, modes: frozenset[Mode]) -> Iterable[Candidate]:
    """A template's variables are what its callers say. One that nobody renders is worth a look where it says itself
    that a variable is not to be escaped."""
    if Mode.APPLICATION not in modes or hit.taint.origin.point != Point(
        function.module.path, function.definition.qualname, 0
    ):
        return
    way = application_way(engine.program, engine.knowledge, function, hit.taint.origin, hit.rule)
    rule = engine.knowledge.by_kind.get("template-variable")
    if way is not None and function.definition.name == ESCAPED:
        yield Candidate(hit, way, function, _confidence(hit, way.mode))
    elif rule is not None and function.definition.name == ESCAPED and _marks_safe(hit) and not engine.is_used(function):
        way = Way(Mode.APPLICATION, "a variable of the template")
        yield Candidate(hit._replace(rule=rule), way, function, Confidence.LOW)


def _marks_safe(hit: Hit) -> bool:
    node = hit.expression
    return isinstance(node, ir.Call) and node.target == ir.Name(node.at, PLACES["content"])


def _constructor_way(engine: Engine, function: Function, hit: Hit) -> Way | None:
    """What a caller gave to the constructor is used by a method later, through an attribute."""
    origin, owner = hit.taint.origin, function.owner
    constructor = owner.find("__init__") if owner is not None else None
    if constructor is None or origin.name != function.receiver or not engine.program.is_public(function):
        return None
    summary = engine.summaries.get(constructor)
    written = summary.writes.get((constructor.receiver or "", origin.path[0])) if summary and origin.path else None
    for taint in written.taints if written is not None else ():
        facts = hit.taint.facts | taint.facts
        if hit.rule.kind not in taint.safe and HARMLESS not in taint.safe and taint.origin.kind == "param":
            inner = taint.origin._replace(path=(*taint.origin.path, *origin.path[1:]))
            way = library_way(engine.program, constructor, inner, hit.rule, facts)
            if way is not None:
                return way
    return None


def _confidence(hit: Hit, mode: Mode) -> Confidence:
    guessed = not hit.sure or not _GUESSED.isdisjoint(hit.taint.facts)
    if mode is Mode.APPLICATION:
        return Confidence.MEDIUM if guessed else Confidence.HIGH
    return Confidence.LOW if guessed else Confidence.MEDIUM


def _rank(candidate: Candidate) -> tuple[int, int, int, str, str, tuple[str, ...]]:
    """The surest and shortest way is the one to show; names decide the rest, so that the choice is always the same."""
    hit, function = candidate.hit, candidate.function
    length = hit.taint.step.length if hit.taint.step is not None else 0
    name = function.name if function is not None else ""
    surest = list(Confidence).index(candidate.confidence)
    return (candidate.way.mode is Mode.LIBRARY, surest, length, name, hit.taint.origin.name, hit.taint.origin.path)


def _finding(candidate: Candidate) -> TaintFinding:
    hit, rule, way = candidate.hit, candidate.hit.rule, candidate.way
    library = way.mode is Mode.LIBRARY and candidate.hit.taint.origin.kind != WRITTEN
    outside = (f"A caller passes on data from outside: {way.why}.",) if library else ()
    return TaintFinding(
        rule_id=rule.id,
        cwe=rule.cwe,
        message=rule.message,
        severity=_MILDER[rule.severity] if library else rule.severity,
        confidence=candidate.confidence,
        mode=way.mode,
        location=_location(candidate.place or hit.point),
        preconditions=(*outside, *rule.preconditions),
        flow=_flow(candidate),
        guards=tuple(
            GuardSeen(location=_location(guard.point), expression=render(guard.expression), why=guard.why)
            for guard in sorted(hit.taint.guards, key=lambda guard: (guard.point, guard.why))
            if rule.kind in guard.kinds
        ),
        fingerprint=_callee(hit),
    )


def _location(point: Point) -> Location:
    return Location(path=point.path, line=ir.line_of(point.at), column=ir.column_of(point.at), function=point.function)


def _flow(candidate: Candidate) -> tuple[FlowStep, ...]:
    steps = [
        FlowStep(location=_location(step.point), expression=render(step.expression), why=step.why)
        for step in _in_order(candidate.hit.taint.step)
    ]
    function = candidate.function
    if function is not None:
        point = Point(function.module.path, function.definition.qualname, function.definition.at)
        name = candidate.hit.taint.origin.name + "".join(map(_key, candidate.hit.taint.origin.path))
        steps.insert(0, FlowStep(location=_location(point), expression=name, why=candidate.way.why))
    half = _MAX_STEPS // 2
    return tuple(steps if len(steps) <= _MAX_STEPS else steps[:half] + steps[-half:])


def _key(key: str) -> str:
    return key if key.startswith(".") else "[…]" if key == "*" else f"[{key!r}]"


def _in_order(last: Step | None) -> list[Step]:
    """Return the linked steps from first to last, those inside a call after the call's own."""
    found: list[Step] = []
    work: list[tuple[Step, bool]] = [(last, False)] if last is not None else []
    while work:
        step, opened = work.pop()
        if opened:
            found.append(step)
            continue
        if step.inner is not None:
            work.append((step.inner, False))
        work.append((step, True))
        if step.before is not None:
            work.append((step.before, False))
    return found


def _callee(hit: Hit) -> str:
    """The last name of what is called: stable when a variable is renamed. What was found by reflection, or is
    given back, has no name."""
    node = hit.expression
    target = node.target if isinstance(node, ir.Call) else node
    if hit.rule.kind == "reflection" or (isinstance(node, ir.Name) and hit.taint.origin.kind != WRITTEN):
        return ""
    if isinstance(target, ir.Attribute):
        return target.name
    return target.id if isinstance(target, ir.Name) else ""


def _order(finding: TaintFinding) -> tuple[str, int, int, str]:
    return (finding.location.path, finding.location.line, finding.location.column, finding.rule_id)


def _with_fingerprints(findings: list[TaintFinding]) -> Iterable[TaintFinding]:
    """The rule, the file, the function and what is called; a number tells apart what those do not."""
    counts: dict[tuple[str, ...], int] = {}
    for finding in findings:
        parts = (finding.rule_id, finding.location.path, finding.location.function, finding.fingerprint)
        counts[parts] = number = counts.get(parts, 0) + 1
        digest = hashlib.sha256("\n".join((*parts, str(number))).encode()).hexdigest()
        yield replace(finding, fingerprint=digest[:32])
