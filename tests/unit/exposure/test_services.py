"""Inventories are kept, never replaced; the ledger learns of them without learning what they list."""

from sqlalchemy import select

from sekisho.core.ids import InstitutionId
from sekisho.db.outbox import OutboxRow
from sekisho.exposure import Affected, Verdict, Why, read_sbom
from sekisho.exposure.services import match_all, newest_inventory, record_inventory
from sekisho.ledger.commitment import check_commitment
from sekisho.ledger.entries import EntryKind, decode_entry

BANK, FINTECH, SILENT = InstitutionId("ins_bank"), InstitutionId("ins_fintech"), InstitutionId("ins_silent")
SALT = bytes(range(32))
STARLETTE = Affected(package="pkg:pypi/starlette", ranges=("vers:pypi/<0.27.0",))


def test_an_inventory_comes_back_as_it_was_read(database, bom, clock, ids) -> None:
    """Recording and reading agree, odd purls included."""
    data = bom("pkg:pypi/starlette@0.26.1", "pkg:npm/%40types/node@1.0?x=a%2Fb#c", "not-a-purl")
    with database.begin() as session:
        recorded = record_inventory(session, institution=BANK, sbom=read_sbom(data), salt=SALT, clock=clock, ids=ids)
    with database.read() as session:
        assert newest_inventory(session, BANK) == recorded
    assert [c.purl is None for c in recorded.components] == [False, False, True]


def test_the_ledger_gets_one_entry_that_tells_nothing_of_the_list(database, bom, clock, ids) -> None:
    """inventory-recorded/v1: institution, salted commitment, count."""
    data = bom("pkg:pypi/starlette@0.26.1")
    for _ in range(2):
        with database.begin() as session:
            record_inventory(session, institution=BANK, sbom=read_sbom(data), salt=SALT, clock=clock, ids=ids)
    with database.read() as session:
        (leaf,) = session.scalars(select(OutboxRow.entry)).all()
    entry = decode_entry(leaf)
    assert entry.kind is EntryKind.INVENTORY_RECORDED
    assert (entry.body["institution"], entry.body["components"]) == (BANK, 1)
    check_commitment(str(entry.body["commitment"]), data, SALT)
    assert b"starlette" not in leaf


def test_the_newest_inventory_counts_and_the_older_stay(database, bom, clock, ids) -> None:
    """An update, and the return to an old state, are both news."""
    for text in ("0.26.1", "0.27.0", "0.26.1"):
        with database.begin() as session:
            data = bom(f"pkg:pypi/starlette@{text}")
            record_inventory(session, institution=BANK, sbom=read_sbom(data), salt=SALT, clock=clock, ids=ids)
    with database.read() as session:
        assert len(session.scalars(select(OutboxRow.id)).all()) == 3
        ((_, exposure),) = match_all(session, STARLETTE, institutions=[BANK])
    assert exposure.verdict is Verdict.AFFECTED


def test_everybody_asked_about_gets_a_verdict(database, bom, clock, ids) -> None:
    """Who sent nothing is unknown, not forgotten."""
    with database.begin() as session:
        for who, version in ((BANK, "0.26.1"), (FINTECH, "0.27.0")):
            data = bom(f"pkg:pypi/starlette@{version}")
            record_inventory(session, institution=who, sbom=read_sbom(data), salt=SALT, clock=clock, ids=ids)
    with database.read() as session:
        matched = match_all(session, STARLETTE, institutions=[SILENT, FINTECH, BANK, BANK])
    assert [(who, exposure.why) for who, exposure in matched] == [
        (BANK, Why.VERSION_IN_RANGE),
        (FINTECH, Why.VERSION_OUTSIDE),
        (SILENT, Why.NO_INVENTORY),
    ]
