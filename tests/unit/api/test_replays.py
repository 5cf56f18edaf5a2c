"""The record of what was taken once: bounded, forgetful in time, and right under many threads."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.api.replays import TakenOnce
from sekisho.core import SteadyClock
from sekisho.tokens import ProofReplayed

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def _is_taken(taken: TakenOnce, proof_id: str, until: datetime) -> bool:
    try:
        taken.check_new(proof_id, until)
    except ProofReplayed:
        return False
    return True


@given(steps=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 5), st.integers(0, 3)), max_size=60))
def test_an_id_is_taken_once_until_its_time_is_over(steps: list[tuple[str, int, int]]) -> None:
    """Against a model that remembers everything."""
    clock = SteadyClock(NOW)
    taken = TakenOnce(clock=clock, most=100)
    until: dict[str, datetime] = {}
    for proof_id, life_s, pause_s in steps:
        free = until.get(proof_id, NOW) <= clock.now()
        ends = clock.now() + timedelta(seconds=life_s)
        assert _is_taken(taken, proof_id, ends) is free
        if free:
            until[proof_id] = ends
        clock.advance(timedelta(seconds=pause_s))


def test_a_full_record_refuses_what_it_could_not_remember() -> None:
    """A proof that is not remembered could be used twice; room comes back with time."""
    clock = SteadyClock(NOW)
    taken = TakenOnce(clock=clock, most=3)
    for proof_id in "abc":
        taken.check_new(proof_id, NOW + timedelta(seconds=10))
    with pytest.raises(ProofReplayed):
        taken.check_new("d", NOW + timedelta(seconds=10))
    clock.advance(timedelta(seconds=10))
    taken.check_new("d", NOW + timedelta(seconds=20))


def test_memory_is_given_back() -> None:
    """After any number of requests no more is held than is still good."""
    clock = SteadyClock(NOW)
    taken = TakenOnce(clock=clock)
    for number in range(1_000):
        taken.check_new(f"p{number}", clock.now() + timedelta(seconds=5))
        clock.advance(timedelta(seconds=1))
    assert len(taken._taken) == len(taken._until) <= 6


def test_of_many_threads_with_one_id_one_wins() -> None:
    """The endpoint runs on a pool of threads."""
    taken = TakenOnce(clock=SteadyClock(NOW))
    wins: list[str] = []
    ready = threading.Barrier(8)

    def race() -> None:
        ready.wait()
        wins.extend(str(n) for n in range(300) if _is_taken(taken, str(n), NOW + timedelta(seconds=60)))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins, key=int) == [str(n) for n in range(300)]


def test_it_knows_when_it_began() -> None:
    """What was made before that may have been used before that."""
    assert TakenOnce(clock=SteadyClock(NOW)).started_at == NOW


def test_one_holders_flood_leaves_room_for_others() -> None:
    """Whoever fills its own share is refused; another is not, and the share comes back with time."""
    clock = SteadyClock(NOW)
    taken = TakenOnce(clock=clock, most=100, most_of_one=3)
    until = NOW + timedelta(seconds=10)
    for number in range(3):
        taken.check_new(f"flood.{number}", until)
    with pytest.raises(ProofReplayed):
        taken.check_new("flood.3", until)
    taken.check_new("quiet.0", until)
    clock.advance(timedelta(seconds=10))
    taken.check_new("flood.3", until + timedelta(seconds=10))
