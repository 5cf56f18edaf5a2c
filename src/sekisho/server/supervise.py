"""`sekisho serve`: start the control plane and the gate as processes of their own, keep them up, stop them in order."""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO, ClassVar

import structlog

from sekisho.core import SekishoError
from sekisho.server.places import DataDir
from sekisho.server.setup import GATE_SLOT

READY_TIMEOUT_S = 30.0
# A gate lets calls under way finish for ten seconds; the supervisor waits a little longer, then kills.
STOP_TIMEOUT_S = 15.0
POLL_EVERY_S = 0.1
# A child that dies at once is restarted ever more slowly, so that a broken disk does not burn a core.
FIRST_RESTART_AFTER_S, LAST_RESTART_AFTER_S = 0.1, 5.0
# So long up, and a child counts as healthy again.
HEALTHY_AFTER_S = 30.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_log = structlog.get_logger("sekisho.serve")


class ServeFailed(SekishoError):
    """A process did not come up."""

    code: ClassVar[str] = "SKS-SERVER-002"
    hint = "The process's own message is above; correct what it names and start again."


class AlreadyServed(SekishoError):
    """Another `sekisho serve` holds this data directory."""

    code: ClassVar[str] = "SKS-SERVER-003"
    hint = "Stop the other one, or choose another --data."


@dataclass(slots=True, eq=False)
class _Child:
    name: str
    argv: tuple[str, ...]
    run_file: Path
    process: subprocess.Popen[bytes]
    started_at: float
    restart_after_s: float = FIRST_RESTART_AFTER_S
    restart_at: float | None = None


def serve(places: DataDir, *, on_ready: Callable[[Mapping[str, Mapping[str, object]]], None]) -> None:
    """Serve the prepared `places` until SIGTERM or SIGINT; `on_ready` gets each process's run file by name.

    Raises AlreadyServed, or ServeFailed when a process does not come up the first time. Later deaths are restarted.
    """
    with _hold_lock(places):
        stopping = _stop_on_signals()
        children: list[_Child] = []
        # What a supervisor that was killed left says where nobody listens any more.
        for run_file in (places.control_run, places.gate_run(GATE_SLOT)):
            run_file.unlink(missing_ok=True)
        try:
            # (1) The control plane first: a gate without it would only deny.
            children.append(_start_ready("control", _control_argv(places), places.control_run))
            # (2) The gate.
            children.append(_start_ready(GATE_SLOT, _gate_argv(places), places.gate_run(GATE_SLOT)))
            # (3) Tell, then watch.
            on_ready({child.name: json.loads(child.run_file.read_bytes()) for child in children})
            while not stopping:
                for child in children:
                    _keep_up(child)
                time.sleep(POLL_EVERY_S)
        finally:
            # (4) The gate before the control plane, so that its last checkpoint is still taken in.
            for child in reversed(children):
                _stop(child)


def _control_argv(places: DataDir) -> tuple[str, ...]:
    return (sys.executable, "-m", "sekisho.server.control", "--data", str(places.root))


def _gate_argv(places: DataDir) -> tuple[str, ...]:
    return (sys.executable, "-m", "sekisho.gate", "--data", str(places.root), "--slot", GATE_SLOT)


def _hold_lock(places: DataDir) -> IO[bytes]:
    lock = (places.run / "serve.lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise AlreadyServed(f"{places.root} is being served") from error
    return lock


def _stop_on_signals() -> list[int]:
    """Return a list that a stop signal makes non-empty."""
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return received


def _start_ready(name: str, argv: tuple[str, ...], run_file: Path) -> _Child:
    child = _Child(name=name, argv=argv, run_file=run_file, process=_spawn(argv, run_file), started_at=time.monotonic())
    deadline = child.started_at + READY_TIMEOUT_S
    while not run_file.exists():
        if child.process.poll() is not None:
            raise ServeFailed(f"{name} ended with status {child.process.returncode} before it was ready")
        if time.monotonic() > deadline:
            _stop(child)
            raise ServeFailed(f"{name} was not ready after {READY_TIMEOUT_S:.0f} s")
        time.sleep(POLL_EVERY_S / 5)
    return child


def _spawn(argv: tuple[str, ...], run_file: Path) -> subprocess.Popen[bytes]:
    run_file.unlink(missing_ok=True)
    return subprocess.Popen(  # noqa: S603  # our own interpreter and modules
        argv, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=partial(_die_with_parent, os.getpid())
    )


def _die_with_parent(parent: int) -> None:
    """Ask Linux to stop this child if the supervisor is killed, so that no orphan keeps a log's lock."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        # Killed before the kernel was asked: nobody will tell this child.
        if os.getppid() != parent:
            os._exit(0)


def _keep_up(child: _Child) -> None:
    now = time.monotonic()
    if child.process.poll() is None:
        if now - child.started_at > HEALTHY_AFTER_S:
            child.restart_after_s = FIRST_RESTART_AFTER_S
        return
    if child.restart_at is None:
        child.restart_at = now + child.restart_after_s
        child.restart_after_s = min(child.restart_after_s * 2, LAST_RESTART_AFTER_S)
        _log.warning("process ended", name=child.name, status=child.process.returncode)
    elif now >= child.restart_at:
        child.process, child.started_at, child.restart_at = _spawn(child.argv, child.run_file), now, None
        _log.info("process restarted", name=child.name)


def _stop(child: _Child) -> None:
    if child.process.poll() is None:
        child.process.terminate()
        try:
            child.process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _log.warning("process killed", name=child.name)
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
    child.run_file.unlink(missing_ok=True)
