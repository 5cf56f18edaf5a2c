"""Budgets: arithmetic that must hold whatever the order of calls."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.access import Denied
from sekisho.gate.budget import (
    DEFAULT_OUTPUT_TOKENS,
    TEMPLATE_TOKENS,
    Budgets,
    Reservation,
    is_used_up,
    settled_tokens,
)
from sekisho.labs import Answer
from sekisho.ledger import Entry, EntryKind

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def reserve(budgets, *, tokens=10_000, calls=10, request_bytes=100, output_tokens=100, choices=1):
    return budgets.reserve(
        "grt", tokens=tokens, calls=calls, request_bytes=request_bytes, output_tokens=output_tokens, choices=choices
    )


def test_a_reservation_covers_the_request_and_the_longest_answer():
    """A token covers at least a byte, so the bytes bound the input."""
    assert reserve(Budgets()).tokens == 100 + TEMPLATE_TOKENS + 100


def test_without_a_bound_of_the_caller_the_default_is_reserved_or_what_is_left():
    """The default is bounded by the budget; the least is one token of answer."""
    assert reserve(Budgets(), output_tokens=None).tokens == 100 + TEMPLATE_TOKENS + DEFAULT_OUTPUT_TOKENS
    assert reserve(Budgets(), tokens=1000, output_tokens=None).tokens == 1000
    with pytest.raises(Denied):
        reserve(Budgets(), tokens=100 + TEMPLATE_TOKENS, output_tokens=None)


def test_each_answer_that_is_asked_for_is_reserved():
    """`n` multiplies what a call can cost, with a bound of the caller and without."""
    assert reserve(Budgets(), choices=3).tokens == 100 + TEMPLATE_TOKENS + 3 * 100
    most = 10**9
    unbounded = reserve(Budgets(), tokens=most, output_tokens=None, choices=128)
    assert unbounded.tokens == 100 + TEMPLATE_TOKENS + 128 * DEFAULT_OUTPUT_TOKENS


@given(
    steps=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.booleans()), max_size=40),
    tokens=st.integers(0, 5000),
    calls=st.integers(0, 12),
)
def test_what_is_promised_never_exceeds_the_budget(steps, tokens, calls):
    """Spent and reserved together stay within the budget as long as labs keep to the callers' bounds."""
    budgets, open_ones, spent = Budgets(), [], 0
    for size, output, settles in steps:
        if settles and open_ones:
            reservation = open_ones.pop()
            budgets.settle(reservation, tokens=reservation.tokens // 2, counts=True)
            spent += reservation.tokens // 2
            continue
        try:
            open_ones.append(reserve(budgets, tokens=tokens, calls=calls, request_bytes=size, output_tokens=output))
        except Denied:
            continue
        assert spent + sum(r.tokens for r in open_ones) <= tokens
        assert budgets.spent("grt")[1] <= calls


def test_a_call_that_never_reached_the_lab_gives_everything_back():
    """LAB_UNREACHABLE says that nothing was spent."""
    budgets = Budgets()
    budgets.settle(reserve(budgets, calls=1), tokens=0, counts=False)
    assert budgets.spent("grt") == (0, 0)
    reserve(budgets, calls=1)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"forwarded": False, "status": 0, "answer": None}, 0),
        ({"forwarded": True, "status": 429, "answer": None}, 0),
        ({"forwarded": True, "status": 200, "answer": (3, 4, True, 0)}, 7),
        ({"forwarded": True, "status": 200, "answer": (3, None, True, 0)}, 500),
        ({"forwarded": True, "status": 200, "answer": (3, 4, False, 2)}, 500),
        ({"forwarded": True, "status": 200, "answer": (3, 900, False, 2)}, 903),
        ({"forwarded": True, "status": 200, "answer": (None, None, False, 800)}, 800),
        ({"forwarded": True, "status": 0, "answer": None}, 500),
    ],
)
def test_what_nobody_knows_counts_as_spent(told, expected):
    """Step 11: the lab's final usage, nothing if it refused, else the reservation or what was seen beyond it."""
    if told["answer"] is not None:
        names = ("input_tokens", "output_tokens", "complete", "events")
        told = told | {"answer": Answer(model=None, tail=b"", **dict(zip(names, told["answer"], strict=True)))}
    assert settled_tokens(Reservation(grant="grt", tokens=500), **told) == expected


def _entry(kind: EntryKind, **body: object) -> Entry:
    return Entry(kind=kind, at=NOW, id="ent_00000000000000000000000001", body=body)


@given(
    outcomes=st.lists(
        st.one_of(st.none(), st.tuples(st.sampled_from(["complete", "SKS-LABS-901"]), st.integers(0, 900)))
    )
)
def test_a_restart_counts_as_the_running_gate_did(outcomes):
    """What the ledger's entries give is what the process had, an open intent counted in full."""
    running, entries = Budgets(), []
    for n, outcome in enumerate(outcomes):
        reservation = reserve(running, tokens=10**9, calls=10**6)
        entries.append(
            _entry(EntryKind.CALL_INTENDED, request_id=f"r{n}", grant="grt", reserved_tokens=reservation.tokens)
        )
        if outcome is None:
            running.settle(reservation, tokens=reservation.tokens, counts=True)
            continue
        word, settled = outcome
        running.settle(reservation, tokens=settled, counts=is_used_up(word, settled))
        entries.append(_entry(EntryKind.CALL_ANSWERED, request_id=f"r{n}", outcome=word, settled_tokens=settled))
    restored = Budgets()
    restored.restore(entries)
    assert restored.spent("grt") == running.spent("grt")
