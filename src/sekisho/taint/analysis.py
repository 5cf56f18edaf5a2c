"""The front door: sources in, an analysis out."""

from collections.abc import Iterable, Mapping

from sekisho.taint.budget import Budget
from sekisho.taint.findings import Analysis, Mode, NotAnalyzed

from sekisho.taint.ir import ModuleIR


def lower(path: str, data: bytes) -> ModuleIR | NotAnalyzed:
    """Return the IR of one file, or why there is none. `path` is relative, with `/`; it names the module."""
    return lower_python(path, data)


def analyze(sources: Mapping[str, bytes], *, mode: Mode = Mode.BOTH, budget: Budget = Budget()) -> Analysis:
    """Return the flows in `sources`, a program or package: relative path to content.

    The result does not depend on the order of `sources`, on the machine, or on the interpreter's hash seed.
    """
    return analyze_modules([lower(path, data) for path, data in sorted(sources.items())], mode=mode, budget=budget)


def analyze_modules(
    modules: Iterable[ModuleIR | NotAnalyzed], *, mode: Mode = Mode.BOTH, budget: Budget = Budget()
) -> Analysis:
    """Return the flows in `modules`, as `lower` made them, here or in another process."""
    raise NotImplementedError
