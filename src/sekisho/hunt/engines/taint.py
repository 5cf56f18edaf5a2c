"""The built-in engine: `sekisho.taint` over all sources as one program."""

from collections.abc import Mapping, Sequence
from importlib import metadata

from sekisho import taint
from sekisho.findings import (
    Confidence,
    Engine,
    FlowStep,
    Gap,
    Location,
    Mode,
    NotAnalyzed,
    Severity,
    clean_text,
    fingerprint_of,
)
from sekisho.findings.types import MAX_FLOW_STEPS, MAX_GUARDS, MAX_PRECONDITIONS
from sekisho.hunt.campaign import Claim, Look
from sekisho.hunt.engines.cache import Cache
from sekisho.hunt.engines.lowering import Broken, Lowered, lower_all
from sekisho.hunt.engines.memory import Memory
from sekisho.hunt.errors import EngineFailed
from sekisho.hunt.progress import OnProgress, Progress, Stage
from sekisho.hunt.recon import Source
from sekisho.taint.knowledge import Knowledge, extended_knowledge

NAME = "sekisho-taint"


class TaintEngine:
    """The data-flow engine. `jobs`: how many processes parse; the analysis itself is one. `cache`: where what was
    worked out is kept; `rules`: knowledge files by name, beside what ships, for which KnowledgeRefused is raised."""

    def __init__(self, *, jobs: int = 1, cache: Cache | None = None, rules: Mapping[str, str] | None = None) -> None:
        self._jobs = jobs
        self._knowledge = extended_knowledge(rules or {})
        self._memory = Memory(cache, rules=rules or {}) if cache is not None else None
        self._identity = Engine(name=NAME, version=metadata.version("sekisho"))

    @property
    def identity(self) -> Engine:
        return self._identity

    def look(self, sources: Sequence[Source], *, mode: Mode, on_progress: OnProgress) -> Look:
        """Return the flows in `sources`, one program, or raise EngineFailed. What the cache holds is the same."""
        key = self._memory.key_of(sources, mode) if self._memory is not None else ""
        known = self._memory.look(key) if self._memory is not None else None
        if known is not None:
            on_progress(Progress(stage=Stage.ANALYZE, done=1, total=1))
            return known
        with taint.collector_paused():
            lowered = self._lowered(sources, on_progress)
            on_progress(Progress(stage=Stage.ANALYZE, done=0, total=1))
            analysis = _analyze(lowered, mode, self._knowledge)
        on_progress(Progress(stage=Stage.ANALYZE, done=1, total=1))
        look = _look_of(sources, lowered, analysis)
        # A parser that died says something of this machine, not of the sources.
        if self._memory is not None and not any(isinstance(item, Broken) for item in lowered):
            self._memory.keep_look(key, look)
        return look

    def _lowered(self, sources: Sequence[Source], on_progress: OnProgress) -> list[Lowered]:
        """Return each source lowered, in order; only what the cache does not hold is parsed."""
        memory = self._memory
        known = {source.path: memory.module(source) for source in sources} if memory is not None else {}
        missing = [source for source in sources if known.get(source.path) is None]

        def on_done(done: int) -> None:
            on_progress(Progress(stage=Stage.PARSE, done=len(sources) - len(missing) + done, total=len(sources)))

        fresh = lower_all(missing, jobs=self._jobs, on_done=on_done) if missing else ()
        made: dict[str, Lowered] = {path: module for path, module in known.items() if module is not None}
        for source, item in zip(missing, fresh, strict=True):
            made[source.path] = item
            if memory is not None and isinstance(item, taint.ModuleIR):
                memory.keep_module(source, item)
        return [made[source.path] for source in sources]


def _look_of(sources: Sequence[Source], lowered: Sequence[Lowered], analysis: taint.Analysis) -> Look:
    texts = {source.path: source.data for source in sources}
    return Look(
        claims=tuple(_claim(finding, texts) for finding in analysis.findings),
        unread=tuple(_unread(item) for item in lowered if not isinstance(item, taint.ModuleIR)),
        partial=tuple(
            NotAnalyzed(path=gap.path, gap=Gap.ENGINE_LIMIT, detail=clean_text(gap.reason))
            for gap in analysis.not_analyzed
        ),
    )


def _analyze(lowered: Sequence[Lowered], mode: Mode, knowledge: Knowledge) -> taint.Analysis:
    modules = [item for item in lowered if isinstance(item, taint.ModuleIR)]
    try:
        return taint.analyze_modules(modules, mode=taint.Mode(mode.value), knowledge=knowledge)
    except Exception as error:  # a hostile tree may find a fault of ours; it gets a code, never a traceback
        raise EngineFailed(f"the data-flow engine broke off: {type(error).__name__}") from error


def _unread(item: taint.NotAnalyzed | Broken) -> NotAnalyzed:
    gap = Gap.ENGINE_FAILED if isinstance(item, Broken) else Gap.NOT_PARSED
    return NotAnalyzed(path=item.path, gap=gap, detail=clean_text(item.reason))


def _claim(found: taint.TaintFinding, texts: Mapping[str, bytes]) -> Claim:
    cwe = f"CWE-{found.cwe}"
    flow = tuple(_step(step) for step in found.flow)
    source = found.flow[0].location if found.flow else None
    return Claim(
        rule_id=found.rule_id,
        cwe=cwe,
        title=clean_text(found.message),
        severity=Severity(found.severity.value),
        confidence=Confidence(found.confidence.value),
        location=_location(found.location, texts),
        # The ends say most: a long flow loses its middle.
        flow=flow if len(flow) <= MAX_FLOW_STEPS else (*flow[: MAX_FLOW_STEPS // 2], *flow[-MAX_FLOW_STEPS // 2 :]),
        guards=tuple(_step(guard) for guard in found.guards[:MAX_GUARDS]),
        preconditions=tuple(clean_text(text) for text in found.preconditions[:MAX_PRECONDITIONS]),
        fingerprint=fingerprint_of(
            cwe=cwe,
            path=found.location.path,
            function=clean_text(found.location.function),
            sink=flow[-1].expression if flow else "",
            entry=clean_text(f"{source.path}:{source.function}") if source else "",
        ),
    )


def _location(at: taint.Location, texts: Mapping[str, bytes]) -> Location:
    return Location(
        path=at.path,
        line=max(at.line, 1),
        column=_column(at, texts[at.path]),
        function=clean_text(at.function),
    )


def _column(at: taint.Location, data: bytes) -> int:
    """Return the column counted in characters: the engine counts bytes, editors and SARIF do not."""
    lines = data.split(b"\n", at.line)
    line = lines[at.line - 1] if 1 <= at.line <= len(lines) else b""
    return len(line[: at.column - 1].decode(errors="replace")) + 1


def _step(step: taint.FlowStep | taint.GuardSeen) -> FlowStep:
    return FlowStep(
        path=step.location.path,
        line=max(step.location.line, 1),
        expression=clean_text(step.expression),
        why=clean_text(step.why),
    )
