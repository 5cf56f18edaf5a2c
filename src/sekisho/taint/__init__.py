"""Interprocedural data-flow analysis: front-ends lower source to one IR, one engine works on it.

Pure: source bytes in, findings out. Nothing here opens a file of the analysed code, imports it or runs it. `lower`
and `analyze_modules` are apart so that a caller can parse in parallel and keep what it parsed.
"""

from sekisho.taint.analysis import analyze, analyze_modules, lower
from sekisho.taint.budget import Budget
from sekisho.taint.collector import collector_paused
from sekisho.taint.findings import (
    Analysis,
    Confidence,
    FlowStep,
    GuardSeen,
    Location,
    Mode,
    NotAnalyzed,
    Severity,
    TaintFinding,
)
from sekisho.taint.frontends.templates import is_template_path
from sekisho.taint.ir import ModuleIR

__all__ = [
    "Analysis",
    "Budget",
    "Confidence",
    "FlowStep",
    "GuardSeen",
    "Location",
    "Mode",
    "ModuleIR",
    "NotAnalyzed",
    "Severity",
    "TaintFinding",
    "analyze",
    "analyze_modules",
    "collector_paused",
    "is_template_path",
    "lower",
]
