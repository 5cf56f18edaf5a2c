"""SIGKILL among several processes that write one log: nothing acknowledged is lost or moved, and the others go on."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sekisho.ledger import Log, verify_ledger
from sekisho.ledger.steps import Step
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.note import NoteVerifier
from store_laws import open_log

if TYPE_CHECKING:
    from postgres import PostgresPlace

pytestmark = pytest.mark.timeout(180)

TOGETHER, RANDOM_KILLS, MANY_KILLS = 3, 36, 500


class Writers:
    """Starts writers that die. `checkpoints` are what anybody could have seen, of which no two may disagree."""

    def __init__(self, place: "PostgresPlace", folder: Path) -> None:
        self._address = place.cluster.address(place.database)
        self._folder = folder
        self.checkpoints: list[Checkpoint] = []
        self._pids: list[int] = []
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("doomed_writers.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def close(self) -> None:
        for pid in list(self._pids):
            self.kill(pid)
        self._process.communicate(timeout=30)

    def start(self, step: str = "-", nth: int = 0) -> int:
        """Start a writer and return its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{self._address} {self._folder} {step} {nth}\n")
        self._pids.append(int(self._process.stdout.readline()))
        return self._pids[-1]

    def kill(self, pid: int) -> None:
        """Kill a writer, which must still have been there."""
        os.kill(pid, signal.SIGKILL)
        self._pids.remove(pid)

    def wait(self, pid: int) -> None:
        """Wait until a writer has killed itself."""
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        self._pids.remove(pid)

    def keep_checkpoint(self) -> None:
        note = self._folder / "public" / "checkpoint"
        if note.exists():
            verifier = NoteVerifier.parse((self._folder / "public" / "vkey").read_text(encoding="ascii").strip())
            self.checkpoints.append(open_checkpoint(note.read_bytes(), verifier))

    def acknowledged(self) -> dict[str, int]:
        """Return index by key of every entry whose writer was answered."""
        path = self._folder / "acknowledged"
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        return {key: int(index) for key, _, index in (line.partition(" ") for line in lines) if index}


@pytest.fixture
def writers(place: "PostgresPlace", tmp_path: Path) -> Iterator[Writers]:
    """Writers of one log in an empty database."""
    writers = Writers(place, tmp_path)
    yield writers
    writers.close()


def require_whole(log: Log, writers: Writers) -> int:
    """Hold what the store has now against all that was acknowledged before, and return how much it is."""
    acknowledged = writers.acknowledged()
    stored = list(log._store.read(0, log._store.size()))
    ids = [entry.id for _, entry in log.entries()]
    assert len(set(ids)) == len(ids) == len(stored)
    for key, index in acknowledged.items():
        assert ids[index] == key
    return len(stored)


def require_one_history(log: Log, writers: Writers) -> None:
    """Every checkpoint that was ever public is of the tree that the log has now, and none was smaller than before."""
    roots: dict[int, bytes] = {0: Frontier().root()}
    frontier = Frontier()
    for data in log._store.read(0, log._store.size()):
        frontier.append(hash_leaf(data))
        roots[frontier.size] = frontier.root()
    sizes = [checkpoint.size for checkpoint in writers.checkpoints]
    assert sizes == sorted(sizes)
    assert all(roots[checkpoint.size] == checkpoint.root for checkpoint in writers.checkpoints)


def finish(writers: Writers, place: "PostgresPlace", folder: Path) -> int:
    """Open the log once more, hold it against everything, close it and verify it from its files. Returns its size."""
    log = open_log(place, folder)
    try:
        size = require_whole(log, writers)
        require_one_history(log, writers)
    finally:
        log.close()
    report = verify_ledger(folder / "public", vkey=log.vkey)
    assert (report.problems, report.logs[0].size) == ((), size)
    return size


@pytest.mark.judge
def test_a_writer_killed_at_any_step_holds_up_nobody(writers: Writers, place: "PostgresPlace", tmp_path: Path) -> None:
    """At each step in turn, while another writes: the other goes on, and publishes if it was the publisher who died."""
    for step in Step:
        doomed = writers.start(step.name, 3)
        writers.wait(doomed)
        other = writers.start()
        before = len(writers.acknowledged())
        deadline = time.monotonic() + 20
        while len(writers.acknowledged()) < before + 40:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        writers.keep_checkpoint()
        writers.kill(other)
    assert finish(writers, place, tmp_path) > 256


@pytest.mark.parametrize(
    "kills", [pytest.param(RANDOM_KILLS, marks=pytest.mark.judge), pytest.param(MANY_KILLS, marks=pytest.mark.soak)]
)
def test_writers_killed_at_random_lose_nothing_that_they_acknowledged(
    writers: Writers, place: "PostgresPlace", tmp_path: Path, kills: int
) -> None:
    """Three at a time, one of them killed every few moments and another begun: from opening to well into writing."""
    alive = [writers.start() for _ in range(TOGETHER)]
    for _ in range(kills):
        time.sleep(secrets.randbelow(150) / 1000)
        writers.kill(alive.pop(secrets.randbelow(TOGETHER)))
        writers.keep_checkpoint()
        alive.append(writers.start())
    for pid in alive:
        writers.kill(pid)
    assert writers.acknowledged()
    assert finish(writers, place, tmp_path) >= len(writers.acknowledged())
    assert writers.checkpoints


@pytest.mark.judge
def test_another_process_publishes_when_the_publisher_dies(
    writers: Writers, place: "PostgresPlace", tmp_path: Path
) -> None:
    """Without a hand, and while entries go on being answered."""
    publisher = writers.start()
    wait_for_checkpoint(writers, 1)
    heir = writers.start()
    time.sleep(0.3)
    writers.kill(publisher)
    wait_for_checkpoint(writers, writers.checkpoints[-1].size + 100)
    writers.kill(heir)
    finish(writers, place, tmp_path)


def wait_for_checkpoint(writers: Writers, size: int) -> None:
    deadline = time.monotonic() + 20
    while not writers.checkpoints or writers.checkpoints[-1].size < size:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        writers.keep_checkpoint()
