"""Cases and notices in the database. Everything that reaches a recipient was built by `notice` from the case.

The ledger learns that a case was opened and who was notified, and holds commitments; it learns nothing of the flaw.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sekisho.core import Clock, IdSource, Tlp, format_utc
from sekisho.core.ids import CaseId, InstitutionId
from sekisho.db import record
from sekisho.disclosure.case import Case, Mitigation, Text
from sekisho.disclosure.commitment import Commitment, commit
from sekisho.disclosure.detail import check_free_of_detail
from sekisho.disclosure.embargo import Embargo, accept, propose
from sekisho.disclosure.errors import CaseRefused, CaseUnknown, NotTheOwner
from sekisho.disclosure.notice import Issuer, Notice, NoticeFile, Recipient, build_notice
from sekisho.disclosure.rings import Ring
from sekisho.disclosure.rows import case_of, row_of
from sekisho.disclosure.tables import CaseRow, NoticeFileRow, NoticeRow
from sekisho.exposure import Affected, Verdict
from sekisho.exposure.services import match_all
from sekisho.findings import Finding, finding_to_json
from sekisho.ledger.commitment import commit as commit_salted
from sekisho.ledger.entries import Entry, EntryKind, encode_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the owner says when it opens a case: everything that recipients may be told, and until when to be silent.

    `basis` is why affected institutions may be told before publication; `lifts_at` is aware UTC.
    """

    affected: Affected
    fixed_version: str | None
    mitigation: Mitigation
    basis: Text
    lifts_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The notices of a case, one for each affected institution, and how many others were looked at.

    `unknown` is a number to be worked on, and no reason for a notice.
    """

    notices: tuple[Notice, ...]
    not_affected: int
    unknown: int


def open_case(
    session: Session,
    *,
    finding: Finding,
    owner: InstitutionId,
    statement: Statement,
    nonce: bytes,
    clock: Clock,
    ids: IdSource,
) -> Case:
    """Open the case of `finding` under an embargo, or raise DetailLeaks, EmbargoRefused, CaseRefused or NotTheOwner.

    The caller MUST have read `finding` as `owner`'s own. `nonce`: 32 random bytes. Opening the same case once more
    returns it; with another statement it is refused. Steps: (1) the case there may be; (2) texts without detail; (3)
    the embargo: its owner, so far its only party, proposes and accepts; (4) the commitment; (5) keep it; (6) owe the
    ledger its entry.
    """
    # (1)
    if (row := session.scalar(select(CaseRow).where(CaseRow.finding_id == finding.id))) is not None:
        return _same_case(case_of(row), owner, statement)
    # (2)
    check_free_of_detail(_texts_for_recipients(statement), finding)
    # (3)
    at = clock.now()
    embargo = accept(propose(Embargo(), statement.lifts_at, at=at), at=at)
    # (4)
    case_id = CaseId(ids.new("cas"))
    commitment = commit(
        {"case_id": case_id, "opened_at": format_utc(at), "finding": finding_to_json(finding)}, nonce=nonce
    )
    case = Case(
        id=case_id,
        finding_id=finding.id,
        owner=owner,
        affected=statement.affected,
        fixed_version=statement.fixed_version,
        mitigation=statement.mitigation,
        basis=statement.basis,
        embargo=embargo,
        opened_at=at,
        commitment=commitment.sha3_512,
    )
    # (5)
    session.add(row_of(case, commitment.preimage))
    # (6)
    record(session, encode_entry(_case_opened(case, commitment, nonce)), key=f"case-opened/{case.id}")
    return case


def read_case(session: Session, case_id: CaseId, *, owner: InstitutionId) -> Case:
    """Return the case, or raise CaseUnknown: to everybody but its owner there is none."""
    row = session.get(CaseRow, case_id)
    if row is None or row.owner != owner:
        raise CaseUnknown(f"no case {case_id} of this institution")
    return case_of(row)


def issue_notices(
    session: Session,
    case_id: CaseId,
    *,
    owner: InstitutionId,
    issuer: Issuer,
    institutions: dict[InstitutionId, Text],
    draw_salt: Callable[[], bytes],
    clock: Clock,
    ids: IdSource,
) -> Issued:
    """Issue one notice to each of `institutions` (id → name) that runs what is affected; the owner gets none.

    Running it again returns the notices that there are and adds only what is new. `draw_salt` returns 32 random
    bytes. Raises CaseUnknown and ReleaseRefused. Steps: (1) the case; (2) match the inventories; (3) a notice for
    each affected institution, once; (4) count the others.
    """
    # (1)
    case = read_case(session, case_id, owner=owner)
    # (2)
    exposures = match_all(session, case.affected, institutions=set(institutions) - {owner})
    # (3)
    notices = tuple(
        _notice_once(
            session,
            case,
            Recipient(institution=institution, name=institutions[institution], components=exposure.components),
            issuer=issuer,
            draw_salt=draw_salt,
            clock=clock,
            ids=ids,
        )
        for institution, exposure in exposures
        if exposure.verdict is Verdict.AFFECTED
    )
    # (4)
    verdicts = [exposure.verdict for _, exposure in exposures]
    return Issued(
        notices=notices,
        not_affected=verdicts.count(Verdict.NOT_AFFECTED),
        unknown=verdicts.count(Verdict.UNKNOWN),
    )


def _same_case(case: Case, owner: InstitutionId, statement: Statement) -> Case:
    if case.owner != owner:
        raise NotTheOwner("another institution opened a case of this finding")
    stated = (statement.affected, statement.fixed_version, statement.mitigation, statement.basis, statement.lifts_at)
    if stated != (case.affected, case.fixed_version, case.mitigation, case.basis, case.embargo.lifts_at):
        raise CaseRefused("a case of this finding is open with another statement")
    return case


def _texts_for_recipients(statement: Statement) -> tuple[Text, ...]:
    # A version is one word, and room enough for the name of a file or a function.
    fix = () if statement.fixed_version is None else (Text(en=statement.fixed_version, ja=statement.fixed_version),)
    return (statement.mitigation.text, statement.basis, *fix)


def _case_opened(case: Case, commitment: Commitment, nonce: bytes) -> Entry:
    """Return the ledger's entry. Its commitment is salted with the nonce, so one preimage opens both digests."""
    until = case.embargo.lifts_at
    return Entry(
        kind=EntryKind.CASE_OPENED,
        at=case.opened_at,
        id=case.id,
        body={
            "case": case.id,
            "finding": case.finding_id,
            "commitment": commit_salted(commitment.preimage, nonce),
            "institution": case.owner,
            "tlp": Tlp.AMBER.value,
            **({} if until is None else {"embargo_until": format_utc(until)}),
        },
    )


def _notice_once(
    session: Session,
    case: Case,
    recipient: Recipient,
    *,
    issuer: Issuer,
    draw_salt: Callable[[], bytes],
    clock: Clock,
    ids: IdSource,
) -> Notice:
    """Return the recipient's notice of this case, issuing it if there is none yet."""
    mine = select(NoticeRow).where(NoticeRow.case_id == case.id, NoticeRow.institution == recipient.institution)
    if (row := session.scalar(mine)) is not None:
        return _notice_of(session, row)
    at = clock.now()
    built = build_notice(case, notice_id=ids.new("ntc"), recipient=recipient, issuer=issuer, at=at)
    # The ledger ties a notice to its case, finding and owner for everybody; by the tracking id, which travels with the
    # files, nobody must find it there.
    notice = replace(built, id=ids.new("ntc"))
    salt = draw_salt()
    _keep(session, case, notice, salt, at)
    record(session, encode_entry(_notice_issued(case, notice, salt, at)), key=f"notice-issued/{notice.id}")
    return notice


def _keep(session: Session, case: Case, notice: Notice, salt: bytes, at: datetime) -> None:
    session.add(
        NoticeRow(
            id=notice.id,
            case_id=case.id,
            institution=notice.institution,
            tlp=notice.tlp.value,
            issued_at=at,
            salt=salt,
        )
    )
    session.flush()
    session.add_all(
        NoticeFileRow(notice_id=notice.id, position=n, name=f.name, media_type=f.media_type, data=f.data)
        for n, f in enumerate(notice.files)
    )


def _notice_of(session: Session, row: NoticeRow) -> Notice:
    files = select(NoticeFileRow).where(NoticeFileRow.notice_id == row.id).order_by(NoticeFileRow.position)
    return Notice(
        id=row.id,
        institution=InstitutionId(row.institution),
        tlp=Tlp(row.tlp),
        files=tuple(NoticeFile(name=f.name, media_type=f.media_type, data=f.data) for f in session.scalars(files)),
    )


def _notice_issued(case: Case, notice: Notice, salt: bytes, at: datetime) -> Entry:
    return Entry(
        kind=EntryKind.NOTICE_ISSUED,
        at=at,
        id=notice.id,
        body={
            "notice": notice.id,
            "case": case.id,
            "recipient_commitment": commit_salted(notice.institution.encode(), salt),
            "ring": Ring.AFFECTED.name.lower(),
            "tlp": notice.tlp.value,
            "notice_commitment": commit_salted(notice.manifest, salt),
        },
    )
