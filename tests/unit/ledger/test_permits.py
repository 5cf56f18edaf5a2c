"""What the decisions say against a call that was let through although its gate knew them."""

from datetime import timedelta
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


@pytest.mark.parametrize(("late", "expected"), [(119, set()), (121, {Fault.SNAPSHOT_STALE})])
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
