"""What belongs together is found together, and is what was verified."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sekisho.ledger import (
    Found,
    LogDamaged,
    Query,
    VerifiedLog,
    locate_log,
    open_source,
    search_entries,
    search_request,
    verify_ledger,
)
from sekisho.tlog.checkpoint import Checkpoint


@pytest.fixture
def logs(programme: Any) -> list[VerifiedLog]:
    """Two grants, two gates; calls that were answered, denied, and one that waits."""
    decisions, first, second = (programme.log(name) for name in ("decisions", "calls/gate-0", "calls/gate-1"))
    for entry in (programme.grant("grt-1"), programme.grant("grt-2", institution="ins-2"), programme.snapshot()):
        decisions.append(entry).result()
    for name in ("calls/gate-0", "calls/gate-1"):
        decisions.append(programme.opening(name)).result()
    head = decisions.head()
    first.append(programme.intent(head, "req-1")).result()
    first.append(programme.intent(head, "req-2", grant="grt-2", institution="ins-2")).result()
    first.append(programme.answer(1, "req-2")).result()
    programme._clock.advance(timedelta(hours=1))
    first.append(programme.answer(0, "req-1")).result()
    second.append(programme.intent(head, "req-3")).result()
    for log in (first, second, decisions):
        log.close()
    source = open_source(str(programme.data))
    return [
        VerifiedLog(
            name=one.log,
            source=locate_log(source, one.log)[1],
            head=Checkpoint(origin=one.origin, size=one.size, root=one.root),
        )
        for one in verify_ledger(source, vkey=None).logs
    ]


def places(groups: Iterable[tuple[Found, ...]]) -> list[list[tuple[str, int]]]:
    return [[(found.log, found.index) for found in group] for group in groups]


def test_a_request_is_found_with_its_outcome_and_the_decisions_it_rests_on(logs: list[VerifiedLog]) -> None:
    """Its grant and its snapshot first, then intent and outcome, from both logs."""
    assert places(search_request(logs, Query(request="req-2"))) == [
        [("decisions", 1), ("decisions", 2), ("calls/gate-0", 1), ("calls/gate-0", 2)]
    ]
    assert places(search_request(logs, Query(request="req-9"))) == []


def test_an_outcome_is_found_by_what_its_intent_says(logs: list[VerifiedLog]) -> None:
    """Institution and grant are in the intent only; a call without an outcome comes alone."""
    assert places(search_entries(logs, Query(institution="ins-2"))) == [
        [("decisions", 1)],
        [("calls/gate-0", 1), ("calls/gate-0", 2)],
    ]
    assert places(search_entries(logs, Query(grant="grt-1", kind="call-intended/v1"))) == [
        [("calls/gate-0", 0), ("calls/gate-0", 3)],
        [("calls/gate-1", 0)],
    ]


def test_a_time_is_inside_from_since_to_before_until(logs: list[VerifiedLog], clock: Any) -> None:
    """A call counts if any of its entries lies within; the ends are as for windows."""
    later = clock.now()
    assert places(search_entries(logs, Query(since=later))) == [
        [("calls/gate-0", 0), ("calls/gate-0", 3)],
        [("calls/gate-1", 0)],
    ]
    before = places(search_entries(logs, Query(until=later)))
    assert [("calls/gate-1", 0)] not in before
    assert len(before) == 7


def test_what_is_no_longer_what_was_verified_is_not_shown(logs: list[VerifiedLog]) -> None:
    """A head of another tree, or files that changed since: the search ends there."""
    other = [replace(logs[0], head=replace(logs[0].head, root=b"\x01" * 32))]
    with pytest.raises(LogDamaged):
        places(search_entries(other, Query(kind="grant-issued/v1")))
