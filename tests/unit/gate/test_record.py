"""The gate's entries: durable before anything rests on them, owed when they could not be written."""

import asyncio

import pytest
from gate_rig import NOW, CountedIds, MemoryLog

from sekisho.access import Denied
from sekisho.core import Reason, SteadyClock
from sekisho.gate.record import DenialCounts, Recorder, unanswered
from sekisho.ledger import EntryKind


@pytest.fixture
def log():
    return MemoryLog()


@pytest.fixture
def recorder(log):
    return Recorder(log, clock=SteadyClock(NOW), ids=CountedIds(), timeout_s=0.05)


def outcome(n: int):
    return unanswered(f"req_{n:026d}", n, Reason.LAB_UNREACHABLE)


async def test_outcomes_are_owed_in_order_and_written_once(log, recorder):
    """A ledger that was away gets every outcome, each once, also when it had taken one without saying so."""
    log.mode = "hang"
    with pytest.raises(Denied):
        await recorder.answer(outcome(1), salt=b"1" * 32)
    log.mode = "fail"
    with pytest.raises(Denied):
        await recorder.answer(outcome(2), salt=b"2" * 32)
    await recorder.pay_owed()
    assert log.written == []
    log.mode = "ok"
    await recorder.pay_owed()
    await recorder.pay_owed()
    assert [body["intent_index"] for body in log.bodies(EntryKind.CALL_ANSWERED)] == [1, 2]
    assert recorder.is_writable


async def test_counts_become_one_entry_and_survive_a_failure(log, recorder):
    """Denials of strangers are counted; what could not be written stays counted."""
    counts = DenialCounts(SteadyClock(NOW))
    await counts.write(recorder)
    assert log.written == []
    for _ in range(1000):
        counts.add(Reason.TOKEN_MISSING)
    log.mode = "fail"
    await counts.write(recorder)
    counts.add(Reason.PROOF_REPLAYED)
    log.mode = "ok"
    await counts.write(recorder)
    (body,) = log.bodies(EntryKind.DENIALS_COUNTED)
    assert body["counts"] == {Reason.TOKEN_MISSING.value: 1000, Reason.PROOF_REPLAYED.value: 1}
    assert not counts


async def test_a_late_answer_of_the_ledger_harms_nobody(log, recorder):
    """The writer thread finds its future as it left it, and a late failure is nobody's unhandled error."""
    log.mode = "hang"
    with pytest.raises(Denied):
        await recorder.deny(
            {"request_id": "req_1", "reason": "x", "institution": None, "principal": None, "grant": None}
        )
    _, _, future = log.hanging[0]
    future.set_exception(OSError("late"))
    await asyncio.sleep(0.01)
    assert not recorder.is_writable
