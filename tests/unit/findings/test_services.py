"""Putting campaigns on record: once, for the owner's asset, and without a word of detail in the ledger."""

import itertools
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from sekisho.core import SekishoError
from sekisho.core.ids import AssetId
from sekisho.db import drain
from sekisho.findings import AssetNotTheirs, CampaignConflict, FindingRefused, FindingUnknown, State, StateReason
from sekisho.findings import services as findings
from sekisho.findings.tables import CampaignRow, FindingRow
from sekisho.ledger.commitment import check_commitment
from sekisho.ledger.entries import Entry, EntryKind, decode_entry

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Office:
    """The services over one database, and the ledger entries that it owes."""

    def __init__(self, database: Any, owners: dict[str, AssetId], ids: Any) -> None:
        self.database = database
        self.owners = owners
        self._ids = ids
        self._salts = itertools.count(1)
        self.entries()

    def submit(self, campaign: Any, *, owner: int = 0, asset: int | None = None) -> findings.Recorded:
        institution = list(self.owners)[owner]
        asset_id = list(self.owners.values())[owner if asset is None else asset]
        with self.database.begin() as session:
            return findings.record_campaign(
                session,
                campaign,
                institution_id=institution,
                asset_id=asset_id,
                salts=lambda: next(self._salts).to_bytes(32),
                ids=self._ids,
                at=AT,
            )

    def entries(self) -> list[Entry]:
        """The entries owed since the last call."""
        taken: list[Entry] = []
        drain(self.database, lambda data, key: taken.append(decode_entry(data)) or len(taken))
        return taken

    def state_of(self, finding_id: str, *, owner: int = 0) -> State:
        with self.database.read() as session:
            return findings.get_finding(session, finding_id, institution_id=list(self.owners)[owner]).state

    def move(self, finding_id: str, to: State, reason: StateReason | None, *, owner: int = 0) -> None:
        with self.database.begin() as session:
            findings.change_state(session, finding_id, institution_id=list(self.owners)[owner], to=to, reason=reason)


@pytest.fixture
def office(database: Any, owners: dict[str, AssetId], ids: Any) -> Office:
    return Office(database, owners, ids)


def test_a_report_is_recorded_with_one_entry_each(office: Office, make_finding: Any, make_campaign: Any) -> None:
    """The campaign's entry comes first, then one for each finding, in the report's order."""
    recorded = office.submit(make_campaign(make_finding(1), make_finding(2)))
    entries = office.entries()
    assert [entry.kind for entry in entries] == [EntryKind.CAMPAIGN_RECORDED, *[EntryKind.FINDING_RECORDED] * 2]
    assert [entry.body["finding"] for entry in entries[1:]] == list(recorded.new)
    assert entries[0].body["findings"] == 2
    assert entries[0].body["not_analyzed"] == 1


def test_the_ledger_learns_no_detail(office: Office, make_finding: Any, make_campaign: Any) -> None:
    """Invariant 6: no location, weakness, rule, title or fingerprint is in any entry."""
    finding = make_finding(1)
    office.submit(make_campaign(finding))
    told = repr(office.entries()).lower()
    for detail in ("store", "cwe", "22'", "traversal", "high", "caller", finding.fingerprint):
        assert detail.lower() not in told.replace("2026-11-22", "")


def test_the_commitments_open_with_what_the_tables_keep(office: Office, make_finding: Any, make_campaign: Any) -> None:
    """Salt and document together are the proof that what is shown is what was recorded."""
    office.submit(make_campaign(make_finding(1)))
    campaign, finding = (entry.body for entry in office.entries())
    with office.database.read() as session:
        row = session.scalars(select(FindingRow)).one()
        check_commitment(str(finding["commitment"]), row.document, row.salt)
        report = session.scalars(select(CampaignRow)).one()
        check_commitment(str(campaign["report_commitment"]), report.report, report.salt)
        assert row.salt != report.salt


def test_the_same_report_twice_records_once(office: Office, make_finding: Any, make_campaign: Any) -> None:
    """A client that did not hear the answer may ask again: same answer, no new entry."""
    campaign = make_campaign(make_finding(1))
    first = office.submit(campaign)
    office.entries()
    assert office.submit(campaign) == first
    assert office.entries() == []


def test_a_finding_known_from_an_earlier_hunt_keeps_its_id(
    office: Office, make_finding: Any, make_campaign: Any
) -> None:
    """Idempotent by fingerprint: the next hunt's finding is the one that is there."""
    first = office.submit(make_campaign(make_finding(1)))
    office.entries()
    later = replace(make_finding(2, campaign=2), fingerprint=make_finding(1).fingerprint)
    again = office.submit(make_campaign(later, make_finding(3, campaign=2), number=2))
    assert again.known == first.new
    assert again.new == (make_finding(3).id,)
    assert [e.kind for e in office.entries()] == [EntryKind.CAMPAIGN_RECORDED, EntryKind.FINDING_RECORDED]


def test_another_report_under_a_used_id_is_refused(office: Office, make_finding: Any, make_campaign: Any) -> None:
    """What is recorded is never replaced, nor taken over by another institution."""
    office.submit(make_campaign(make_finding(1)))
    for attempt, owner in ((make_campaign(make_finding(2)), 0), (make_campaign(make_finding(1)), 1)):
        with pytest.raises(CampaignConflict):
            office.submit(attempt, owner=owner)
    with pytest.raises(CampaignConflict):
        office.submit(make_campaign(make_finding(1, campaign=2), number=2), owner=1)


def test_a_report_goes_to_the_owner_s_asset_alone(office: Office, make_finding: Any, make_campaign: Any) -> None:
    """An institution cannot record findings against another's asset, nor against another asset than it hunted."""
    with pytest.raises(AssetNotTheirs):
        office.submit(make_campaign(make_finding(1)), owner=0, asset=1)
    other = list(office.owners.values())[1]
    with pytest.raises(AssetNotTheirs):
        office.submit(make_campaign(make_finding(1, asset_id=other), asset_id=other), owner=0)
    assert office.entries() == []


def test_a_report_cannot_bring_its_own_judgement(office: Office, make_finding: Any, make_campaign: Any) -> None:
    """A hunter's word is no verdict: a new finding is open and unjudged."""
    judged = make_finding(1, state=State.DISMISSED, state_reason=StateReason.FALSE_POSITIVE)
    with pytest.raises(FindingRefused):
        office.submit(make_campaign(judged))
    assert office.entries() == []


def test_found_again_a_fixed_finding_opens_and_a_dismissed_one_stays(
    office: Office, make_finding: Any, make_campaign: Any
) -> None:
    """A fix that did not hold shows; a dismissal is not undone by the engine that was overruled."""
    fixed, dismissed = office.submit(make_campaign(make_finding(1), make_finding(2))).new
    office.move(fixed, State.FIXED, StateReason.PATCHED)
    office.move(dismissed, State.DISMISSED, StateReason.NOT_REACHABLE)
    office.submit(make_campaign(make_finding(1), make_finding(2)))
    assert office.state_of(fixed) is State.FIXED, "the report of before the fix says nothing about it"
    again = (replace(make_finding(n + 2, campaign=2), fingerprint=make_finding(n).fingerprint) for n in (1, 2))
    office.submit(make_campaign(*again, number=2))
    assert office.state_of(fixed) is State.OPEN
    assert office.state_of(dismissed) is State.DISMISSED


def test_another_institution_s_finding_is_as_unknown_as_none(
    office: Office, make_finding: Any, make_campaign: Any
) -> None:
    """Whether an id exists is told to its owner alone."""
    (finding_id,) = office.submit(make_campaign(make_finding(1))).new
    messages = []
    for asked in (finding_id, make_finding(9).id):
        with pytest.raises(FindingUnknown) as refused:
            office.state_of(asked, owner=1)
        messages.append(refused.value.message.replace(asked, ""))
    assert messages[0] == messages[1]
    with office.database.read() as session:
        assert findings.list_findings(session, institution_id=list(office.owners)[1]) == ()
        mine = findings.list_findings(session, institution_id=next(iter(office.owners)))
    assert [finding.id for finding in mine] == [finding_id]
    assert mine[0].asset_id == next(iter(office.owners.values()))


def test_a_report_that_fails_leaves_nothing(office: Office, make_finding: Any, make_campaign: Any) -> None:
    """One unit of work: a clash in the last finding keeps the first from being recorded."""
    office.submit(make_campaign(make_finding(5)))
    office.entries()
    clash = replace(make_finding(5, campaign=2), fingerprint="e" * 64)
    with pytest.raises(SekishoError):
        office.submit(make_campaign(make_finding(1, campaign=2), clash, number=2))
    assert office.entries() == []
    with pytest.raises(FindingUnknown):
        office.state_of(make_finding(1).id)


def test_the_first_door_needs_no_database() -> None:
    """Hunting works on the base install: `sekisho.findings` imports no SQLAlchemy."""
    code = "import sys, sekisho.findings; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
