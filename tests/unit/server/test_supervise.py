"""The supervisor: brings processes up, keeps them up, and lets none outlive it. Its children here are small scripts."""

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sekisho.server import supervise
from sekisho.server.places import DataDir
from sekisho.server.supervise import AlreadyServed, ServeFailed, serve

# What a process does: it writes its run file once it is ready, and waits.
READY = """
import os, sys, time, signal
path = {run_file!r}
open(path + ".tmp", "w").write('{{"pid": %d}}' % os.getpid())
os.rename(path + ".tmp", path)
"""
WAITS = READY + "time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WAITS
DIES = READY + "sys.exit(3)"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataDir]:
    """A directory with short times; signal handlers are put back afterwards."""
    places = DataDir(tmp_path)
    places.run.mkdir()
    monkeypatch.setattr(supervise, "POLL_EVERY_S", 0.01)
    monkeypatch.setattr(supervise, "READY_TIMEOUT_S", 5.0)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield places
    for number, handler in before.items():
        signal.signal(number, handler)


def _script(monkeypatch: pytest.MonkeyPatch, places: DataDir, *, control: str = WAITS, gate: str = WAITS) -> None:
    """Let the two processes be these scripts."""
    for name, code, run_file in (
        ("_control_argv", control, places.control_run),
        ("_gate_argv", gate, places.gate_run("gate-0")),
    ):
        argv = (sys.executable, "-S", "-E", "-c", code.format(run_file=str(run_file)))
        monkeypatch.setattr(supervise, name, lambda _places, argv=argv: argv)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _soon(action: Any, *, after_s: float) -> None:
    threading.Timer(after_s, action).start()


def _stop_soon(after_s: float = 0.1, number: int = signal.SIGTERM) -> None:
    _soon(lambda: os.kill(os.getpid(), number), after_s=after_s)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_both_and_leaves_no_run_file(places: DataDir, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """It returns, with both processes gone."""
    _script(monkeypatch, places)
    told: list[Any] = []

    def ready(processes: Any) -> None:
        told.append(processes)
        _stop_soon(number=number)

    serve(places, on_ready=ready)
    (processes,) = told
    assert list(processes) == ["control", "gate-0"]
    assert not any(_lives(process["pid"]) for process in processes.values())
    assert list(places.run.glob("*.json")) == []


def test_a_process_that_dies_before_it_is_ready_ends_the_start(
    places: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its status; what was up already is stopped."""
    _script(monkeypatch, places, gate="import sys; sys.exit(7)")
    with pytest.raises(ServeFailed, match="gate-0 ended with status 7"):
        serve(places, on_ready=lambda _processes: None)
    assert list(places.run.glob("*.json")) == []


def test_a_process_that_never_gets_ready_ends_the_start(places: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time, and it is stopped."""
    monkeypatch.setattr(supervise, "READY_TIMEOUT_S", 0.2)
    _script(monkeypatch, places, control="import time; time.sleep(60)")
    began = time.monotonic()
    with pytest.raises(ServeFailed, match="control was not ready"):
        serve(places, on_ready=lambda _processes: None)
    assert time.monotonic() - began < 5


def test_what_a_killed_supervisor_left_is_not_taken_for_ready(places: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stale run file names a process that is gone, at a port that may be another's now."""
    places.control_run.write_text("{}")
    places.gate_run("gate-0").write_text("{}")
    _script(monkeypatch, places, control="import time; time.sleep(60)")
    monkeypatch.setattr(supervise, "READY_TIMEOUT_S", 0.2)
    with pytest.raises(ServeFailed):
        serve(places, on_ready=lambda _processes: None)
    assert list(places.run.glob("*.json")) == []


def test_a_process_that_dies_is_restarted_ever_more_slowly(places: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken disk must not burn a core: the pauses double up to their bound."""
    monkeypatch.setattr(supervise, "FIRST_RESTART_AFTER_S", 0.02)
    monkeypatch.setattr(supervise, "LAST_RESTART_AFTER_S", 0.2)
    _script(monkeypatch, places, gate=DIES)
    starts: list[float] = []
    real = supervise._spawn

    def spawn(argv: Any, run_file: Path) -> Any:
        if run_file == places.gate_run("gate-0"):
            starts.append(time.monotonic())
        return real(argv, run_file)

    monkeypatch.setattr(supervise, "_spawn", spawn)
    serve(places, on_ready=lambda _processes: _stop_soon(after_s=1.2))
    pauses = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert 3 <= len(starts) <= 12
    assert pauses[-1] > pauses[0]
    assert max(pauses) < 2


def test_a_process_that_does_not_stop_is_killed(places: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time to drain."""
    monkeypatch.setattr(supervise, "STOP_TIMEOUT_S", 0.2)
    _script(monkeypatch, places, gate=STUBBORN)
    pids: list[int] = []

    def ready(processes: Any) -> None:
        pids.extend(process["pid"] for process in processes.values())
        _stop_soon()

    serve(places, on_ready=ready)
    assert not any(_lives(pid) for pid in pids)


def test_a_directory_is_served_by_one(places: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is given up with the process, and not before."""
    _script(monkeypatch, places)
    refused: list[type[BaseException]] = []

    def ready(_processes: Any) -> None:
        try:
            serve(places, on_ready=lambda _: None)
        except AlreadyServed as error:
            refused.append(type(error))
        _stop_soon()

    serve(places, on_ready=ready)
    assert refused == [AlreadyServed]
    serve(places, on_ready=lambda _processes: _stop_soon())
