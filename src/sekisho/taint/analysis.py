"""The front door: sources in, an analysis out."""

from collections.abc import Iterable, Mapping

from sekisho.taint import ir
from sekisho.taint.budget import Budget
from sekisho.taint.collector import collector_paused
from sekisho.taint.engine.report import report
from sekisho.taint.engine.solver import Engine
from sekisho.taint.findings import Analysis, Mode, NotAnalyzed
from sekisho.taint.frontends.java import lower_java
from sekisho.taint.frontends.python import lower_python
from sekisho.taint.frontends.templates import is_template_path, lower_template
from sekisho.taint.knowledge import Knowledge, default_knowledge
from sekisho.taint.program import Program


def lower(path: str, data: bytes) -> ir.ModuleIR | NotAnalyzed:
    """Return the IR of one file, or why there is none. `path` is relative, with `/`; it names the module, and its end
    the language: Java for `.java`, else Python.

    The result depends on the two arguments alone and can be pickled: it may be made in another process and kept.
    """
    if is_template_path(path):
        return lower_template(path, data)
    return lower_java(path, data) if path.endswith(".java") else lower_python(path, data)


def analyze(
    sources: Mapping[str, bytes],
    *,
    mode: Mode = Mode.BOTH,
    knowledge: Knowledge | None = None,
    budget: Budget | None = None,
) -> Analysis:
    """Return the flows in `sources`, a program or package: relative path to content.

    The result does not depend on the order of `sources`, on the machine, or on the interpreter's hash seed.
    """
    with collector_paused():
        lowered = [lower(path, data) for path, data in sorted(sources.items())]
    return analyze_modules(lowered, mode=mode, knowledge=knowledge, budget=budget)


def analyze_modules(
    modules: Iterable[ir.ModuleIR | NotAnalyzed],
    *,
    mode: Mode = Mode.BOTH,
    knowledge: Knowledge | None = None,
    budget: Budget | None = None,
) -> Analysis:
    """Return the flows in `modules`, as `lower` made them, here or in another process."""
    with collector_paused():
        return _analyzed(list(modules), mode, knowledge or default_knowledge(), budget or Budget())


def _analyzed(listed: list[ir.ModuleIR | NotAnalyzed], mode: Mode, knowledge: Knowledge, budget: Budget) -> Analysis:
    lowered = [module for module in listed if isinstance(module, ir.ModuleIR)]
    refused = [module for module in listed if isinstance(module, NotAnalyzed)]
    engine = Engine(Program(lowered, knowledge.every_type()), knowledge, budget)
    engine.run()
    gaps = {*refused, *engine.gaps, *(gap for module in lowered for gap in _gaps(module))}
    return Analysis(
        findings=report(engine, mode),
        not_analyzed=tuple(sorted(gaps, key=lambda gap: (gap.path, gap.reason))),
        files=len(lowered),
        lines=sum(module.lines for module in lowered),
    )


def _gaps(module: ir.ModuleIR) -> Iterable[NotAnalyzed]:
    """One line for a file: where the first gap is, and how many there are."""
    if module.gaps:
        first, more = module.gaps[0], len(module.gaps) - 1
        others = f", and {more} more places" if more else ""
        reason = f"line {ir.line_of(first.at)}: {first.reason}{others}; the rest was analysed"
        yield NotAnalyzed(path=module.path, reason=reason)
