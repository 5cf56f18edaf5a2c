"""A campaign for a terminal: the findings, worst first, the way each one takes, and what was not looked at.

Everything from the hunted code is put in as plain text, never as markup; `sekisho.findings` has removed what
drives a terminal.
"""

from collections import Counter

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sekisho.findings import Campaign, Coverage, Finding, Gap, Severity

_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan"}
# More steps than this are for the SARIF viewer.
_STEPS_SHOWN = 12
_GAPS_SHOWN = 10


def render_table(campaign: Campaign, console: Console) -> None:
    """Print `campaign` on `console`."""
    for finding in campaign.findings:
        console.print(_finding(finding))
    console.print(_summary(campaign))


def _finding(finding: Finding) -> RenderableType:
    at = finding.location
    head = Text.assemble(
        (finding.severity.value.upper(), _STYLES[finding.severity]),
        f" {finding.cwe} {finding.rule_id}  ",
        (f"{at.path}:{at.line}:{at.column}", "bold"),
        f"  {at.function}" if at.function else "",
    )
    return Group(head, Padding(Group(*_body(finding)), (0, 0, 1, 2)))


def _body(finding: Finding) -> list[RenderableType]:
    lines: list[RenderableType] = [Text(f"{finding.title} (confidence: {finding.confidence.value})")]
    lines += [Text(f"needs: {precondition}") for precondition in finding.preconditions]
    lines += [Text(f"passes {guard.path}:{guard.line} {guard.expression}: {guard.why}") for guard in finding.guards]
    lines.append(_flow(finding))
    return lines


def _flow(finding: Finding) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    # A place that is cut has lost its line number; code and reason may wrap.
    for is_whole in (True, True, False, False):
        table.add_column(no_wrap=is_whole, overflow="fold")
    for number, step in enumerate(finding.flow[:_STEPS_SHOWN], start=1):
        table.add_row(str(number), Text(f"{step.path}:{step.line}"), Text(step.expression), Text(step.why))
    left = len(finding.flow) - _STEPS_SHOWN
    if left > 0:
        table.add_row("", Text(f"and {left} more"), "", "")
    return table


def _summary(campaign: Campaign) -> RenderableType:
    by_severity = Counter(finding.severity for finding in campaign.findings)
    counts = ", ".join(f"{by_severity[s]} {s.value}" for s in reversed(Severity) if by_severity[s])
    total = len(campaign.findings)
    files = len(campaign.coverage.analyzed)
    head = f"{total} finding{'' if total == 1 else 's'}{f' ({counts})' if counts else ''} in {campaign.target}: "
    engines = ", ".join(f"{engine.name} {engine.version}" for engine in campaign.engines)
    lines = [Text(f"{head}{files} file{'' if files == 1 else 's'} analysed by {engines}, mode {campaign.mode.value}")]
    return Group(*lines, *(Text(line) for line in _gap_lines(campaign.coverage)))


def _gap_lines(coverage: Coverage) -> list[str]:
    """Return what was not looked at: what was left out by name in sum, everything else one by one."""
    chosen = Counter(gap.gap for gap in coverage.not_analyzed)
    lines = []
    if chosen[Gap.EXCLUDED]:
        lines.append(f"not looked at: left out by name (tests, docs, vendored and hidden): {chosen[Gap.EXCLUDED]}")
    if coverage.other_files:
        others = ", ".join(f"{other.count} {other.suffix}" for other in coverage.other_files)
        lines.append(f"not looked at: files that no engine reads: {others}")
    odd = [gap for gap in coverage.not_analyzed if gap.gap is not Gap.EXCLUDED]
    lines += [f"not looked at: {gap.path}: {gap.gap.value}: {gap.detail}" for gap in odd[:_GAPS_SHOWN]]
    if len(odd) > _GAPS_SHOWN:
        lines.append(f"not looked at: {len(odd) - _GAPS_SHOWN} more; --format json lists all")
    return lines
