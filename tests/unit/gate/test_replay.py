"""The replay window."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.gate.replay import ReplayWindow
from sekisho.tokens import ProofReplayed

UNTIL = datetime(2026, 11, 22, tzinfo=UTC)


def window(**options):
    now = [0.0]
    return now, ReplayWindow(window_s=121, monotonic=lambda: now[0], **options)


@given(steps=st.lists(st.tuples(st.sampled_from(["k.a", "k.b", "l.a"]), st.floats(0, 100)), max_size=30))
def test_a_proof_passes_once_in_any_window(steps):
    """RFC 9449 11.1: what passed is refused for at least `window_s`, whatever else happens meanwhile."""
    now, replays = window()
    passed: dict[str, float] = {}
    for proof_id, pause in steps:
        now[0] += pause
        try:
            replays.check_new(proof_id, UNTIL)
        except ProofReplayed:
            assert proof_id in passed
        else:
            assert now[0] - passed.get(proof_id, float("-inf")) >= 121
            passed[proof_id] = now[0]


def test_memory_is_given_back():
    """Flat over time: after two windows nothing is left of a proof."""
    now, replays = window()
    for n in range(100):
        replays.check_new(f"k.{n}", UNTIL)
    now[0] += 122
    replays.check_new("k.x", UNTIL)
    now[0] += 122
    replays.check_new("k.y", UNTIL)
    assert len(replays) == 2


def test_full_means_no():
    """Fail closed: a proof that cannot be remembered is refused."""
    _, replays = window(most=20)
    for n in range(10):
        replays.check_new(f"key{n}.a", UNTIL)
    with pytest.raises(ProofReplayed):
        replays.check_new("another.a", UNTIL)


def test_one_key_cannot_fill_the_window_for_the_others():
    """A principal's flood is its own outage."""
    _, replays = window(most=160)
    with pytest.raises(ProofReplayed):  # noqa: PT012  # at which one is a matter of the share
        for n in range(80):
            replays.check_new(f"flood.{n}", UNTIL)
    replays.check_new("quiet.1", UNTIL)
