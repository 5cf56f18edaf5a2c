"""A campaign: engines look at what recon read, their claims become findings, and the gaps stay in sight.

Pure orchestration: files, processes and screens come in as arguments.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sekisho.core import Clock, IdSource
from sekisho.core.ids import AssetId, CampaignId, FindingId
from sekisho.findings import (
    Campaign,
    Confidence,
    Coverage,
    Engine,
    FileRead,
    Finding,
    FlowStep,
    Location,
    Mode,
    NotAnalyzed,
    Severity,
)
from sekisho.hunt.progress import OnProgress, Progress, Stage, ignore_progress
from sekisho.hunt.recon import Source, Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an engine says: a finding before it has an id, a campaign and a time."""

    rule_id: str
    cwe: str
    title: str
    severity: Severity
    confidence: Confidence
    location: Location
    flow: tuple[FlowStep, ...]
    guards: tuple[FlowStep, ...]
    preconditions: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One engine's result. `unread`: files it could not read at all; `partial`: files it did not read to the end."""

    claims: tuple[Claim, ...]
    unread: tuple[NotAnalyzed, ...]
    partial: tuple[NotAnalyzed, ...]


class HuntEngine(Protocol):
    """Something that finds flaws in source without running it."""

    @property
    def identity(self) -> Engine: ...

    def look(self, sources: Sequence[Source], *, mode: Mode, on_progress: OnProgress) -> Look:
        """Return the claims about `sources`, one program, or raise EngineFailed."""
        ...


def hunt(
    survey: Survey,
    *,
    engine: HuntEngine,
    mode: Mode,
    asset_id: AssetId | None,
    clock: Clock,
    ids: IdSource,
    on_progress: OnProgress = ignore_progress,
) -> Campaign:
    """Return the campaign of `engine` over `survey`; nothing is written.

    Steps: (1) the engine looks; (2) claims with one fingerprint become one; (3) the worst and surest come first;
    (4) what was read, and what was not, is put beside them.
    """
    started_at = clock.now()
    campaign_id = CampaignId(ids.new("cmp"))
    # (1)
    look = engine.look(survey.sources, mode=mode, on_progress=on_progress)
    # (2) (3)
    claims = sorted(strongest(look.claims), key=_worst_first)
    on_progress(Progress(stage=Stage.DEDUPE, done=len(look.claims), total=len(look.claims)))
    finished_at = clock.now()
    return Campaign(
        id=campaign_id,
        asset_id=asset_id,
        target=survey.name,
        mode=mode,
        engines=(engine.identity,),
        started_at=started_at,
        finished_at=max(started_at, finished_at),
        # (4)
        coverage=coverage_of(survey, look),
        findings=tuple(
            Finding(
                id=FindingId(ids.new("fnd")),
                campaign_id=campaign_id,
                asset_id=asset_id,
                rule_id=claim.rule_id,
                cwe=claim.cwe,
                title=claim.title,
                severity=claim.severity,
                confidence=claim.confidence,
                location=claim.location,
                flow=claim.flow,
                guards=claim.guards,
                preconditions=claim.preconditions,
                engine=engine.identity,
                fingerprint=claim.fingerprint,
                found_at=finished_at,
            )
            for claim in claims
        ),
    )


def strongest(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return one claim for each fingerprint: the worst, then the surest, then the one with the shortest flow."""
    kept: dict[str, Claim] = {}
    for claim in sorted(claims, key=lambda claim: (*_worst_first(claim), len(claim.flow))):
        kept.setdefault(claim.fingerprint, claim)
    return tuple(kept.values())


def coverage_of(survey: Survey, look: Look) -> Coverage:
    """Return what was read and what was not: the survey's gaps and the engine's together."""
    unread = {gap.path for gap in look.unread}
    gaps = {*survey.not_analyzed, *look.unread, *look.partial}
    return Coverage(
        analyzed=tuple(
            FileRead(path=source.path, sha256=hashlib.sha256(source.data).hexdigest())
            for source in survey.sources
            if source.path not in unread
        ),
        not_analyzed=tuple(sorted(gaps, key=lambda gap: (gap.path, gap.gap.value, gap.detail))),
        other_files=survey.other_files,
    )


def _worst_first(claim: Claim) -> tuple[int, int, str, int, int, str]:
    at = claim.location
    return (-claim.severity.rank, -claim.confidence.rank, at.path, at.line, at.column, claim.rule_id)
