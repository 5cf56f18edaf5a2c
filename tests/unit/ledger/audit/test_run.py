"""Each clause where the log shows it, where an operator broke it, and where nothing shows it."""

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sekisho.core import Reason, Window
from sekisho.core.ids import AssetId, GrantId
from sekisho.ledger import EntryKind, open_source
from sekisho.ledger.audit import (
    AccordNotOnRecord,
    ClauseKind,
    Ground,
    LedgerMoved,
    LedgerNotSound,
    Result,
    audit_ledger,
)
from sekisho.ledger.audit import run as audit_run
from sekisho.trust import Budget

HOUR = timedelta(hours=1)
YEAR = timedelta(days=400)
Story = Callable[[Any], object]


def not_granted(rig: Any, *grants: Any) -> None:
    """All that an honest ledger has, but other grants."""
    rig.decide(rig.office.pinning(), rig.accord(), rig.enrolment(), *rig.belongings(), *grants)
    rig.decide(rig.opening(), rig.snapshot())


def after(rig: Any, decided: Any, *, call_later: timedelta, knowing: bool = False) -> None:
    """A call, something decided, and another call by a gate that says it knew only the decisions before."""
    rig.begin().call()
    before = rig.decisions.head()
    rig.decide(decided)
    known = rig.decisions.head() if knowing else before
    body = {"decisions_size": known.size}
    rig.call(later=call_later, **body, **_root(known))


def _root(head: Any) -> dict[str, str]:
    return {"decisions_root": base64.b64encode(head.root).decode()}


def repeated(rig: Any) -> None:
    rig.begin().call()
    rig.requests = 0
    rig.intend()


def answered_twice(rig: Any) -> None:
    index = rig.begin().call()
    rig.answer(index)


def stale(rig: Any) -> None:
    rig.begin()
    rig.decide(rig.snapshot(2))
    rig.call(later=timedelta(minutes=3))


def spend(rig: Any, tokens: int, **budget: int) -> None:
    not_granted(rig, rig.grant(budget=Budget(**({"tokens": 1000, "calls": 10} | budget))))
    for _ in range(2):
        rig.answer(rig.intend(), settled_tokens=tokens)


def wider_than_the_accord(rig: Any) -> Any:
    return rig.grant(techniques=("exploit", "find"))


ISSUED_LATE = GrantId("grt_late")


def called_before_its_grant(rig: Any) -> None:
    rig.begin().call(grant="grt_late")
    rig.decide(rig.grant(id=ISSUED_LATE))


# clause → (a story that shows it, the index of the entry that does)
MET: Mapping[ClauseKind, tuple[Story, int]] = {
    ClauseKind.QUORUM: (lambda rig: rig.begin(), 1),
    ClauseKind.LAB: (lambda rig: rig.begin().call(), 0),
    ClauseKind.MODELS: (lambda rig: rig.begin().call(), 0),
    ClauseKind.KINDS: (lambda rig: rig.begin(), 5),
    ClauseKind.TECHNIQUES: (lambda rig: rig.begin().call(), 0),
    ClauseKind.VALID: (lambda rig: rig.begin().call(), 0),
    ClauseKind.GRANTS: (lambda rig: rig.begin(), 5),
    ClauseKind.BELONGING: (lambda rig: rig.begin(), 5),
    ClauseKind.SCOPE: (lambda rig: rig.begin().call(), 0),
    ClauseKind.BUDGETS: (lambda rig: spend(rig, 500), 1),
    ClauseKind.REVOCATIONS: (lambda rig: after(rig, rig.office.revoking("lab-a", "home-gov"), call_later=HOUR * 0), 8),
    ClauseKind.HOLDS: (lambda rig: after(rig, rig.hold(), call_later=HOUR * 0), 8),
    ClauseKind.JUDGED: (lambda rig: rig.begin().call(), 0),
    ClauseKind.RECORD: (lambda rig: rig.begin().call(), 1),
}

# what an operator did → (clause, story, why, log, index of the entry that speaks against it)
BROKEN: Mapping[str, tuple[ClauseKind, Story, Ground, str, int]] = {
    "an accord that one party signed": (
        ClauseKind.QUORUM,
        lambda rig: rig.decide(rig.accord("home-gov")),
        Ground.DOCUMENT_REFUSED,
        "decisions",
        0,
    ),
    "a call to another lab": (
        ClauseKind.LAB,
        lambda rig: rig.begin().call(lab="lab-b"),
        Ground.OTHER_LAB,
        "calls/gate-0",
        0,
    ),
    "a call on a model that is not in the accord": (
        ClauseKind.MODELS,
        lambda rig: rig.begin().call(model="myth"),
        Ground.OTHER_MODEL,
        "calls/gate-0",
        0,
    ),
    "a call at a tier that the accord does not offer": (
        ClauseKind.MODELS,
        lambda rig: (not_granted(rig, rig.grant(tier="gold")), rig.call()),
        Ground.OTHER_MODEL,
        "calls/gate-0",
        0,
    ),
    "a grant to a kind of institution that is not admitted": (
        ClauseKind.KINDS,
        lambda rig: rig.decide(rig.accord(), rig.enrolment("fintech"), rig.grant()),
        Ground.OTHER_KIND,
        "decisions",
        2,
    ),
    "a call for a technique that is not in the accord": (
        ClauseKind.TECHNIQUES,
        lambda rig: rig.begin().call(technique="exploit"),
        Ground.OTHER_TECHNIQUE,
        "calls/gate-0",
        0,
    ),
    "a call after the accord closed": (
        ClauseKind.VALID,
        lambda rig: rig.begin().call(later=YEAR),
        Ground.OTHER_TIME,
        "calls/gate-0",
        0,
    ),
    "a call before the accord opened": (
        ClauseKind.VALID,
        lambda rig: rig.begin().call(later=-YEAR),
        Ground.OTHER_TIME,
        "calls/gate-0",
        0,
    ),
    "a grant without the quorum": (
        ClauseKind.GRANTS,
        lambda rig: rig.decide(rig.accord(), rig.grant("home-gov")),
        Ground.DOCUMENT_REFUSED,
        "decisions",
        1,
    ),
    "a grant that is wider than its accord": (
        ClauseKind.GRANTS,
        lambda rig: rig.decide(rig.accord(), wider_than_the_accord(rig)),
        Ground.DOCUMENT_REFUSED,
        "decisions",
        1,
    ),
    "a grant without its document": (
        ClauseKind.GRANTS,
        lambda rig: rig.decide(rig.accord(), without_document(rig.grant())),
        Ground.DOCUMENT_MISSING,
        "decisions",
        1,
    ),
    "a grant that says other than its document": (
        ClauseKind.GRANTS,
        lambda rig: rig.decide(rig.accord(), rewritten(rig.grant(), accord="acc_2")),
        Ground.DOCUMENT_DIFFERS,
        "decisions",
        1,
    ),
    "a call under a grant that nobody issued": (
        ClauseKind.GRANTS,
        lambda rig: rig.begin().call(grant="grt_9"),
        Ground.GRANT_UNKNOWN,
        "calls/gate-0",
        0,
    ),
    "a call under a grant that was issued afterwards": (
        ClauseKind.GRANTS,
        called_before_its_grant,
        Ground.GRANT_UNKNOWN,
        "calls/gate-0",
        0,
    ),
    "a grant for a person of another institution": (
        ClauseKind.BELONGING,
        lambda rig: rig.decide(rig.accord(), rig.enrolment(), *rig.belongings("ins_2"), rig.grant()),
        Ground.OTHER_OWNER,
        "decisions",
        4,
    ),
    "a call on an asset outside the grant": (
        ClauseKind.SCOPE,
        lambda rig: rig.begin().call(asset="ast_2"),
        Ground.OUT_OF_SCOPE,
        "calls/gate-0",
        0,
    ),
    "a call after the grant closed, in the accord's time": (
        ClauseKind.SCOPE,
        lambda rig: (
            not_granted(rig, rig.grant(window=Window(opens=rig.office.window.opens, closes=rig.office.at + HOUR))),
            rig.call(later=2 * HOUR),
        ),
        Ground.OUT_OF_SCOPE,
        "calls/gate-0",
        0,
    ),
    "more tokens than the budget": (
        ClauseKind.BUDGETS,
        lambda rig: spend(rig, 501),
        Ground.TOKENS_OVER,
        "calls/gate-0",
        3,
    ),
    "more calls than the budget": (
        ClauseKind.BUDGETS,
        lambda rig: spend(rig, 1, calls=1),
        Ground.CALLS_OVER,
        "calls/gate-0",
        3,
    ),
    "a call whose gate knew of the revocation": (
        ClauseKind.REVOCATIONS,
        lambda rig: after(rig, rig.office.revoking("lab-a", "home-gov"), call_later=HOUR * 0, knowing=True),
        Ground.AFTER_REVOCATION,
        "calls/gate-0",
        2,
    ),
    "a call whose gate says it knew of no revocation, an hour later": (
        ClauseKind.REVOCATIONS,
        lambda rig: after(rig, rig.office.revoking("lab-a", "home-gov"), call_later=HOUR),
        Ground.AFTER_REVOCATION,
        "calls/gate-0",
        2,
    ),
    "a revocation without the quorum": (
        ClauseKind.REVOCATIONS,
        lambda rig: rig.begin().decide(rig.office.revoking("home-gov")),
        Ground.DOCUMENT_REFUSED,
        "decisions",
        8,
    ),
    "a call on hold": (
        ClauseKind.HOLDS,
        lambda rig: after(rig, rig.hold(), call_later=HOUR * 0, knowing=True),
        Ground.ON_HOLD,
        "calls/gate-0",
        2,
    ),
    "a call on hold whose gate says it knew of none, an hour later": (
        ClauseKind.HOLDS,
        lambda rig: after(rig, rig.hold(), call_later=HOUR),
        Ground.ON_HOLD,
        "calls/gate-0",
        2,
    ),
    "a hold beyond the charter's term": (
        ClauseKind.HOLDS,
        lambda rig: rig.begin().decide(rig.hold(term=timedelta(days=4))),
        Ground.DOCUMENT_REFUSED,
        "decisions",
        8,
    ),
    "a call judged by a snapshot that had ended": (ClauseKind.JUDGED, stale, Ground.SNAPSHOT_STALE, "calls/gate-0", 0),
    "a call judged by a snapshot that is not on record": (
        ClauseKind.JUDGED,
        lambda rig: rig.begin().call(snapshot_version=7),
        Ground.SNAPSHOT_UNKNOWN,
        "calls/gate-0",
        0,
    ),
    "one request id for two calls": (ClauseKind.RECORD, repeated, Ground.REQUEST_REPEATED, "calls/gate-0", 2),
    "two outcomes of one call": (ClauseKind.RECORD, answered_twice, Ground.ANSWER_WITHOUT_INTENT, "calls/gate-0", 2),
}

# clause → a story that leaves it open
UNSHOWN: Mapping[ClauseKind, Story] = {
    ClauseKind.LAB: lambda rig: rig.begin(),
    ClauseKind.MODELS: lambda rig: rig.begin(),
    ClauseKind.KINDS: lambda rig: rig.decide(rig.accord(), rig.grant()),
    ClauseKind.TECHNIQUES: lambda rig: rig.begin(),
    ClauseKind.VALID: lambda rig: rig.begin(),
    ClauseKind.CONDITION: lambda rig: rig.begin().call(),
    ClauseKind.GRANTS: lambda rig: rig.decide(rig.accord()),
    ClauseKind.BELONGING: lambda rig: rig.decide(rig.accord(), rig.enrolment(), rig.grant(assets=(AssetId("ast_2"),))),
    ClauseKind.SCOPE: lambda rig: rig.begin(),
    ClauseKind.BUDGETS: lambda rig: rig.begin().intend(reserved_tokens=1001),
    ClauseKind.REVOCATIONS: lambda rig: rig.begin().call(),
    ClauseKind.HOLDS: lambda rig: rig.begin().call(),
    ClauseKind.JUDGED: lambda rig: rig.begin(),
    ClauseKind.RECORD: lambda rig: (rig.begin().call(), rig.intend()),
}


def without_document(entry: Any) -> Any:
    return replace(entry, body={name: value for name, value in entry.body.items() if name != "envelope"})


def rewritten(entry: Any, **changed: Any) -> Any:
    return replace(entry, body={**entry.body, **changed})


def test_every_kind_of_clause_is_told_in_all_three_ways() -> None:
    """But a condition, which nothing enforces; and without its accord on record there is nothing to audit."""
    every = set(ClauseKind)
    assert set(MET) == every - {ClauseKind.CONDITION}
    assert {clause for clause, *_ in BROKEN.values()} == every - {ClauseKind.CONDITION}
    assert set(UNSHOWN) == every - {ClauseKind.QUORUM}


@pytest.mark.parametrize("kind", MET)
def test_a_clause_that_the_log_shows_is_met(rig: Any, kind: ClauseKind) -> None:
    """And the entry that shows it is named."""
    story, index = MET[kind]
    story(rig)
    ruling = rig.ruling(kind)
    assert (ruling.result, ruling.against.count, ruling.open.count) == (Result.MET, 0, 0)
    assert ruling.shows.listed[0].index == index
    assert ruling.shows.listed[0].ground is None


@pytest.mark.parametrize("name", BROKEN)
def test_what_an_operator_broke_is_not_met_and_named(rig: Any, name: str) -> None:
    """The logs are signed by their own keys and perfect trees; what they say is held against the accord."""
    kind, story, ground, log, index = BROKEN[name]
    story(rig)
    ruling = rig.ruling(kind)
    assert ruling.result is Result.NOT_MET
    assert [(mark.log, mark.index, mark.ground) for mark in ruling.against.listed] == [(log, index, ground)]


@pytest.mark.parametrize("kind", UNSHOWN)
def test_what_nothing_shows_is_not_shown(rig: Any, kind: ClauseKind) -> None:
    """Nothing is taken as met because nothing speaks against it."""
    UNSHOWN[kind](rig)
    ruling = rig.ruling(kind)
    assert (ruling.result, ruling.against.count) == (Result.NOT_SHOWN, 0)


def test_a_call_under_a_refused_grant_is_named_beside_the_grant(rig: Any) -> None:
    """The grant has no quorum: neither it nor any call under it is covered."""
    not_granted(rig, rig.grant("home-gov"))
    rig.call()
    against = rig.ruling(ClauseKind.GRANTS).against.listed
    assert [(m.log, m.index, m.ground) for m in against] == [
        ("decisions", 5, Ground.DOCUMENT_REFUSED),
        ("calls/gate-0", 0, Ground.GRANT_REFUSED),
    ]


def test_terms_that_nobody_signed_do_not_replace_those_of_the_parties(rig: Any) -> None:
    """A wider accord under the same id, before and after the true one: named, and never judged by."""
    wider = replace(rig.office.accord, techniques=("exploit", "find"))
    rig.decide(rig.office.bringing("home-gov", accord=wider), *(rig.accord(), rig.enrolment()), *rig.belongings())
    rig.decide(rig.office.bringing("home-gov", accord=wider), rig.grant(), rig.opening(), rig.snapshot())
    rig.call(technique="exploit")
    rulings = {ruling.clause.kind: ruling for ruling in rig.settle().audit().rulings}
    assert [mark.index for mark in rulings[ClauseKind.QUORUM].against.listed] == [0, 5]
    assert rulings[ClauseKind.TECHNIQUES].clause.terms == ("find",)
    assert rulings[ClauseKind.TECHNIQUES].result is Result.NOT_MET


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Reason.GRANT_REVOKED, ClauseKind.REVOCATIONS),
        (Reason.LAB_ON_HOLD, ClauseKind.HOLDS),
        (Reason.ASSET_OUT_OF_SCOPE, ClauseKind.SCOPE),
        (Reason.TECHNIQUE_NOT_GRANTED, ClauseKind.TECHNIQUES),
        (Reason.BUDGET_SPENT, ClauseKind.BUDGETS),
        (Reason.SNAPSHOT_STALE, ClauseKind.JUDGED),
    ],
)
def test_a_denial_shows_the_control_at_work(rig: Any, reason: Reason, kind: ClauseKind) -> None:
    """A call that was denied under a grant of the accord is evidence for the clause that its reason is about."""
    rig.begin().deny(reason.value)
    assert rig.ruling(kind).shows.kinds == ((EntryKind.CALL_DENIED.value, 1),)


def test_calls_under_another_accord_are_not_this_ones_matter(rig: Any) -> None:
    """Neither for nor against: an audit is of one accord."""
    rig.begin()
    rig.decide(rewritten(rig.grant(id=GrantId("grt_2"), accord_id="acc_2"), accord="acc_2"))
    rig.call(grant="grt_2", model="myth", technique="exploit")
    audit = rig.settle().audit()
    calls = [r for r in audit.rulings if r.clause.kind in (ClauseKind.MODELS, ClauseKind.TECHNIQUES, ClauseKind.SCOPE)]
    assert {(r.result, r.shows.count) for r in calls} == {(Result.NOT_SHOWN, 0)}
    assert ("document-refused", 1) in audit.faults


def test_two_gates_spend_one_budget(rig: Any) -> None:
    """What each log settles is within; the sum is over."""
    not_granted(rig, rig.grant(budget=Budget(tokens=1000, calls=10)))
    second = rig.programme.log("calls/gate-1")
    rig.decide(rig.programme.opening("calls/gate-1"))
    rig.answer(rig.intend(), settled_tokens=600)
    first, rig.calls = rig.calls, second
    rig.answer(rig.intend(), settled_tokens=600)
    second.close()
    rig.calls = first
    against = rig.ruling(ClauseKind.BUDGETS).against.listed
    assert [(m.log, m.index, m.ground) for m in against] == [("calls/gate-1", 1, Ground.TOKENS_OVER)]


def test_of_many_entries_the_first_are_listed_and_all_counted(rig: Any) -> None:
    """More than a bundle: 300 calls, the first 20 listed, the last one named."""
    not_granted(rig, rig.grant(budget=Budget(tokens=10**6, calls=10**4)))
    for _ in range(300):
        rig.call()
    shows = rig.ruling(ClauseKind.MODELS).shows
    assert (shows.count, len(shows.listed), shows.listed[0].index, shows.last.index) == (300, 20, 0, 598)
    assert shows.to_dict()["first"] == shows.listed[0].to_dict()


def test_nothing_is_shown_of_a_ledger_whose_files_do_not_verify(rig: Any) -> None:
    """A flipped byte; a hundred faults in what entries say do not hide it."""
    rig.begin()
    for _ in range(101):
        rig.call(asset="ast_2")
    rig.settle()
    tile = next(path for path in (rig.ledger / "calls" / "gate-0" / "tile" / "0").rglob("*") if path.is_file())
    tile.write_bytes(tile.read_bytes()[:-1] + b"x")
    with pytest.raises(LedgerNotSound, match="1 × file-differs"):
        rig.audit()


def test_files_that_change_after_they_were_verified_are_noticed(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever swaps a bundle between the two readings is found out before anything is said."""
    rig.begin().call()
    rig.settle()
    bundle = next(path for path in (rig.ledger / "calls" / "gate-0" / "tile" / "entries").rglob("*") if path.is_file())
    verify = audit_run.verify_ledger

    def verify_then_change(*args: Any, **pinned: Any) -> Any:
        report = verify(*args, **pinned)
        bundle.write_bytes(bundle.read_bytes().replace(b"per_1", b"per_2"))
        return report

    monkeypatch.setattr(audit_run, "verify_ledger", verify_then_change)
    with pytest.raises(LedgerMoved):
        rig.audit()


def test_a_ledger_on_the_web_is_audited_like_one_in_a_folder(rig: Any) -> None:
    """Static files are enough; both say the same."""
    rig.begin().call(asset="ast_2")
    rig.settle()
    handler = partial(QuietHandler, directory=str(rig.ledger))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            source = open_source(f"http://127.0.0.1:{server.server_port}/")
            assert audit_ledger(source, "acc_1", rig.office.pinned()) == rig.audit()
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the base class gives it
        pass


def test_an_accord_that_is_not_on_record_and_a_log_alone_are_refused(rig: Any) -> None:
    """There is nothing to hold the log against, and an accord is about calls."""
    rig.begin().settle()
    with pytest.raises(AccordNotOnRecord):
        rig.audit("acc_9")
    rig.programme.ledger = rig.ledger / "decisions"
    with pytest.raises(LedgerNotSound, match="one log"):
        rig.audit()


def test_an_accord_without_a_readable_document_is_not_audited(rig: Any) -> None:
    """What its clauses are, the parties' document alone can say."""
    rig.decide(without_document(rig.accord()))
    rig.settle()
    with pytest.raises(AccordNotOnRecord):
        rig.audit()
