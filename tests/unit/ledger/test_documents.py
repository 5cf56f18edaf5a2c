"""Whoever holds the log's key writes what it likes into the log; it cannot sign for the parties."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sekisho.formats import dsse
from sekisho.ledger import Entry, Fault, verify_ledger
from sekisho.trust import AnyOfRole, Role, hold
from sekisho.trust.errors import DocumentLapsed
from sekisho.trust.hold import read_hold

QUORUM = ("lab-a", "home-gov")


def test_what_the_parties_signed_is_verified_again(office: Any) -> None:
    """One document of each kind, as the office records it, at the log's own time."""
    report = office.verify(
        office.pinning(),
        office.bringing(*QUORUM),
        office.issuing(*QUORUM),
        office.holding("lab-b"),
        office.revoking(*QUORUM),
    )
    assert report.problems == ()
    alone = verify_ledger(
        office.programme.ledger / "decisions", vkey=office.programme.vkey("decisions"), charter=office.pinned()
    )
    assert alone.is_verified


def test_a_log_that_is_true_years_later_still_verifies(office: Any) -> None:
    """Documents are judged at the time of their entries, not of the auditor."""
    office.verify(office.pinning(), office.bringing(*QUORUM))
    office.programme._clock.advance(timedelta(days=4000))
    assert office.verify().is_verified


FALSE: Mapping[str, tuple[Callable[[Any], tuple[Entry, ...]], Fault]] = {
    "another charter": (
        lambda o: (o.pinning(replace(o.charter, grant_rule=AnyOfRole(role=Role.HOME))),),
        Fault.CHARTER_DIFFERS,
    ),
    "an accord by one party": (lambda o: (o.bringing("home-gov"),), Fault.DOCUMENT_REFUSED),
    "an accord by another lab": (lambda o: (o.bringing("lab-b", "home-gov"),), Fault.DOCUMENT_REFUSED),
    "an accord of another programme": (
        lambda o: (o.bringing(*QUORUM, accord=replace(o.accord, programme="other.example")),),
        Fault.DOCUMENT_REFUSED,
    ),
    "a grant without its quorum": (lambda o: (o.bringing(*QUORUM), o.issuing("lab-a")), Fault.DOCUMENT_REFUSED),
    "a grant without its accord": (lambda o: (o.issuing(*QUORUM),), Fault.DOCUMENT_REFUSED),
    "a grant before its accord": (lambda o: (o.issuing(*QUORUM), o.bringing(*QUORUM)), Fault.DOCUMENT_REFUSED),
    "a grant beyond its accord": (
        lambda o: (o.bringing(*QUORUM), o.issuing(*QUORUM, techniques=("find", "exploit"))),
        Fault.DOCUMENT_REFUSED,
    ),
    "a revocation of nothing": (lambda o: (o.bringing(*QUORUM), o.revoking(*QUORUM)), Fault.DOCUMENT_REFUSED),
    "a revocation by one party": (
        lambda o: (o.bringing(*QUORUM), o.issuing(*QUORUM), o.revoking("home-gov")),
        Fault.DOCUMENT_REFUSED,
    ),
    "a hold that its party did not sign": (lambda o: (o.holding("home-gov"),), Fault.DOCUMENT_REFUSED),
    "a hold beyond the term": (
        lambda o: (o.holding("lab-b", lapses_at=o.at + timedelta(days=4)),),
        Fault.DOCUMENT_REFUSED,
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_an_entry_that_the_parties_did_not_sign_for_is_named(office: Any, name: str) -> None:
    """The tree is perfect and signed by the log's key; the quorum of the pinned charter did not sign."""
    make, fault = FALSE[name]
    report = office.verify(*make(office))
    assert [problem.fault for problem in report.problems] == [fault]


SIGNED: Mapping[str, Callable[[Any], tuple[Entry, ...]]] = {
    "charter": lambda o: (o.pinning(),),
    "accord": lambda o: (o.bringing(*QUORUM),),
    "grant": lambda o: (o.bringing(*QUORUM), o.issuing(*QUORUM)),
    "hold": lambda o: (o.holding("lab-b"),),
    "revocation": lambda o: (o.bringing(*QUORUM), o.issuing(*QUORUM), o.revoking(*QUORUM)),
}
OTHER_VALUES = {str: "other", int: 7, list: ["other"]}


@pytest.mark.parametrize("kind", SIGNED)
def test_an_entry_that_says_other_than_its_document_is_named(office: Any, kind: str) -> None:
    """Field by field: the scope that gates and auditors read is the one that was signed; none may be left out."""
    *before, last = SIGNED[kind](office)
    body = {name: list(value) if isinstance(value, tuple) else value for name, value in last.body.items()}
    names = sorted(set(body) - {"envelope", "charter_sha256"})
    changed = [{**body, name: _other(name, body[name])} for name in names]
    entries = [replace(last, body=entry_body) for entry_body in changed]
    report = office.verify(*before, last, *entries)
    assert [(p.fault, p.message) for p in report.problems] == [
        (Fault.DOCUMENT_DIFFERS, f"the document says otherwise: {name}") for name in names
    ]


@pytest.mark.parametrize("kind", SIGNED)
def test_an_entry_without_its_document_is_named(office: Any, kind: str) -> None:
    """Else whoever writes the log would leave out the signatures that it does not have."""
    *before, last = SIGNED[kind](office)
    body = {name: value for name, value in last.body.items() if name != "envelope"}
    report = office.verify(*before, replace(last, body=body))
    assert [problem.fault for problem in report.problems] == [Fault.DOCUMENT_MISSING]


@pytest.mark.parametrize("envelope", ["", "{}", "[" * 4000, "\x00", '{"payload":"","payloadType":"","signatures":[]}'])
def test_what_is_no_document_is_named_and_nothing_breaks(office: Any, envelope: str) -> None:
    """Any text may stand where the document belongs."""
    last = office.holding("lab-b")
    report = office.verify(replace(last, body={**last.body, "envelope": envelope}))
    assert [problem.fault for problem in report.problems] == [Fault.DOCUMENT_REFUSED]


def _other(name: str, value: Any) -> Any:
    if name.endswith("sha256"):
        return "f" * 64
    if name in ("opens", "closes", "lapses_at"):
        return "2026-01-01T00:00:00.000000Z"
    return OTHER_VALUES[type(value)]


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("kind", ["accord", "grant", "revocation", "hold"])
def test_a_document_on_record_at_the_end_of_the_calendar_is_refused(office: Any, kind: str, at: datetime) -> None:
    """The entry's time is the office's word: whatever it says, the verifier answers."""
    entries = {
        "accord": office.bringing("lab-a", "home-gov"),
        "grant": office.issuing("lab-a", "home-gov"),
        "revocation": office.revoking("lab-a", "home-gov"),
        "hold": office.holding("home-gov"),
    }
    dated = [replace(entry, at=at) if name == kind else entry for name, entry in entries.items()]
    assert Fault.DOCUMENT_REFUSED in {problem.fault for problem in office.verify(office.pinning(), *dated).problems}


def test_a_hold_under_a_charter_without_end_is_judged_to_the_last_day(office: Any) -> None:
    """A charter may close on the last day there is, and an entry be dated to it."""
    last = datetime.max.replace(tzinfo=UTC)
    held = read_hold(dsse.decode(str(office.holding("lab-b").body["envelope"]).encode()))
    late = replace(held, placed_at=last - timedelta(minutes=1), lapses_at=last)
    with pytest.raises(DocumentLapsed):
        hold._check_times(late, office.charter, at=last)
