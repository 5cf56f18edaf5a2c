"""Reading what is in force: documents by id, lists of them, and all of it as a snapshot."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sekisho.access.errors import NotInForce
from sekisho.access.snapshot import (
    GrantState,
    Snapshot,
    SnapshotAsset,
    SnapshotGrant,
    SnapshotHold,
    SnapshotInstitution,
    SnapshotLab,
    SnapshotPrincipal,
)
from sekisho.access.tables import AccordRow, GrantRow, HoldRow
from sekisho.formats import dsse
from sekisho.registry.services import list_assets, list_institutions, list_principals
from sekisho.tokens import PublicKey
from sekisho.trust import Accord, Auditors, Grant, Hold, LabModels, read_accord, read_grant, read_hold


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedGrant:
    """A grant as it was signed, when it was issued here, and whether it still stands."""

    grant: Grant
    state: GrantState
    issued_at: datetime


def get_accord(session: Session, accord_id: str) -> Accord:
    """Return the accord, lapsed or not, or raise NotInForce."""
    row = session.get(AccordRow, accord_id)
    if row is None:
        raise NotInForce(f"no accord {accord_id[:80]!r}")
    return _accord(row)


def get_grant(session: Session, grant_id: str) -> IssuedGrant:
    """Return the grant, revoked or not, or raise NotInForce."""
    return _issued(get_grant_row(session, grant_id))


def get_grant_row(session: Session, grant_id: str) -> GrantRow:
    """Return the row of a grant, for this room alone, or raise NotInForce."""
    row = session.get(GrantRow, grant_id)
    if row is None:
        raise NotInForce(f"no grant {grant_id[:80]!r}")
    return row


def list_accords(session: Session) -> tuple[Accord, ...]:
    """Return every accord, in order of id."""
    return tuple(_accord(row) for row in session.scalars(select(AccordRow).order_by(AccordRow.id)))


def list_grants(session: Session) -> tuple[IssuedGrant, ...]:
    """Return every grant, in order of id."""
    return tuple(_issued(row) for row in session.scalars(select(GrantRow).order_by(GrantRow.id)))


def list_holds(session: Session) -> tuple[Hold, ...]:
    """Return every hold, lapsed ones too, in order of id."""
    return tuple(read_hold(dsse.decode(row.envelope)) for row in session.scalars(select(HoldRow).order_by(HoldRow.id)))


def build_snapshot(
    session: Session,
    *,
    version: int,
    made_at: datetime,
    lease_s: int,
    issuer: str,
    token_keys: tuple[PublicKey, ...],
    labs: Iterable[LabModels],
    auditors: Auditors | None = None,
) -> Snapshot:
    """Return all that is in force at `made_at` (aware UTC); every list is in order of id.

    Revoked grants are in it, so that their holders are told so; holds that have lapsed are not.
    """
    return Snapshot(
        version=version,
        made_at=made_at,
        lease_s=lease_s,
        issuer=issuer,
        token_keys=token_keys,
        institutions=tuple(SnapshotInstitution(id=i.id, lei=i.lei, kind=i.kind) for i in list_institutions(session)),
        principals=tuple(
            SnapshotPrincipal(id=p.id, institution_id=p.institution_id, kind=p.kind, jkt=p.key.thumbprint)
            for p in list_principals(session)
        ),
        assets=tuple(
            SnapshotAsset(id=a.id, institution_id=a.institution_id, kind=a.kind, name=a.name)
            for a in list_assets(session)
        ),
        grants=tuple(_snapshot_grant(issued.grant, issued.state) for issued in list_grants(session)),
        holds=_holds_in_force(session, made_at),
        labs=tuple(SnapshotLab(party=lab.party, models=lab.models) for lab in labs),
        auditors=auditors,
    )


def _snapshot_grant(grant: Grant, state: GrantState) -> SnapshotGrant:
    """Return `grant` as a snapshot has it."""
    return SnapshotGrant(
        id=grant.id,
        accord_id=grant.accord_id,
        institution_id=grant.institution_id,
        principals=grant.principals,
        lab=grant.lab,
        models=grant.models,
        tier=grant.tier,
        assets=grant.assets,
        techniques=grant.techniques,
        budget_tokens=grant.budget.tokens,
        budget_calls=grant.budget.calls,
        window=grant.window,
        state=state,
    )


def _snapshot_hold(hold: Hold) -> SnapshotHold:
    """Return `hold` as a snapshot has it: without its basis."""
    return SnapshotHold(
        id=hold.id,
        target_kind=hold.target.kind,
        target_id=hold.target.id,
        placed_by=hold.placed_by,
        placed_at=hold.placed_at,
        lapses_at=hold.lapses_at,
    )


def _holds_in_force(session: Session, at: datetime) -> tuple[SnapshotHold, ...]:
    rows = session.scalars(select(HoldRow).where(HoldRow.lapses_at > at).order_by(HoldRow.id))
    return tuple(_snapshot_hold(read_hold(dsse.decode(row.envelope))) for row in rows)


def _accord(row: AccordRow) -> Accord:
    return read_accord(dsse.decode(row.envelope))


def _issued(row: GrantRow) -> IssuedGrant:
    return IssuedGrant(grant=read_grant(dsse.decode(row.envelope)), state=row.state, issued_at=row.issued_at)
