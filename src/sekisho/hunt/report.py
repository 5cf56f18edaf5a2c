"""A campaign as SARIF 2.1.0, with what was not looked at among the notifications."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sekisho.findings import Campaign, Finding, FlowStep, Gap, NotAnalyzed, Severity, clean_text
from sekisho.formats.sarif import Flaw, Note, Rule, Run, Source, Step, write_sarif
from sekisho.hunt.errors import ReportNotWritten
from sekisho.hunt.weaknesses import weakness_of

HOME = "https://sekisho.example/"

_LEVELS = {Severity.LOW: "note", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error"}
# The middles of GitHub's bands for security-severity.
_SCORES = {Severity.LOW: "2.0", Severity.MEDIUM: "5.5", Severity.HIGH: "8.0", Severity.CRITICAL: "9.5"}
# Left out by choice, as against left out because something went wrong.
_CHOSEN = frozenset({Gap.EXCLUDED, Gap.LINK})


def to_sarif(campaign: Campaign, *, version: str) -> bytes:
    """Return `campaign` as a SARIF log; `version` is the tool's. Equal campaigns give equal bytes."""
    return write_sarif(
        Run(
            tool="Sekisho",
            version=version,
            home=HOME,
            base="The root of the hunted code.",
            started_at=campaign.started_at,
            finished_at=campaign.finished_at,
            successful=True,
            rules=tuple(_rules(campaign.findings)),
            sources=tuple(Source(path=read.path, sha256=read.sha256) for read in campaign.coverage.analyzed),
            flaws=tuple(_flaw(finding) for finding in campaign.findings),
            notes=tuple(_note(gap) for gap in campaign.coverage.not_analyzed),
            facts=(
                ("campaign", campaign.id),
                ("target", campaign.target),
                ("mode", campaign.mode.value),
                ("engines", ", ".join(f"{engine.name} {engine.version}" for engine in campaign.engines)),
                ("otherFiles", ", ".join(f"{o.count} {o.suffix}" for o in campaign.coverage.other_files) or "none"),
            ),
        )
    )


def write_report(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all, readable by its owner alone; or raise ReportNotWritten."""
    try:
        with tempfile.TemporaryDirectory(dir=path.absolute().parent) as folder:
            part = Path(folder, "report")
            # A report says where code is weak: it is not for every account of the machine.
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
            part.replace(path)
    except OSError as error:
        raise ReportNotWritten(f"cannot write {clean_text(str(path))}: {type(error).__name__}") from error


def _rules(findings: Iterable[Finding]) -> Iterable[Rule]:
    """Yield each rule that found something, in order of id, as bad as its worst finding."""
    worst: dict[str, Finding] = {}
    for finding in findings:
        held = worst.setdefault(finding.rule_id, finding)
        if finding.severity.rank > held.severity.rank:
            worst[finding.rule_id] = finding
    for rule_id, finding in sorted(worst.items()):
        weakness = weakness_of(finding.cwe)
        yield Rule(
            id=rule_id,
            title=weakness.title,
            description=f"{weakness.title} ({finding.cwe}): data from outside reaches a place where it does harm.",
            help=weakness.cure,
            cwe=finding.cwe,
            level=_LEVELS[finding.severity],
            security_severity=_SCORES[finding.severity],
        )


def _flaw(finding: Finding) -> Flaw:
    at = finding.location
    facts = {
        "confidence": finding.confidence.value,
        "engine": f"{finding.engine.name} {finding.engine.version}",
        "finding": finding.id,
        "severity": finding.severity.value,
    }
    if finding.preconditions:
        facts["preconditions"] = "; ".join(finding.preconditions)
    if finding.guards:
        facts["guards"] = "; ".join(f"{g.path}:{g.line} {g.expression}: {g.why}" for g in finding.guards)
    return Flaw(
        rule_id=finding.rule_id,
        level=_LEVELS[finding.severity],
        message=finding.title,
        at=Step(path=at.path, line=at.line, column=at.column, code=_code_at(finding), remark=""),
        function=at.function,
        flow=tuple(_step(step) for step in finding.flow),
        fingerprint=finding.fingerprint,
        facts=tuple(sorted(facts.items())),
    )


def _code_at(finding: Finding) -> str:
    """Return the code at the finding's place as its flow ends in it, "" where the flow does not tell."""
    end = finding.flow[-1:]
    return "".join(s.expression for s in end if (s.path, s.line) == (finding.location.path, finding.location.line))


def _step(step: FlowStep) -> Step:
    return Step(path=step.path, line=step.line, column=None, code=step.expression, remark=step.why or "goes on")


def _note(gap: NotAnalyzed) -> Note:
    text = f"{gap.path} was not analysed: {gap.detail or gap.gap.value}."
    return Note(kind=gap.gap.value, path=gap.path, text=text, level="note" if gap.gap in _CHOSEN else "warning")
