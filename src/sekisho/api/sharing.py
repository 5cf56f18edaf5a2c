"""/api/v1: hunts put on record, inventories, cases and notices."""

import secrets
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy.orm import Session

from sekisho.api.answers import Body, StrictRoute, done, named, raw_body, to_json, where
from sekisho.api.interfaces import Office, Sharing
from sekisho.core import parse_utc
from sekisho.core.ids import AssetId, CaseId, InstitutionId
from sekisho.disclosure import Case, Mitigation, MitigationKind, Text
from sekisho.disclosure import services as disclosure
from sekisho.exposure import Affected, Inventory, ReceivedSbom, read_sbom
from sekisho.exposure import services as exposure
from sekisho.findings import decode_campaign
from sekisho.findings import services as findings
from sekisho.registry import InstitutionKind
from sekisho.registry import services as registry

# Salts and nonces of commitments: as long as the digest, so that nobody can try them all.
SALT_BYTES = 32
# Whose exposure counts: a lab or an authority without an SBOM would only inflate the number of the unknown.
RUNS_SYSTEMS = frozenset({InstitutionKind.BANK, InstitutionKind.JOINT_CENTRE, InstitutionKind.FINTECH})
Document = Annotated[bytes, Depends(raw_body)]


class TwoTexts(Body):
    """One statement in both languages."""

    en: str
    ja: str

    def to_text(self) -> Text:
        return Text(en=self.en, ja=self.ja)


class NewCase(Body):
    """A case to open: what recipients may be told, and until when to be silent."""

    institution_id: str
    finding_id: str
    package: str
    ranges: list[str] = Field(default_factory=list)
    versions: list[str] = Field(default_factory=list)
    fixed_version: str | None = None
    mitigation_kind: str
    mitigation: TwoTexts
    basis: TwoTexts
    lifts_at: str

    def to_statement(self) -> disclosure.Statement:
        return disclosure.Statement(
            affected=Affected(package=self.package, ranges=tuple(self.ranges), versions=tuple(self.versions)),
            fixed_version=self.fixed_version,
            mitigation=Mitigation(kind=named(MitigationKind, self.mitigation_kind), text=self.mitigation.to_text()),
            basis=self.basis.to_text(),
            lifts_at=self.lifts_at_utc,
        )

    @property
    def lifts_at_utc(self) -> datetime:
        return parse_utc(self.lifts_at)


class CaseOwner(Body):
    """Who acts on a case."""

    institution_id: str


def sharing_routes(office: Office, sharing: Sharing) -> APIRouter:
    """Return the routes of campaigns, findings, inventories, cases and notices."""
    routes = APIRouter(tags=["sharing"], route_class=StrictRoute)

    @routes.post("/campaigns")
    def record_campaign(institution_id: str, asset_id: str, body: Document) -> dict[str, Any]:
        campaign = decode_campaign(body)
        return done(
            office.act(
                lambda session: findings.record_campaign(
                    session,
                    campaign,
                    institution_id=InstitutionId(institution_id),
                    asset_id=AssetId(asset_id),
                    salts=draw_salt,
                    ids=office.ids,
                    at=office.clock.now(),
                )
            )
        )

    @routes.get("/findings")
    def list_findings(institution_id: str) -> list[dict[str, Any]]:
        listed = office.read(
            lambda session: findings.list_findings(session, institution_id=InstitutionId(institution_id))
        )
        return [to_json(finding) for finding in listed]

    @routes.post("/inventories")
    def record_inventory(institution_id: str, body: Document) -> dict[str, Any]:
        # Read before the act: a hostile SBOM takes seconds, in which nothing else could be decided.
        sbom = read_sbom(body)
        act = office.act(lambda session: _record_inventory(session, office, institution_id, sbom))
        # The components stay with whoever sent them: an answer may end up in a log.
        return {
            "institution": act.value.institution,
            "components": len(act.value.components),
            "ledger": where(act),
        }

    @routes.post("/cases")
    def open_case(body: NewCase) -> dict[str, Any]:
        return done(office.act(lambda session: _open_case(session, office, body)))

    @routes.post("/cases/{case_id}/notices")
    def issue_notices(case_id: str, body: CaseOwner) -> dict[str, Any]:
        act = office.act(lambda session: _issue_notices(session, office, sharing, case_id, body.institution_id))
        return {
            "notices": [
                {
                    "id": notice.id,
                    "institution": notice.institution,
                    "tlp": notice.tlp.label,
                    "files": [str(path) for path in sharing.publisher.publish(notice)],
                }
                for notice in act.value.notices
            ],
            "not_affected": act.value.not_affected,
            "unknown": act.value.unknown,
            "ledger": where(act),
        }

    return routes


def draw_salt() -> bytes:
    """Return a new salt or nonce for a commitment."""
    return secrets.token_bytes(SALT_BYTES)


def _record_inventory(session: Session, office: Office, institution_id: str, sbom: ReceivedSbom) -> Inventory:
    institution = registry.get_institution(session, institution_id)
    return exposure.record_inventory(
        session, institution=institution.id, sbom=sbom, salt=draw_salt(), clock=office.clock, ids=office.ids
    )


def _open_case(session: Session, office: Office, body: NewCase) -> Case:
    owner = InstitutionId(body.institution_id)
    # Read as the owner's own: to everybody else there is no such finding.
    finding = findings.get_finding(session, body.finding_id, institution_id=owner)
    return disclosure.open_case(
        session,
        finding=finding,
        owner=owner,
        statement=body.to_statement(),
        nonce=draw_salt(),
        clock=office.clock,
        ids=office.ids,
    )


def _issue_notices(session: Session, office: Office, sharing: Sharing, case_id: str, owner: str) -> disclosure.Issued:
    institutions = {
        institution.id: Text(en=institution.name, ja=institution.name_ja or institution.name)
        for institution in registry.list_institutions(session)
        if institution.kind in RUNS_SYSTEMS
    }
    return disclosure.issue_notices(
        session,
        CaseId(case_id),
        owner=InstitutionId(owner),
        issuer=sharing.issuer,
        institutions=institutions,
        draw_salt=draw_salt,
        clock=office.clock,
        ids=office.ids,
    )
