"""What the decisions say against a call that was let through although its gate knew them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sekisho.core import format_utc
from sekisho.ledger import EntryKind, Fault, Log, Report, verify_ledger


def check(programme: Any) -> Report:
    return verify_ledger(programme.ledger, vkey=programme.vkey("decisions"))


def faults(report: Report) -> set[Fault]:
    return {problem.fault for problem in report.problems}


@pytest.fixture
def logs(programme: Any) -> tuple[Log, Log]:
    """Both logs open; nothing is decided but the gate's log."""
    decisions, calls = programme.log("decisions"), programme.log("calls/gate-0")
    decisions.append(programme.opening()).result()
    return decisions, calls


def close(*logs: Log) -> None:
    for log in logs:
        log.close()


def hold(programme: Any, kind: str, target: str, lapses_in: timedelta) -> Any:
    return programme.entry(
        EntryKind.HOLD_PLACED,
        hold="hld-1",
        placed_by="home-gov",
        target_kind=kind,
        target=target,
        basis="A key was seen in public.",
        lapses_at=format_utc(programme._clock.now() + lapses_in),
        hold_sha256="0" * 64,
    )


HELD = (
    ("lab", "lab-a"),
    ("model", "cyber"),
    ("institution", "ins-1"),
    ("principal", "per-1"),
    ("grant", "grt-1"),
    ("accord", "acc-1"),
)


@pytest.mark.parametrize(("kind", "target"), HELD)
def test_a_call_let_through_a_hold_that_its_gate_knew_is_named(
    programme: Any, logs: tuple[Log, Log], kind: str, target: str
) -> None:
    """Whatever the call needed: lab, model, institution, principal, grant, or the accord behind the grant."""
    decisions, calls = logs
    for entry in (programme.grant(), hold(programme, kind, target, timedelta(hours=1)), programme.snapshot()):
        decisions.append(entry).result()
    calls.append(programme.intent(decisions.head())).result()
    close(calls, decisions)
    assert faults(check(programme)) == {Fault.CALLED_ON_HOLD}


@pytest.mark.parametrize("case", ["lapsed", "not yet known", "on another thing"])
def test_a_hold_that_did_not_stop_the_call_is_no_fault(programme: Any, logs: tuple[Log, Log], case: str) -> None:
    """Lapsed when the call was made, placed after the decisions that the gate knew, or about something else."""
    decisions, calls = logs
    for entry in (programme.grant(), programme.snapshot()):
        decisions.append(entry).result()
    before = decisions.head()
    if case == "lapsed":
        decisions.append(hold(programme, "lab", "lab-a", timedelta(0))).result()
    else:
        decisions.append(hold(programme, "lab", "lab-b" if "another" in case else "lab-a", timedelta(hours=1))).result()
    calls.append(programme.intent(before if case == "not yet known" else decisions.head())).result()
    close(calls, decisions)
    assert check(programme).problems == ()


def test_a_call_under_a_grant_that_nobody_issued_is_named(programme: Any, logs: tuple[Log, Log]) -> None:
    """Neither an invented grant nor one that was issued only after the call serves it."""
    decisions, calls = logs
    decisions.append(programme.snapshot()).result()
    calls.append(programme.intent(decisions.head(), "req-1")).result()
    calls.append(programme.intent(decisions.head(), "req-2", grant="grt-invented")).result()
    decisions.append(programme.grant()).result()
    close(calls, decisions)
    report = check(programme)
    assert [problem.fault for problem in report.problems] == [Fault.GRANT_UNKNOWN, Fault.GRANT_UNKNOWN]


@pytest.mark.parametrize("field", ["institution", "lab", "principal", "model", "asset", "technique", "time"])
def test_a_call_outside_its_grant_is_named_with_the_field(programme: Any, logs: tuple[Log, Log], field: str) -> None:
    """Each part of the scope by itself, and the window."""
    decisions, calls = logs
    at = programme._clock.now()
    scope = {
        "lab": "lab-a",
        "models": ["cyber"],
        "principals": ["per-1"],
        "assets": ["ast-1"],
        "techniques": ["find"],
        "opens": format_utc(at - timedelta(hours=1)),
        "closes": format_utc(at - timedelta(minutes=3) if field == "time" else at + timedelta(hours=1)),
    }
    decisions.append(programme.grant(**scope)).result()
    decisions.append(programme.snapshot()).result()
    calls.append(programme.intent(decisions.head(), "req-1", **({} if field == "time" else {field: "x"}))).result()
    close(calls, decisions)
    (problem,) = check(programme).problems
    assert problem.fault is Fault.CALLED_OUT_OF_SCOPE
    assert problem.message.endswith(f": {field}")


@pytest.mark.parametrize(
    ("late", "expected"), [(119, set()), (121, {Fault.SNAPSHOT_STALE, Fault.CALLED_AFTER_REVOCATION})]
)
def test_a_gate_that_stops_listening_is_named(
    programme: Any, logs: tuple[Log, Log], late: int, expected: set[Fault]
) -> None:
    """By naming decisions from before a revocation for ever, a gate would permit what it ought to know was ended."""
    decisions, calls = logs
    for entry in (programme.grant(), programme.snapshot(1)):
        decisions.append(entry).result()
    before = decisions.head()
    for entry in (programme.revocation("grt-1"), programme.snapshot(2)):
        decisions.append(entry).result()
    programme._clock.advance(timedelta(seconds=late))
    calls.append(programme.intent(before)).result()
    close(calls, decisions)
    assert faults(check(programme)) == expected


def test_a_call_long_after_a_revocation_is_named_whatever_decisions_it_names(
    programme: Any, logs: tuple[Log, Log]
) -> None:
    """No newer snapshot need be there: that the grant was revoked is on record, and so is the hour of the call."""
    decisions, calls = logs
    for entry in (programme.grant(), programme.snapshot()):
        decisions.append(entry).result()
    before = decisions.head()
    decisions.append(programme.revocation("grt-1")).result()
    programme._clock.advance(timedelta(seconds=119))
    calls.append(programme.intent(before, "req-1")).result()
    programme._clock.advance(timedelta(seconds=2))
    calls.append(programme.intent(before, "req-2")).result()
    close(calls, decisions)
    (problem,) = check(programme).problems
    assert (problem.fault, problem.where) == (Fault.CALLED_AFTER_REVOCATION, "calls/gate-0 entry 1")


def test_a_call_long_after_a_hold_was_placed_is_named_until_it_lapses(programme: Any, logs: tuple[Log, Log]) -> None:
    """Likewise: not within two minutes, not after the hold lapsed, but in between."""
    decisions, calls = logs
    for entry in (programme.grant(), programme.snapshot()):
        decisions.append(entry).result()
    before = decisions.head()
    decisions.append(hold(programme, "lab", "lab-a", timedelta(minutes=5))).result()
    for number, seconds in enumerate((119, 2, 200)):
        programme._clock.advance(timedelta(seconds=seconds))
        calls.append(programme.intent(before, f"req-{number}")).result()
    close(calls, decisions)
    (problem,) = check(programme).problems
    assert (problem.fault, problem.where) == (Fault.CALLED_ON_HOLD, "calls/gate-0 entry 1")


def anchored_between(programme: Any, logs: tuple[Log, Log], first: Any, second: Any, wait: timedelta) -> None:
    """Append the calls `first` and `second`; after the one, and `wait`, the log's checkpoint goes on record."""
    decisions, calls = logs
    calls.append(first).result()
    programme._clock.advance(wait)
    decisions.append(programme.anchor(calls.head())).result()
    calls.append(second).result()
    close(calls, decisions)


@pytest.mark.parametrize(("minutes", "expected"), [(12, set()), (13, {Fault.CALLED_AFTER_REVOCATION})])
def test_a_call_dated_back_before_a_revocation_is_named_by_the_anchor_before_it(
    programme: Any, logs: tuple[Log, Log], minutes: int, expected: set[Fault]
) -> None:
    """It lies beyond a checkpoint that went on record long after the revocation: no gate's clock can undo that."""
    decisions, _ = logs
    for entry in (programme.grant(), programme.snapshot()):
        decisions.append(entry).result()
    before = decisions.head()
    first, second = programme.intent(before, "req-1"), programme.intent(before, "req-2")
    decisions.append(programme.revocation("grt-1")).result()
    anchored_between(programme, logs, first, second, timedelta(minutes=minutes))
    assert faults(check(programme)) == expected


def test_an_anchor_said_again_dates_no_call(programme: Any, logs: tuple[Log, Log]) -> None:
    """Who writes the decisions log must not make an honest gate's call look late by repeating an old checkpoint."""
    decisions, calls = logs
    for entry in (programme.grant(), programme.snapshot()):
        decisions.append(entry).result()
    before = decisions.head()
    calls.append(programme.intent(before, "req-1")).result()
    head = calls.head()
    decisions.append(programme.anchor(head)).result()
    calls.append(programme.intent(before, "req-2")).result()
    decisions.append(programme.revocation("grt-1")).result()
    programme._clock.advance(timedelta(hours=1))
    decisions.append(programme.anchor(head)).result()
    close(calls, decisions)
    assert check(programme).problems == ()


@pytest.mark.parametrize(("lapse_min", "expected"), [(1, set()), (3, {Fault.CALLED_ON_HOLD})])
def test_a_call_dated_ahead_past_a_hold_is_named_by_the_anchor_over_it(
    programme: Any, logs: tuple[Log, Log], lapse_min: int, expected: set[Fault]
) -> None:
    """Its checkpoint was on record before the hold lapsed, so the call was made before. Clocks may differ a little."""
    decisions, _ = logs
    for entry in (programme.grant(), hold(programme, "lab", "lab-a", timedelta(minutes=lapse_min))):
        decisions.append(entry).result()
    decisions.append(programme.snapshot()).result()
    ahead = replace(programme.intent(decisions.head()), at=programme._clock.now() + timedelta(minutes=lapse_min))
    anchored_between(programme, logs, ahead, programme.entry(EntryKind.DENIALS_COUNTED, **COUNTED), timedelta(0))
    assert faults(check(programme)) == expected


COUNTED = {"opens": "2026-11-22T09:00:00.000000Z", "closes": "2026-11-22T09:01:00.000000Z", "counts": {}}
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("at", [FIRST, LAST])
@pytest.mark.parametrize("what", ["snapshot", "revocation", "hold", "anchor", "intent", "grant"])
def test_the_ends_of_the_calendar_end_no_verification(
    programme: Any, logs: tuple[Log, Log], what: str, at: datetime
) -> None:
    """An entry may have any time that there is: whoever writes one must not be able to end its reader."""
    decisions, calls = logs

    def dated(name: str, entry: Any) -> Any:
        return replace(entry, at=at) if name == what else entry

    window = {"opens": format_utc(at), "closes": format_utc(at)} if what == "grant" else {}
    decisions.append(programme.grant(**window)).result()
    decisions.append(programme.snapshot()).result()
    before = decisions.head()
    decisions.append(dated("snapshot", programme.snapshot(2))).result()
    decisions.append(dated("revocation", programme.revocation("grt-1"))).result()
    decisions.append(dated("hold", hold(programme, "lab", "lab-a", timedelta(0)))).result()
    calls.append(dated("intent", programme.intent(before, "req-1"))).result()
    decisions.append(dated("anchor", programme.anchor(calls.head()))).result()
    calls.append(dated("intent", programme.intent(before, "req-2"))).result()
    close(calls, decisions)
    assert check(programme).logs[1].size == 2
