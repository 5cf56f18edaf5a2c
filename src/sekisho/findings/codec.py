"""Findings and campaigns as JSON: written canonical (RFC 8785), read strictly, every name required and none else.

The same bytes are what a report's digest covers and what the ledger holds a commitment to.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import TypeVar

from sekisho.core.ids import AssetId, CampaignId, FindingId
from sekisho.core.utc import format_utc, parse_utc
from sekisho.findings.campaigns import Campaign, Coverage, FileRead, Gap, Mode, NotAnalyzed, OtherFiles
from sekisho.findings.errors import FindingRefused
from sekisho.findings.types import (
    Confidence,
    Engine,
    Finding,
    FlowStep,
    Location,
    Outcome,
    Severity,
    State,
    StateReason,
    Verdict,
)
from sekisho.formats import jcs

SCHEMA = "sekisho-campaign/v1"
# 25,000 findings of 2 kB; the control plane's own body limit is far lower.
MAX_CAMPAIGN_BYTES = 64 * 1_048_576

_Kind = TypeVar("_Kind", bound=Enum)
_Item = TypeVar("_Item")


def encode_finding(finding: Finding) -> bytes:
    """Return `finding` as RFC 8785 JSON."""
    return jcs.canonical(finding_to_json(finding))


def decode_finding(data: bytes) -> Finding:
    """Return the finding that `data` (strict JSON) says, or raise FindingRefused, JsonRefused or BadTime."""
    return finding_from_json(jcs.parse(data))


def encode_campaign(campaign: Campaign) -> bytes:
    """Return `campaign` as RFC 8785 JSON; `campaign_digest` is its SHA-256."""
    return jcs.canonical(campaign_to_json(campaign))


def decode_campaign(data: bytes) -> Campaign:
    """Return the campaign that `data` (strict JSON) says, or raise FindingRefused, JsonRefused or BadTime."""
    return campaign_from_json(jcs.parse(data, max_size_bytes=MAX_CAMPAIGN_BYTES))


def campaign_digest(campaign: Campaign) -> str:
    """Return the SHA-256 of the campaign's canonical JSON, 64 hex digits."""
    return hashlib.sha256(encode_campaign(campaign)).hexdigest()


def finding_to_json(finding: Finding) -> dict[str, jcs.Json]:
    """Return `finding` as a JSON object."""
    return {
        "id": finding.id,
        "campaign_id": finding.campaign_id,
        "asset_id": finding.asset_id,
        "rule_id": finding.rule_id,
        "cwe": finding.cwe,
        "title": finding.title,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "location": _location_to_json(finding.location),
        "flow": [_step_to_json(step) for step in finding.flow],
        "guards": [_step_to_json(guard) for guard in finding.guards],
        "preconditions": list(finding.preconditions),
        "engine": _engine_to_json(finding.engine),
        "fingerprint": finding.fingerprint,
        "found_at": format_utc(finding.found_at),
        "verdicts": [_verdict_to_json(verdict) for verdict in finding.verdicts],
        "state": finding.state.value,
        "state_reason": finding.state_reason.value if finding.state_reason else None,
    }


def finding_from_json(value: jcs.Json) -> Finding:
    """Return the finding that `value` says, or raise FindingRefused."""
    fields = _object(value, Finding)
    return Finding(
        id=FindingId(_text(fields["id"])),
        campaign_id=CampaignId(_text(fields["campaign_id"])),
        asset_id=_asset(fields["asset_id"]),
        rule_id=_text(fields["rule_id"]),
        cwe=_text(fields["cwe"]),
        title=_text(fields["title"]),
        severity=_kind(Severity, fields["severity"]),
        confidence=_kind(Confidence, fields["confidence"]),
        location=_location(fields["location"]),
        flow=_items(fields["flow"], _step),
        guards=_items(fields["guards"], _step),
        preconditions=_items(fields["preconditions"], _text),
        engine=_engine(fields["engine"]),
        fingerprint=_text(fields["fingerprint"]),
        found_at=_time(fields["found_at"]),
        verdicts=_items(fields["verdicts"], _verdict),
        state=_kind(State, fields["state"]),
        state_reason=None if fields["state_reason"] is None else _kind(StateReason, fields["state_reason"]),
    )


def campaign_to_json(campaign: Campaign) -> dict[str, jcs.Json]:
    """Return `campaign` as a JSON object, marked with the schema's name."""
    return {
        "schema": SCHEMA,
        "id": campaign.id,
        "asset_id": campaign.asset_id,
        "target": campaign.target,
        "mode": campaign.mode.value,
        "engines": [_engine_to_json(engine) for engine in campaign.engines],
        "started_at": format_utc(campaign.started_at),
        "finished_at": format_utc(campaign.finished_at),
        "coverage": _coverage_to_json(campaign.coverage),
        "findings": [finding_to_json(finding) for finding in campaign.findings],
    }


def campaign_from_json(value: jcs.Json) -> Campaign:
    """Return the campaign that `value` says, or raise FindingRefused."""
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        raise FindingRefused(f"not a report of schema {SCHEMA}")
    fields = _object({name: item for name, item in value.items() if name != "schema"}, Campaign)
    return Campaign(
        id=CampaignId(_text(fields["id"])),
        asset_id=_asset(fields["asset_id"]),
        target=_text(fields["target"]),
        mode=_kind(Mode, fields["mode"]),
        engines=_items(fields["engines"], _engine),
        started_at=_time(fields["started_at"]),
        finished_at=_time(fields["finished_at"]),
        coverage=_coverage(fields["coverage"]),
        findings=_items(fields["findings"], finding_from_json),
    )


def _engine_to_json(engine: Engine) -> jcs.Json:
    return {"name": engine.name, "version": engine.version}


def _engine(value: jcs.Json) -> Engine:
    fields = _object(value, Engine)
    return Engine(name=_text(fields["name"]), version=_text(fields["version"]))


def _location_to_json(location: Location) -> jcs.Json:
    return {
        "path": location.path,
        "line": location.line,
        "column": location.column,
        "function": location.function,
    }


def _location(value: jcs.Json) -> Location:
    fields = _object(value, Location)
    return Location(
        path=_text(fields["path"]),
        line=_integer(fields["line"]),
        column=_integer(fields["column"]),
        function=_text(fields["function"]),
    )


def _step_to_json(step: FlowStep) -> jcs.Json:
    return {"path": step.path, "line": step.line, "expression": step.expression, "why": step.why}


def _step(value: jcs.Json) -> FlowStep:
    fields = _object(value, FlowStep)
    return FlowStep(
        path=_text(fields["path"]),
        line=_integer(fields["line"]),
        expression=_text(fields["expression"]),
        why=_text(fields["why"]),
    )


def _verdict_to_json(verdict: Verdict) -> jcs.Json:
    return {
        "judge": _engine_to_json(verdict.judge),
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "at": format_utc(verdict.at),
    }


def _verdict(value: jcs.Json) -> Verdict:
    fields = _object(value, Verdict)
    return Verdict(
        judge=_engine(fields["judge"]),
        outcome=_kind(Outcome, fields["outcome"]),
        reason=_text(fields["reason"]),
        at=_time(fields["at"]),
    )


def _coverage_to_json(coverage: Coverage) -> jcs.Json:
    return {
        "analyzed": [{"path": read.path, "sha256": read.sha256} for read in coverage.analyzed],
        "not_analyzed": [
            {"path": gap.path, "gap": gap.gap.value, "detail": gap.detail} for gap in coverage.not_analyzed
        ],
        "other_files": [{"suffix": other.suffix, "count": other.count} for other in coverage.other_files],
    }


def _coverage(value: jcs.Json) -> Coverage:
    fields = _object(value, Coverage)
    return Coverage(
        analyzed=_items(fields["analyzed"], _read),
        not_analyzed=_items(fields["not_analyzed"], _gap),
        other_files=_items(fields["other_files"], _other),
    )


def _read(value: jcs.Json) -> FileRead:
    fields = _object(value, FileRead)
    return FileRead(path=_text(fields["path"]), sha256=_text(fields["sha256"]))


def _gap(value: jcs.Json) -> NotAnalyzed:
    fields = _object(value, NotAnalyzed)
    return NotAnalyzed(path=_text(fields["path"]), gap=_kind(Gap, fields["gap"]), detail=_text(fields["detail"]))


def _other(value: jcs.Json) -> OtherFiles:
    fields = _object(value, OtherFiles)
    return OtherFiles(suffix=_text(fields["suffix"]), count=_integer(fields["count"]))


def _object(value: jcs.Json, shape: type[object]) -> Mapping[str, jcs.Json]:
    names = set(shape.__dataclass_fields__)  # type: ignore[attr-defined]
    if not isinstance(value, Mapping) or set(value) != names:
        raise FindingRefused(f"expected an object with exactly {', '.join(sorted(names))}")
    return value


def _items(value: jcs.Json, read: Callable[[jcs.Json], _Item]) -> tuple[_Item, ...]:
    if not isinstance(value, list):
        raise FindingRefused("expected a list")
    return tuple(read(item) for item in value)


def _text(value: jcs.Json) -> str:
    if not isinstance(value, str):
        raise FindingRefused("expected text")
    return value


def _integer(value: jcs.Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise FindingRefused("expected a whole number")
    return value


def _time(value: jcs.Json) -> datetime:
    return parse_utc(_text(value))


def _asset(value: jcs.Json) -> AssetId | None:
    return None if value is None else AssetId(_text(value))


def _kind(kind: type[_Kind], value: jcs.Json) -> _Kind:
    try:
        return kind(_text(value))
    except ValueError as error:
        raise FindingRefused(f"not a {kind.__name__.lower()} of ours") from error
