"""Putting signed documents in force, and reading what is in force.

Every act takes the document as it came, verifies it, checks it against what is known here, stores it and owes the
ledger an entry, all in the caller's transaction. The same document again changes nothing and is no error; another
one under the same id is. A state changes here and nowhere else: no import or migration can revive a grant.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sekisho.access.errors import DocumentConflict, GrantRefused, HoldRenewed
from sekisho.access.in_force import (
    IssuedGrant,
    build_snapshot,
    get_accord,
    get_grant,
    get_grant_row,
    list_accords,
    list_grants,
    list_holds,
)
from sekisho.access.recording import record_document, record_refusal
from sekisho.access.renewal import is_renewal
from sekisho.access.snapshot import GrantState
from sekisho.access.tables import AccordRow, GrantRow, HoldRow, RevocationRow
from sekisho.core import IdSource, SekishoError
from sekisho.formats import dsse
from sekisho.ledger import EntryKind
from sekisho.ledger.document_bodies import accord_body, grant_body, hold_body, revocation_body
from sekisho.registry.services import get_asset, get_institution, get_principal
from sekisho.trust import (
    Accord,
    Charter,
    Grant,
    Hold,
    Revocation,
    Target,
    TargetKind,
    open_accord,
    open_grant,
    open_hold,
    open_revocation,
    read_grant,
    read_revocation,
    verify_signers,
)

__all__ = [
    "IssuedGrant",
    "bring_accord_into_force",
    "build_snapshot",
    "get_accord",
    "get_grant",
    "issue_grant",
    "list_accords",
    "list_grants",
    "list_holds",
    "place_hold",
    "refuse_document",
    "revoke_grant",
]


def bring_accord_into_force(session: Session, data: bytes, charter: Charter, *, ids: IdSource, at: datetime) -> Accord:
    """Put the accord in `data` (a DSSE envelope) in force, or raise why not."""
    envelope = dsse.decode(data)
    accord = open_accord(envelope, charter, at=at)
    known = session.get(AccordRow, accord.id)
    if known is not None:
        _require_same(known.document_sha256, envelope)
        return accord
    row = AccordRow(id=accord.id, document_sha256=envelope.digest, envelope=dsse.encode(envelope), in_force_at=at)
    session.add(row)
    body = accord_body(accord, envelope, verify_signers(envelope, charter, at=at))
    record_document(session, EntryKind.ACCORD_IN_FORCE, accord.id, body, ids=ids, at=at)
    return accord


def issue_grant(session: Session, data: bytes, charter: Charter, *, ids: IdSource, at: datetime) -> Grant:
    """Issue the grant in `data` (a DSSE envelope), or raise why not.

    Steps: (1) its accord is in force here; (2) signed by the quorum, within the accord; (3) new, or the same as the one
    that is here; (4) the institution is of a kind that the accord admits, and all principals and assets are its own.
    """
    envelope = dsse.decode(data)
    # (1)
    accord = get_accord(session, read_grant(envelope).accord_id)
    # (2)
    grant = open_grant(envelope, charter, accord, at=at)
    # (3)
    known = session.get(GrantRow, grant.id)
    if known is not None:
        _require_same(known.document_sha256, envelope)
        return grant
    # (4)
    _check_parts(session, grant, accord)
    row = GrantRow(
        id=grant.id,
        accord_id=grant.accord_id,
        institution_id=grant.institution_id,
        state=GrantState.ACTIVE,
        document_sha256=envelope.digest,
        envelope=dsse.encode(envelope),
        issued_at=at,
    )
    session.add(row)
    body = grant_body(grant, envelope, verify_signers(envelope, charter, at=at))
    record_document(session, EntryKind.GRANT_ISSUED, grant.id, body, ids=ids, at=at)
    return grant


def revoke_grant(session: Session, data: bytes, charter: Charter, *, ids: IdSource, at: datetime) -> Revocation:
    """End a grant for good by the revocation in `data` (a DSSE envelope), or raise why not.

    Steps: (1) the grant is here; (2) signed by the quorum of the accord on which that grant, and no other, rests;
    (3) not yet revoked, or by the same document.
    """
    envelope = dsse.decode(data)
    # (1)
    granted = get_grant_row(session, read_revocation(envelope).grant_id)
    # (2)
    accord = get_accord(session, granted.accord_id)
    revocation = open_revocation(envelope, charter, accord, at=at)
    # (3)
    known = session.get(RevocationRow, granted.id)
    if known is not None:
        _require_same(known.document_sha256, envelope)
        return revocation
    row = RevocationRow(
        grant_id=granted.id, document_sha256=envelope.digest, envelope=dsse.encode(envelope), revoked_at=at
    )
    session.add(row)
    granted.state = GrantState.REVOKED
    body = revocation_body(revocation, envelope, verify_signers(envelope, charter, at=at))
    record_document(session, EntryKind.GRANT_REVOKED, granted.id, body, ids=ids, at=at)
    return revocation


def place_hold(session: Session, data: bytes, charter: Charter, *, ids: IdSource, at: datetime) -> Hold:
    """Place the hold in `data` (a DSSE envelope), or raise why not.

    Steps: (1) signed by the party that places it, within the charter's term; (2) new, or the same as the one that is
    here; (3) its target is known, since a hold on nothing looks as if it stopped something; (4) not a way round the
    term.
    """
    envelope = dsse.decode(data)
    # (1)
    hold = open_hold(envelope, charter, at=at)
    # (2)
    known = session.get(HoldRow, hold.id)
    if known is not None:
        _require_same(known.document_sha256, envelope)
        return hold
    # (3)
    _check_target(session, hold.target)
    # (4)
    _check_term(session, hold, charter, at=at)
    row = HoldRow(
        id=hold.id,
        placed_by=hold.placed_by,
        target_kind=hold.target.kind,
        target_id=hold.target.id,
        document_sha256=envelope.digest,
        envelope=dsse.encode(envelope),
        placed_at=hold.placed_at,
        lapses_at=hold.lapses_at,
    )
    session.add(row)
    record_document(session, EntryKind.HOLD_PLACED, hold.id, hold_body(hold, envelope), ids=ids, at=at)
    return hold


def refuse_document(
    session: Session, data: bytes, error: SekishoError, *, kind: str, ids: IdSource, at: datetime
) -> None:
    """Record that `data`, sent as a `kind` of document, was refused with `error`.

    The act that raised `error` left nothing, so the caller runs this in a transaction of its own.
    """
    record_refusal(session, data, error, kind=kind, ids=ids, at=at)


def _require_same(known_sha256: str, envelope: dsse.Envelope) -> None:
    if known_sha256 != envelope.digest:
        raise DocumentConflict("another document was accepted under this id before")


def _check_parts(session: Session, grant: Grant, accord: Accord) -> None:
    """Raise NotEnrolled or GrantRefused unless everybody and everything in `grant` may be in it."""
    institution = get_institution(session, grant.institution_id)
    if institution.kind.value not in accord.kinds:
        raise GrantRefused(f"accord {accord.id} is not for a {institution.kind.value}")
    for principal_id in grant.principals:
        if get_principal(session, principal_id).institution_id != institution.id:
            raise GrantRefused(f"{principal_id} does not belong to {institution.id}")
    for asset_id in grant.assets:
        if get_asset(session, asset_id).institution_id != institution.id:
            raise GrantRefused(f"{asset_id} was not declared by {institution.id}")


def _check_target(session: Session, target: Target) -> None:
    """Raise NotEnrolled or NotInForce unless the target is known. Labs and models: `open_hold` asked the charter."""
    match target.kind:
        case TargetKind.INSTITUTION:
            get_institution(session, target.id)
        case TargetKind.PRINCIPAL:
            get_principal(session, target.id)
        case TargetKind.GRANT:
            get_grant(session, target.id)
        case TargetKind.ACCORD:
            get_accord(session, target.id)


def _check_term(session: Session, hold: Hold, charter: Charter, *, at: datetime) -> None:
    """Raise HoldRenewed if the party's earlier holds and this one make a longer stop of the same calls than one term.

    A stolen key of one party must not blind defenders for long by one hold after another. So a hold on the same target
    ends within the term of the earlier one, or begins when as much time as a term has passed since that lapsed; and a
    hold on another target is bound by the same, unless it stops calls that none of those earlier ones stopped.
    """
    earlier = session.scalars(select(HoldRow).where(HoldRow.placed_by == hold.placed_by))
    binding = [
        row
        for row in earlier
        if row.lapses_at + charter.hold_term > at and hold.lapses_at > row.placed_at + charter.hold_term
    ]
    if not binding:
        return
    targets = [Target(kind=row.target_kind, id=row.target_id) for row in binding]
    if hold.target in targets or is_renewal(hold.target, targets, _grants_in_use(session, at)):
        raise HoldRenewed(f"{hold.placed_by} has held this since {min(row.placed_at for row in binding).isoformat()}")


def _grants_in_use(session: Session, at: datetime) -> list[Grant]:
    issued = list_grants(session)
    return [one.grant for one in issued if one.state is GrantState.ACTIVE and at < one.grant.window.closes]
