"""SIGKILL at every step of the write path, and at random: nothing acknowledged is lost or moved, no hand is needed."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SteadyClock
from sekisho.ledger import Entry, EntryKind, Log, verify_ledger
from sekisho.ledger.steps import Step
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.note import NoteVerifier

WRITER = Path(__file__).parent / "doomed_writer.py"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
RANDOM_KILLS, MANY_KILLS = 25, 500
# Kills of one log. Each is followed by a verification of all of it, so a log is left before it is long.
KILLS_OF_ONE_LOG = 25


class Writers:
    """Starts writers that die. `checkpoints` are all that anybody could have seen, of which no two may disagree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoints: list[Checkpoint] = []
        self._process = subprocess.Popen(
            [sys.executable, str(WRITER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def close(self) -> None:
        self._process.communicate(timeout=30)

    def begin_another_log(self) -> None:
        """Let the next writers write a new log, in a folder of its own."""
        self.folder = self.folder.with_name(self.folder.name + "+")
        self.folder.mkdir()
        self.checkpoints = []

    def start(self, step: str = "-", nth: int = 0) -> int:
        """Start a writer and return its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{self.folder} {step} {nth}\n")
        return int(self._process.stdout.readline())

    def wait(self) -> None:
        """Wait for the writer's end, which must have been by SIGKILL, and keep the checkpoint that it left public."""
        assert self._process.stdout is not None
        assert os.WTERMSIG(int(self._process.stdout.readline())) == signal.SIGKILL
        note = self.folder / "public" / "checkpoint"
        if note.exists():
            verifier = NoteVerifier.parse((self.folder / "public" / "vkey").read_text(encoding="ascii").strip())
            self.checkpoints.append(open_checkpoint(note.read_bytes(), verifier))

    def acknowledged(self) -> dict[str, int]:
        """Return index by key of every entry whose writer was answered."""
        lines = (self.folder / "acknowledged").read_text(encoding="ascii").splitlines()
        # The last line may be cut: its answer came, its writing did not.
        return {key: int(index) for key, _, index in (line.partition(" ") for line in lines) if index}


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[Writers]:
    writers = Writers(tmp_path)
    yield writers
    writers.close()


def require_whole(writers: Writers, clock: SteadyClock) -> None:
    """Open the log again and hold it against all that was acknowledged and published before."""
    log = Log.open(
        store=writers.folder / "log.db",
        public=writers.folder / "public",
        origin="sekisho.example/decisions",
        key=KEY,
        clock=clock,
    )
    try:
        stored = [entry for _, entry in log.entries()]
        # (1) Nothing acknowledged is missing or moved, and nothing is there twice.
        for key, index in writers.acknowledged().items():
            assert stored[index].id == key
        assert len({entry.id for entry in stored}) == len(stored)
        # (2) A writer that was not answered asks again under its key, and gets one place.
        index = log.append(stored[-1], key=stored[-1].id).result() if stored else None
        assert index in (None, len(stored) - 1)
        probe = Entry(
            kind=EntryKind.SNAPSHOT_PUBLISHED,
            at=clock.now(),
            id=f"ent_{len(stored):026d}",
            body={"version": len(stored), "snapshot_sha256": "0" * 64},
        )
        assert log.append(probe, key=probe.id).result() == len(stored)
    finally:
        log.close()
    # (3) From files alone all of it verifies.
    report = verify_ledger(writers.folder / "public", vkey=log.vkey)
    assert report.problems == ()
    assert report.logs[0].size == len(stored) + 1


def require_one_history(writers: Writers) -> None:
    """Every checkpoint that was ever public is of the tree that the log has now."""
    roots: dict[int, bytes] = {0: Frontier().root()}
    frontier = Frontier()
    bundle = Log.open(
        store=writers.folder / "log.db",
        public=writers.folder / "public",
        origin="sekisho.example/decisions",
        key=KEY,
        clock=None,  # type: ignore[arg-type] - nothing is left to sign
    )
    try:
        for data in bundle._store.read(0, bundle.head().size):
            frontier.append(hash_leaf(data))
            roots[frontier.size] = frontier.root()
    finally:
        bundle.close()
    assert writers.checkpoints
    sizes = [checkpoint.size for checkpoint in writers.checkpoints]
    assert sizes == sorted(sizes)
    assert all(roots[checkpoint.size] == checkpoint.root for checkpoint in writers.checkpoints)


def test_a_writer_killed_at_any_step_loses_nothing_that_it_acknowledged(writers: Writers, clock: SteadyClock) -> None:
    """Each step, the first time and later ones, in one growing log over the tile boundaries."""
    for nth in (1, 2, 7):
        for step in Step:
            writers.start(step.name, nth)
            writers.wait()
            require_whole(writers, clock)
    require_one_history(writers)
    assert writers.checkpoints[-1].size > 256


@pytest.mark.parametrize(
    "kills", [RANDOM_KILLS, pytest.param(MANY_KILLS, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])]
)
def test_a_writer_killed_at_random_loses_nothing_that_it_acknowledged(
    writers: Writers, clock: SteadyClock, kills: int
) -> None:
    """From the first moment of opening to well into writing."""
    for _ in range(kills // KILLS_OF_ONE_LOG):
        writers.begin_another_log()
        for _ in range(KILLS_OF_ONE_LOG):
            pid = writers.start()
            time.sleep(secrets.randbelow(120) / 1000)
            os.kill(pid, signal.SIGKILL)
            writers.wait()
            if (writers.folder / "acknowledged").exists():
                require_whole(writers, clock)
        # On a slow disk all of them may have died before they were answered: this one lives until it is.
        pid = writers.start()
        end = time.monotonic() + 60
        while not (writers.folder / "acknowledged").exists() and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        writers.wait()
        require_whole(writers, clock)
        require_one_history(writers)
