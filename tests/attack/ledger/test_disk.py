"""Disks that are full, read-only or gone, clocks that jump: a clear refusal, nothing acknowledged lost, no hand needed.

The disks are real ones, in memory, which only root may mount; elsewhere these tests are skipped.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SteadyClock
from sekisho.ledger import Entry, EntryKind, LedgerUnavailable, Log, StoreBehind, verify_ledger

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ORIGIN = "sekisho.example/decisions"
# Room for a write-ahead log and a few thousand entries.
DISK_SIZE = "12m"

# SQLite's file format 4.1: a header, then frames of a header and a page.
WAL_HEADER_BYTES, FRAME_BYTES = 32, 24 + 4_096

SECOND_WRITER = f"""
import sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sekisho.ledger import Log, LogLocked
folder, key = Path(sys.argv[1]), Ed25519PrivateKey.from_private_bytes(b"k" * 32)
try:
    Log.open(store=folder / "log.db", public=folder / "public", origin="{ORIGIN}", key=key, clock=None)
except LogLocked as error:
    print(error.code)
"""


class Disk:
    """A file system of its own at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", str(path))

    def remount(self, how: str) -> None:
        """Make it read-only (`ro`) or writable (`rw`), whatever has files open on it."""
        self._run("mount", "-o", f"remount,{how}", str(self.path))

    def fill(self) -> Path:
        """Leave no room at all; return the file to remove for some."""
        filling = self.path / "filling"
        with filling.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(65_536))
                except OSError:
                    return filling

    def close(self) -> None:
        self._run("umount", "-l", str(self.path))

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        if done.returncode:
            pytest.skip(f"no disk of our own here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk of its own. Skips where none can be mounted."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a disk")
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


def open_log(folder: Path, clock: SteadyClock) -> Log:
    return Log.open(store=folder / "log.db", public=folder / "public", origin=ORIGIN, key=KEY, clock=clock)


def entry(number: int, clock: SteadyClock) -> Entry:
    body = {"version": number, "snapshot_sha256": "0" * 64}
    return Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=clock.now(), id=f"ent_{number:026d}", body=body)


def write(log: Log, clock: SteadyClock, first: int, count: int) -> dict[str, int]:
    """Append `count` entries and return the index of each that was acknowledged; others MUST fail with a code."""
    acknowledged: dict[str, int] = {}
    for made in [entry(number, clock) for number in range(first, first + count)]:
        try:
            acknowledged[made.id] = log.write(made, key=made.id)
        except LedgerUnavailable:
            continue
    return acknowledged


def require_whole(log: Log, acknowledged: dict[str, int], public: Path) -> None:
    """Hold the log, closed by this, against what was acknowledged."""
    stored = [entry.id for _, entry in log.entries()]
    assert all(stored[index] == name for name, index in acknowledged.items())
    assert len(set(stored)) == len(stored)
    log.close()
    report = verify_ledger(public, vkey=log.vkey)
    assert report.problems == ()
    assert report.logs[0].size == len(stored)


def test_a_disk_that_fills_up_refuses_entries_and_room_is_enough_to_go_on(disk: Disk, clock: SteadyClock) -> None:
    """From the first byte missing to the last; also a restart on the full disk loses nothing."""
    log = open_log(disk.path, clock)
    acknowledged = write(log, clock, 0, 300)
    assert len(acknowledged) == 300
    filling = disk.fill()
    # What still fits into room that the log holds may be acknowledged; then it is durable like any other.
    first = 300
    while more := write(log, clock, first, 10):
        acknowledged |= more
        first += 10
    with pytest.raises(LedgerUnavailable):
        log.publish()
    assert log.trouble is not None
    filling.unlink()
    acknowledged |= write(log, clock, first, 20)
    assert f"ent_{first:026d}" in acknowledged
    assert log.publish() == log.head()
    assert log.trouble is None
    require_whole(log, acknowledged, disk.path / "public")


def test_a_disk_that_becomes_read_only_refuses_and_goes_on_when_it_is_writable(disk: Disk, clock: SteadyClock) -> None:
    """A running log denies and recovers by itself; a log cannot be opened on such a disk, and says why."""
    log = open_log(disk.path, clock)
    acknowledged = write(log, clock, 0, 5)
    log.close()
    disk.remount("ro")
    with pytest.raises(LedgerUnavailable, match="Read-only file system"):
        open_log(disk.path, clock)
    disk.remount("rw")
    require_whole(open_log(disk.path, clock), acknowledged, disk.path / "public")


def test_a_clock_that_jumps_back_changes_no_order(tmp_path: Path, clock: SteadyClock) -> None:
    """Indexes and checkpoints follow from the order of appending alone; entry times are the writer's own."""
    log = open_log(tmp_path, clock)
    acknowledged: dict[str, int] = {}
    for number, by in enumerate((timedelta(0), timedelta(days=-400), timedelta(days=1_000), timedelta(seconds=-1))):
        clock.advance(by)
        acknowledged |= write(log, clock, number, 1)
        assert log.publish().size == number + 1
    log.close()
    clock.advance(timedelta(days=-3_000))
    log = open_log(tmp_path, clock)
    acknowledged |= write(log, clock, 4, 1)
    assert list(acknowledged.values()) == [0, 1, 2, 3, 4]
    require_whole(log, acknowledged, tmp_path / "public")


def test_a_second_process_is_refused_while_the_first_lives(tmp_path: Path, clock: SteadyClock) -> None:
    """The second says so and touches nothing; the first goes on."""
    log = open_log(tmp_path, clock)
    acknowledged = write(log, clock, 0, 3)
    second = subprocess.run(
        [sys.executable, "-c", SECOND_WRITER, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (second.returncode, second.stdout) == (0, "SKS-LEDGER-011\n"), second.stderr
    acknowledged |= write(log, clock, 3, 3)
    require_whole(log, acknowledged, tmp_path / "public")


@pytest.mark.parametrize("frames", [0, 3, 20, 40])
def test_a_write_ahead_log_cut_short_is_a_refusal_never_a_fork(tmp_path: Path, clock: SteadyClock, frames: int) -> None:
    """A lying disk or a hand cut the end of it: what was published is missed, and nothing is signed."""
    log = open_log(tmp_path / "live", clock)
    for number in range(40):
        log.write(entry(number, clock))
    log.publish()
    shutil.copytree(tmp_path / "live", tmp_path / "torn")
    log.close()
    # Each of 40 entries took a frame of its own at least, and the tables some before.
    os.truncate(tmp_path / "torn" / "log.db-wal", WAL_HEADER_BYTES + frames * FRAME_BYTES)
    before = (tmp_path / "torn" / "public" / "checkpoint").read_bytes()
    with pytest.raises(StoreBehind):
        open_log(tmp_path / "torn", clock)
    assert (tmp_path / "torn" / "public" / "checkpoint").read_bytes() == before
