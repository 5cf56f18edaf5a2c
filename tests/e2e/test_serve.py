"""`sekisho serve` as an operator has it: real processes, killed at will; what was answered stands."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sekisho.api.client import ControlUnreachable, OfficeClient, OfficeRefused
from sekisho.ledger import EntryKind, decode_entry
from sekisho.server.places import DataDir
from sekisho.tlog import tile

MUFG = "C3GTMMZIHMY46P4OIX74"
READY_S = 30.0
pytestmark = pytest.mark.timeout(180)


def _until(what: Callable[[], Any], *, within_s: float = READY_S) -> Any:
    """Return the first true answer of `what`, or fail."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not come to pass in time")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Programme:
    """One data directory and the command that serves it."""

    def __init__(self, root: Path) -> None:
        self.places = DataDir(root / "d")
        self.log = root / "serve.log"
        self.serving: subprocess.Popen[bytes] | None = None

    def sekisho(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        argv = (sys.executable, "-m", "sekisho.cli.main", *arguments, "--data", str(self.places.root))
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    def start(self, *options: str, ports: str = "0") -> None:
        """Start serving and wait until both processes say where they listen."""
        given = [part for name in ("control", "gate", "gate-admin") for part in (f"--{name}-port", ports)]
        argv = (sys.executable, "-m", "sekisho.cli.main", "serve", "--data", str(self.places.root), *given, *options)
        with self.log.open("ab") as log:
            self.serving = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until both processes serve and the gate has taken the snapshot."""
        _until(lambda: self.pid("control") and self.pid("gate-0"))
        _until(self.gate_is_ready)

    def run_file(self, name: str) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((self.places.run / f"{name}.json").read_bytes()))
        return {}

    def pid(self, name: str) -> int:
        return int(self.run_file(name).get("pid", 0))

    def gate_is_ready(self) -> bool:
        port = self.run_file("gate-0").get("admin_port", 0)
        with contextlib.suppress(httpx2.HTTPError):
            return bool(httpx2.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200)
        return False

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Signal a process and wait until another one has taken its place; return the new one's pid."""
        old = self.pid(name)
        os.kill(old, number)
        return int(_until(lambda: self.pid(name) not in (0, old) and self.pid(name)))

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.serving is not None
        self.serving.send_signal(number)
        return self.serving.wait(timeout=40)

    def close(self) -> None:
        if self.serving is not None and self.serving.poll() is None:
            self.serving.kill()
            self.serving.wait()

    @property
    def office(self) -> OfficeClient:
        return OfficeClient.of(self.places.root)

    def decisions(self) -> list[Any]:
        """Return the published entries of the decisions log; a log of these tests fits into one bundle."""
        folder = self.places.ledger / "decisions"
        size = int((folder / "checkpoint").read_text().splitlines()[1])
        data = (folder / tile.entry_path(0, min(size, tile.TILE_WIDTH))).read_bytes()
        return [decode_entry(entry) for entry in tile.parse_bundle(data, min(size, tile.TILE_WIDTH))]


@pytest.fixture
def programme() -> Iterator[Programme]:
    """A folder with a short path, as the unix socket in it needs; afterwards nothing runs and nothing was thrown."""
    with tempfile.TemporaryDirectory(prefix="sks") as folder:
        made = Programme(Path(folder))
        yield made
        pids = [made.pid("control"), made.pid("gate-0")]
        made.close()
        for pid in filter(None, pids):
            _until(lambda pid=pid: not _lives(pid), within_s=20)  # type: ignore[misc]
        told = made.log.read_text() if made.log.exists() else ""
        assert "Traceback" not in told, told


def _enrol(programme: Programme) -> str:
    done = programme.sekisho("institution", "enrol", "--lei", MUFG, "--kind", "bank", "--name", "MUFG Bank", "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["id"])


def _verified(programme: Programme) -> bool:
    argv = (sys.executable, "-m", "sekisho.cli.main", "ledger", "verify", str(programme.places.ledger))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return True


def test_a_killed_control_plane_comes_back_with_all_that_it_answered(programme: Programme) -> None:
    """Its state, its ledger, its gate; by kill and by a plain stop of that process alone."""
    programme.start()
    institution = _enrol(programme)
    for number, name in ((signal.SIGKILL, "a"), (signal.SIGTERM, "b")):
        programme.kill("control", number)
        assert [item["id"] for item in programme.office.get("/institutions")] == [institution]
        body = {"institution_id": institution, "kind": "host", "name": f"{name}.example", "basis": "It is ours."}
        _until(
            lambda body=body: programme.office.post("/assets", {**body, "name": f"x{time.monotonic_ns()}.example"})[
                "in_force_ms"
            ]
        )  # type: ignore[misc]
        assert programme.office.post("/assets", body)["in_force_ms"]["gate-0"] is not None
    assert programme.stop() == 0
    assert _verified(programme)


def test_a_killed_gate_comes_back_on_its_slot_and_its_log_goes_on(programme: Programme) -> None:
    """The same log under the same key: once on record, and ready again."""
    programme.start()
    institution = _enrol(programme)
    programme.kill("gate-0")
    _until(programme.gate_is_ready)
    body = {"institution_id": institution, "kind": "host", "name": "a.example", "basis": "It is ours."}
    assert programme.office.post("/assets", body)["in_force_ms"]["gate-0"] is not None
    assert programme.stop() == 0
    kinds = [entry.kind for entry in programme.decisions()]
    assert kinds.count(EntryKind.CALLS_LOG_OPENED) == 1
    assert _verified(programme)


def test_whatever_was_answered_before_a_kill_is_on_record(programme: Programme) -> None:
    """Acts from several threads while the control plane is killed under them: each answered one is in the log, once."""
    programme.start()
    institution = _enrol(programme)
    answered: list[str] = []
    over = threading.Event()

    def declare(thread: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            body = {
                "institution_id": institution,
                "kind": "host",
                "name": f"h{thread}-{number}.example",
                "basis": "Ours.",
            }
            with contextlib.suppress(ControlUnreachable, OfficeRefused):
                answered.append(programme.office.post("/assets", body)["id"])

    threads = [threading.Thread(target=declare, args=(thread,)) for thread in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            before = len(answered)
            _until(lambda before=before: len(answered) > before + 5)  # type: ignore[misc]
            programme.kill("control")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    stored = {asset["id"] for asset in programme.office.get("/assets")}
    assert programme.stop() == 0
    on_record = [e.body["asset"] for e in programme.decisions() if e.kind is EntryKind.ASSET_DECLARED]
    assert len(set(on_record)) == len(on_record)
    assert set(answered) <= set(on_record) == stored
    assert _verified(programme)


def test_a_directory_is_served_once(programme: Programme) -> None:
    """The second is refused with a code, and the first does not notice."""
    programme.start()
    pids = programme.pid("control"), programme.pid("gate-0")
    second = programme.sekisho("serve", "--control-port", "0", "--gate-port", "0", "--gate-admin-port", "0")
    assert (second.returncode, second.stdout) == (2, "")
    assert "error[SKS-SERVER-003]" in second.stderr
    assert (programme.pid("control"), programme.pid("gate-0")) == pids
    assert programme.gate_is_ready()


def test_a_stop_stops_everything_and_ends_with_zero(programme: Programme) -> None:
    """By SIGTERM and by Ctrl-C: no process, no run file; and the next start finds a whole directory."""
    for number in (signal.SIGTERM, signal.SIGINT):
        programme.start()
        pids = programme.pid("control"), programme.pid("gate-0")
        assert programme.stop(number) == 0
        assert [pid for pid in pids if _lives(pid)] == []
        assert list(programme.places.run.glob("*.json")) == []
    ended = programme.sekisho("institution", "list")
    assert (ended.returncode, ended.stderr.split("]")[0]) == (2, "error[SKS-API-101")
    assert _verified(programme)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux to end the children")
def test_a_killed_supervisor_leaves_no_orphan(programme: Programme) -> None:
    """An orphan would keep the logs' locks, and the next start would fail."""
    programme.start()
    pids = programme.pid("control"), programme.pid("gate-0")
    assert programme.serving is not None
    programme.serving.kill()
    programme.serving.wait()
    for pid in pids:
        _until(lambda pid=pid: not _lives(pid), within_s=20)  # type: ignore[misc]
    programme.start()
    assert programme.stop() == 0


def test_a_port_that_is_taken_is_said_so(programme: Programme) -> None:
    """By the process's own message and by the supervisor's; exit 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = programme.sekisho("serve", "--control-port", port, "--gate-port", "0", "--gate-admin-port", "0")
    assert ended.returncode == 2
    assert "error[SKS-SERVER-106]" in ended.stderr
    assert "error[SKS-SERVER-002]" in ended.stderr
    assert "Traceback" not in ended.stderr
