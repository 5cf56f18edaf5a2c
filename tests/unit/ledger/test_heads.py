"""The checkpoints that are read belong to one moment, however fast the logs grow."""

import threading
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import heads, open_source, verify_ledger
from sekisho.ledger.heads import take_heads
from sekisho.ledger.source import Folder, Source


class Busy(Folder):
    """A ledger whose decisions log grows between two readings, a number of times."""

    def __init__(self, folder: Path, grow: Any, times: list[int]) -> None:
        super().__init__(folder)
        self._grow = grow
        self._times = times

    def below(self, path: str) -> Source:
        return Busy(self._folder / path, self._grow, self._times)

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        data = super().read(path, limit_bytes)
        if self.name == "gate-0" and path == "checkpoint" and self._times[0]:
            self._times[0] -= 1
            self._grow()
        return data


@pytest.mark.parametrize("times", [0, 1, 3])
def test_the_calls_logs_are_taken_between_two_equal_readings_of_decisions(story: Any, times: int) -> None:
    """Each time that decisions grew meanwhile, all are taken again."""
    decisions = story.log("decisions")

    def grow() -> None:
        decisions.append(story.snapshot(9)).result()
        decisions.publish()

    taken = take_heads(Busy(story.data, grow, [times]), vkey=None)
    assert set(taken.notes) == {"decisions", "calls/gate-0"}
    assert taken.notes["decisions"] == (story.ledger / "decisions" / "checkpoint").read_bytes()
    assert f"\n{4 + times}\n".encode() in (taken.notes["decisions"] or b"")


def test_a_ledger_that_never_stands_still_is_verified(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two logs that are written without pause, their entries naming each other: no fault is found in ten looks."""
    decisions, calls = story.log("decisions"), story.log("calls/gate-0")
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            head = decisions.publish()
            index = calls.append(story.intent(head, f"req-b{number}")).result()
            calls.append(story.answer(index, f"req-b{number}")).result()
            decisions.append(story.anchor(calls.publish())).result()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(10):
            report = verify_ledger(story.data, vkey=story.vkey("decisions"))
            assert report.problems == ()
    finally:
        stop.set()
        writer.join()


def test_a_decisions_log_that_nobody_signed_names_no_logs_on_the_web(
    story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a stranger serves is not followed to further places."""
    monkeypatch.setattr(Folder, "folder", property(lambda self: None))
    source = open_source(str(story.data))
    monkeypatch.setattr(heads, "locate", lambda root: (True, root.below("ledger")))
    assert set(take_heads(source, vkey=None).notes) == {"decisions", "calls/gate-0"}
    assert set(take_heads(source, vkey=story.vkey("other")).notes) == {"decisions"}
