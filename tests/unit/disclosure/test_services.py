"""The story of act 7 on a real database: who gets a notice, who does not, and what the ledger learns."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from sekisho.core.ids import CaseId, InstitutionId
from sekisho.db import Conflict
from sekisho.db.outbox import OutboxRow
from sekisho.disclosure import (
    CaseRefused,
    CaseUnknown,
    DetailLeaks,
    EmbargoRefused,
    EmbargoState,
    NotTheOwner,
    Text,
    verify_commitment,
)
from sekisho.disclosure.services import Statement, issue_notices, open_case, read_case
from sekisho.disclosure.tables import CaseRow, NoticeRow
from sekisho.exposure import ReceivedSbom, read_sbom
from sekisho.exposure.services import record_inventory
from sekisho.findings import finding_to_json
from sekisho.ledger.commitment import check_commitment
from sekisho.ledger.entries import EntryKind, decode_entry

FINDER, REGIONAL, FINTECH, SILENT = (
    InstitutionId(f"ins_{name}") for name in ("finder", "regional", "fintech", "silent")
)
NAMES = {who: Text(en=who, ja=who) for who in (FINDER, REGIONAL, FINTECH, SILENT)}
NONCE = bytes(range(32))


def _salt() -> bytes:
    return bytes(32)


def _sbom(version: str) -> ReceivedSbom:
    component = {"name": "starlette", "version": version, "purl": f"pkg:pypi/starlette@{version}"}
    sbom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}
    return read_sbom(json.dumps(sbom).encode())


@pytest.fixture
def statement(case, clock) -> Statement:
    """What the finder says."""
    return Statement(
        affected=case.affected,
        fixed_version="0.27.0",
        mitigation=case.mitigation,
        basis=case.basis,
        lifts_at=clock.now() + timedelta(days=90),
    )


@pytest.fixture
def opened(database, finding, statement, clock, ids):
    """The finder's case, with the inventories of the finder, the regional bank and the fintech recorded."""
    with database.begin() as session:
        for who, version in ((FINDER, "0.26.1"), (REGIONAL, "0.26.1"), (FINTECH, "0.27.0")):
            record_inventory(session, institution=who, sbom=_sbom(version), salt=_salt(), clock=clock, ids=ids)
        return open_case(session, finding=finding, owner=FINDER, statement=statement, nonce=NONCE, clock=clock, ids=ids)


def _issue(database, case, issuer, clock, ids, *, owner=FINDER, institutions=None):
    with database.begin() as session:
        return issue_notices(
            session,
            case.id,
            owner=owner,
            issuer=issuer,
            institutions=NAMES if institutions is None else institutions,
            draw_salt=_salt,
            clock=clock,
            ids=ids,
        )


def _entries(database) -> list:
    with database.read() as session:
        return [decode_entry(leaf) for leaf in session.scalars(select(OutboxRow.entry).order_by(OutboxRow.id))]


def test_a_case_opens_under_an_embargo_and_reads_back(database, opened, statement) -> None:
    """What is kept is what was said."""
    assert opened.embargo.state is EmbargoState.ACTIVE
    assert opened.embargo.lifts_at == statement.lifts_at
    with database.read() as session:
        assert read_case(session, opened.id, owner=FINDER) == opened


def test_to_everybody_but_its_owner_there_is_no_case(database, opened, issuer, clock, ids) -> None:
    """A stranger learns not even that the id exists."""
    for case_id, who in ((opened.id, REGIONAL), (CaseId("cas_" + "9" * 26), FINDER)):
        with database.read() as session, pytest.raises(CaseUnknown):
            read_case(session, case_id, owner=who)
    with pytest.raises(CaseUnknown):
        _issue(database, opened, issuer, clock, ids, owner=REGIONAL)


def test_the_ledger_learns_of_the_case_and_nothing_of_the_flaw(database, opened, finding) -> None:
    """case-opened/v1: ids and a commitment; one preimage opens it and the case's SHA3-512."""
    (entry,) = [entry for entry in _entries(database) if entry.kind is EntryKind.CASE_OPENED]
    assert (entry.body["case"], entry.body["finding"]) == (opened.id, finding.id)
    with database.read() as session:
        preimage = session.scalars(select(CaseRow.preimage)).one()
    check_commitment(str(entry.body["commitment"]), preimage, NONCE)
    value = verify_commitment(preimage, opened.commitment)
    assert isinstance(value, dict)
    assert value["finding"] == finding_to_json(finding)
    told = json.dumps(dict(entry.body), default=str)
    assert not [word for word in ("starlette", finding.title, finding.cwe, finding.location.path) if word in told]


def test_opening_again_returns_the_case_and_another_statement_is_refused(
    database, opened, finding, statement, clock, ids
) -> None:
    """Once per finding: a retry changes nothing, a second opinion is told."""
    clock.advance(timedelta(hours=1))

    def again(owner, said):
        with database.begin() as session:
            return open_case(session, finding=finding, owner=owner, statement=said, nonce=NONCE, clock=clock, ids=ids)

    assert again(FINDER, statement) == opened
    with pytest.raises(CaseRefused):
        again(FINDER, replace(statement, fixed_version=None))
    with pytest.raises(NotTheOwner):
        again(REGIONAL, statement)
    assert [entry.kind for entry in _entries(database)].count(EntryKind.CASE_OPENED) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"basis": Text(en="See package/invented_file.py.", ja="理由")}, DetailLeaks),
        ({"fixed_version": "2.0+fixes:invented_file.py"}, DetailLeaks),
        ({"lifts_at": None}, EmbargoRefused),
    ],
)
def test_a_case_that_may_not_open_leaves_no_trace(database, finding, statement, clock, ids, change, error) -> None:
    """Neither a row nor an entry."""
    said = replace(statement, **{name: value or clock.now() for name, value in change.items()})
    with pytest.raises(error), database.begin() as session:
        open_case(session, finding=finding, owner=FINDER, statement=said, nonce=NONCE, clock=clock, ids=ids)
    assert _entries(database) == []


def test_the_affected_bank_gets_a_notice_and_the_fixed_fintech_none(database, opened, issuer, clock, ids) -> None:
    """Act 7: one notice; the silent institution is a number; the finder needs none."""
    issued = _issue(database, opened, issuer, clock, ids)
    assert [notice.institution for notice in issued.notices] == [REGIONAL]
    assert (issued.not_affected, issued.unknown) == (1, 1)
    advisory = json.loads(issued.notices[0].files[0].data)
    assert "0.26.1" in json.dumps(advisory["product_tree"])


def test_issuing_again_returns_the_same_bytes_and_adds_only_what_is_new(database, opened, issuer, clock, ids) -> None:
    """A retry notices nobody twice; an institution that becomes affected later is noticed then."""
    first = _issue(database, opened, issuer, clock, ids)
    clock.advance(timedelta(days=1))
    assert _issue(database, opened, issuer, clock, ids) == first
    with database.begin() as session:
        record_inventory(session, institution=SILENT, sbom=_sbom("0.20.0"), salt=_salt(), clock=clock, ids=ids)
    second = _issue(database, opened, issuer, clock, ids)
    assert [notice.institution for notice in second.notices] == [REGIONAL, SILENT]
    assert second.notices[0] == first.notices[0]
    assert [entry.kind for entry in _entries(database)].count(EntryKind.NOTICE_ISSUED) == 2


def test_the_ledger_holds_a_commitment_to_each_notice(database, opened, issuer, clock, ids) -> None:
    """notice-issued/v1: in which case, and commitments to whom and to the files; who is affected cannot be read."""
    (notice,) = _issue(database, opened, issuer, clock, ids).notices
    (entry,) = [entry for entry in _entries(database) if entry.kind is EntryKind.NOTICE_ISSUED]
    assert entry.body["case"] == opened.id
    assert REGIONAL not in json.dumps(dict(entry.body), default=str)
    check_commitment(str(entry.body["recipient_commitment"]), REGIONAL.encode(), _salt())
    assert (entry.body["ring"], entry.body["tlp"]) == ("affected", "AMBER")
    check_commitment(str(entry.body["notice_commitment"]), notice.manifest, _salt())
    assert "starlette" not in json.dumps(dict(entry.body), default=str)


def test_a_notice_does_not_lead_to_its_case_through_the_ledger(database, opened, issuer, clock, ids) -> None:
    """The ledger says which finding of which bank a notice is about; a file or its name must not say which notice."""
    (notice,) = _issue(database, opened, issuer, clock, ids).notices
    published = json.dumps([[entry.id, dict(entry.body)] for entry in _entries(database)], default=str)
    tracking = json.loads(notice.files[0].data)["document"]["tracking"]["id"].rpartition("-")[2]
    assert len(tracking) == 26
    assert tracking.lower() not in published.lower()
    for file in notice.files:
        assert tracking.lower() in file.name
        assert notice.id.removeprefix("ntc_").lower() not in (file.name + file.data.decode()).lower()


def test_no_two_notices_of_one_case_to_one_institution(database, opened, issuer, clock, ids) -> None:
    """The database holds the law as well: two racing requests cannot both win."""
    _issue(database, opened, issuer, clock, ids)
    other = NoticeRow(
        id="ntc_other", case_id=opened.id, institution=REGIONAL, tlp="AMBER", issued_at=clock.now(), salt=_salt()
    )
    with pytest.raises(Conflict), database.begin() as session:
        session.add(other)
