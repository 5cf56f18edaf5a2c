"""Campaigns and findings put on record. Each is one change and one ledger entry, in the caller's transaction.

The ledger learns that there is a finding, whose it is, and a salted commitment to it: never where it lies, what kind
it is or how bad. Salts stay in the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sekisho.core import IdSource
from sekisho.core.ids import AssetId, CampaignId, FindingId, InstitutionId
from sekisho.db import record
from sekisho.findings.campaigns import Campaign
from sekisho.findings.codec import campaign_digest, decode_finding, encode_campaign, encode_finding
from sekisho.findings.errors import AssetNotTheirs, CampaignConflict, FindingRefused, FindingUnknown
from sekisho.findings.states import move
from sekisho.findings.tables import CampaignRow, FindingRow
from sekisho.findings.types import Finding, State, StateReason
from sekisho.formats import jcs
from sekisho.ledger.commitment import commit
from sekisho.ledger.entries import Entry, EntryKind, encode_entry
from sekisho.registry import services as registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a report came to: `new` findings, and those `known` from earlier reports, each by the id it keeps."""

    campaign_id: CampaignId
    new: tuple[FindingId, ...]
    known: tuple[FindingId, ...]


def record_campaign(
    session: Session,
    campaign: Campaign,
    *,
    institution_id: InstitutionId,
    asset_id: AssetId,
    salts: Callable[[], bytes],
    ids: IdSource,
    at: datetime,
) -> Recorded:
    """Put `campaign` and its findings on record for an asset of an institution.

    `salts` gives 32 random bytes, new each time. The same report once more records nothing. Steps: (1) the asset is
    the institution's, and the report's if it names one; (2) no finding claims to have been judged already;
    (3) a report of that id is new, or the same; (4) keep it and owe the ledger its entry; (5) each finding.
    Raises NotEnrolled, AssetNotTheirs, FindingRefused or CampaignConflict.
    """
    # (1)
    _require_asset(session, campaign, institution_id, asset_id)
    # (2)
    if any(finding.state is not State.OPEN or finding.verdicts for finding in campaign.findings):
        raise FindingRefused("a new report has open findings alone, without verdicts")
    # (3)
    if not _is_known(session, campaign, institution_id, asset_id):
        # (4)
        _keep_campaign(session, campaign, institution_id, asset_id, salt=salts(), ids=ids, at=at)
    # (5)
    kept = [
        (finding, record_finding(session, owned, institution_id=institution_id, salt=salts(), ids=ids, at=at))
        for finding in campaign.findings
        for owned in (replace(finding, asset_id=asset_id),)
    ]
    return Recorded(
        campaign_id=campaign.id,
        new=tuple(stored.id for finding, stored in kept if stored.campaign_id == campaign.id),
        known=tuple(stored.id for finding, stored in kept if stored.campaign_id != campaign.id),
    )


def record_finding(
    session: Session, finding: Finding, *, institution_id: InstitutionId, salt: bytes, ids: IdSource, at: datetime
) -> Finding:
    """Return the finding on record with this asset and fingerprint: `finding`, or the one that was there before.

    A finding that was fixed and is found again is open again; one that was dismissed stays so. The
    finding names its asset, and its campaign is on record.
    """
    if finding.asset_id is None:
        raise FindingRefused("a finding on record names its asset")
    row = session.scalar(
        select(FindingRow).where(
            FindingRow.institution_id == institution_id,
            FindingRow.asset_id == finding.asset_id,
            FindingRow.fingerprint == finding.fingerprint,
        )
    )
    if row is None:
        row = _keep_finding(session, finding, finding.asset_id, institution_id, salt=salt, ids=ids, at=at)
    elif row.state is State.FIXED and row.campaign_id != finding.campaign_id:
        _store_state(row, move(_finding(row), to=State.OPEN, reason=None))
    return _finding(row)


def change_state(
    session: Session, finding_id: str, *, institution_id: InstitutionId, to: State, reason: StateReason | None
) -> Finding:
    """Return the finding in its new state, or raise FindingUnknown or StateRefused."""
    row = _row(session, finding_id, institution_id)
    moved = move(_finding(row), to=to, reason=reason)
    _store_state(row, moved)
    return moved


def get_finding(session: Session, finding_id: str, *, institution_id: InstitutionId) -> Finding:
    """Return a finding of the institution, or raise FindingUnknown; another's is as unknown as none."""
    return _finding(_row(session, finding_id, institution_id))


def list_findings(session: Session, *, institution_id: InstitutionId) -> tuple[Finding, ...]:
    """Return the findings of the institution, in the order they were recorded."""
    rows = select(FindingRow).where(FindingRow.institution_id == institution_id)
    return tuple(_finding(row) for row in session.scalars(rows.order_by(FindingRow.recorded_at, FindingRow.id)))


def _require_asset(session: Session, campaign: Campaign, institution_id: InstitutionId, asset_id: AssetId) -> None:
    asset = registry.get_asset(session, asset_id)
    if asset.institution_id != institution_id:
        raise AssetNotTheirs("the asset is another institution's")
    if campaign.asset_id not in (None, asset_id):
        raise AssetNotTheirs("the report is about another asset")


def _is_known(session: Session, campaign: Campaign, institution_id: InstitutionId, asset_id: AssetId) -> bool:
    row = session.get(CampaignRow, campaign.id)
    if row is None:
        return False
    if (row.institution_id, row.asset_id, row.report_sha256) != (institution_id, asset_id, campaign_digest(campaign)):
        raise CampaignConflict("a campaign of this id is on record with another report")
    return True


def _keep_campaign(
    session: Session,
    campaign: Campaign,
    institution_id: InstitutionId,
    asset_id: AssetId,
    *,
    salt: bytes,
    ids: IdSource,
    at: datetime,
) -> None:
    report = encode_campaign(campaign)
    session.add(
        CampaignRow(
            id=campaign.id,
            institution_id=institution_id,
            asset_id=asset_id,
            report_sha256=campaign_digest(campaign),
            report=report,
            salt=salt,
            recorded_at=at,
        )
    )
    body: dict[str, jcs.Json] = {
        "campaign": campaign.id,
        "institution": institution_id,
        "asset": asset_id,
        "report_commitment": commit(report, salt),
        "findings": len(campaign.findings),
        "not_analyzed": len(campaign.coverage.not_analyzed),
        "engines": [f"{engine.name} {engine.version}" for engine in campaign.engines],
    }
    _record(session, EntryKind.CAMPAIGN_RECORDED, campaign.id, body, ids=ids, at=at)


def _keep_finding(
    session: Session,
    finding: Finding,
    asset_id: AssetId,
    institution_id: InstitutionId,
    *,
    salt: bytes,
    ids: IdSource,
    at: datetime,
) -> FindingRow:
    # The id comes with the report: one that is taken would be another's finding.
    if session.get(FindingRow, finding.id) is not None:
        raise CampaignConflict("a finding of this id is on record")
    document = encode_finding(finding)
    row = FindingRow(
        id=finding.id,
        institution_id=institution_id,
        asset_id=asset_id,
        campaign_id=finding.campaign_id,
        fingerprint=finding.fingerprint,
        severity=finding.severity,
        state=finding.state,
        state_reason=finding.state_reason,
        document=document,
        salt=salt,
        recorded_at=at,
    )
    session.add(row)
    body: dict[str, jcs.Json] = {
        "finding": finding.id,
        "campaign": finding.campaign_id,
        "institution": institution_id,
        "commitment": commit(document, salt),
    }
    _record(session, EntryKind.FINDING_RECORDED, finding.id, body, ids=ids, at=at)
    return row


def _record(
    session: Session, kind: EntryKind, subject_id: str, body: dict[str, jcs.Json], *, ids: IdSource, at: datetime
) -> None:
    entry = Entry(kind=kind, at=at, id=ids.new("ent"), body=body)
    record(session, encode_entry(entry), key=f"{kind.value}/{subject_id}")


def _row(session: Session, finding_id: str, institution_id: InstitutionId) -> FindingRow:
    row = session.get(FindingRow, finding_id)
    if row is None or row.institution_id != institution_id:
        raise FindingUnknown(f"no finding {finding_id[:80]!r} of this institution")
    return row


def _store_state(row: FindingRow, finding: Finding) -> None:
    row.state, row.state_reason = finding.state, finding.state_reason


def _finding(row: FindingRow) -> Finding:
    return replace(decode_finding(row.document), state=row.state, state_reason=row.state_reason)
