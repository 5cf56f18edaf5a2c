"""One folder that an auditor verifies without network, whole or not there at all."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import ExportRefused, LogDamaged, NoSuchLog, Trust, Trusted, export_ledger, open_source, verify
from sekisho.ledger import export as engine
from sekisho.ledger.stamp_folder import StampFolder

NOTHING = Trusted(charter=None, policy=None)
# A process in which every way out is closed, and nothing of the extras can be imported.
OFFLINE = """
import socket, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"httpx2", "sqlalchemy", "psycopg", "joserfc", "cedarpy", "fastapi"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
def refuse(*args, **more):
    raise AssertionError("the network was asked for")
socket.socket.__init__ = socket.getaddrinfo = refuse
sys.argv = ["sekisho", *sys.argv[1:]]
from sekisho.cli.main import main
main()
"""
FilesBelow = Callable[[Path], Mapping[str, bytes]]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing here: a verifier need not wait for who is just publishing."""
    monkeypatch.setattr(verify, "_SETTLE_S", 0)


def command_of(folder: Path) -> list[str]:
    """Return the arguments of the command that README.txt tells to run."""
    (line,) = (line for line in (folder / "README.txt").read_text().splitlines() if "sekisho ledger verify" in line)
    return line.split()[1:]


def run_offline(folder: Path) -> "subprocess.CompletedProcess[bytes]":
    """Do as README.txt says, without network: in a network of its own with nobody in it, where that is allowed."""
    apart = ["unshare", "-rn"]
    try:
        is_allowed = subprocess.run([*apart, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        is_allowed = False
    command = [*(apart if is_allowed else []), sys.executable, "-c", OFFLINE, *command_of(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)


def test_an_export_verifies_without_network_as_its_readme_says(office: Any, tmp_path: Path) -> None:
    """The command is the one in README.txt, the verdict the one it names, in a process that has neither network nor
    extras.
    """
    office.verify(office.pinning(), office.bringing("lab-a", "home-gov"))
    policy = f"log {office.programme.vkey('decisions')}\nquorum none\n".encode()
    trusted = Trusted(charter=office.charter_file(), policy=policy)
    report = export_ledger(open_source(str(office.programme.data)), tmp_path / "audit", trusted)
    assert report.trust is Trust.PINNED
    done = run_offline(tmp_path / "audit")
    assert done.returncode == 0, done.stderr
    assert b"verified, with the key of the pinned charter" in done.stdout
    assert "フォルダー" in (tmp_path / "audit" / "README.txt").read_text()


def test_the_manifest_names_every_file(story: Any, tmp_path: Path, files_below: FilesBelow) -> None:
    """As `sha256sum -c` reads it, itself left out; the logs' files are those of the log, byte for byte."""
    export_ledger(open_source(str(story.data)), tmp_path / "audit", NOTHING)
    files = dict(files_below(tmp_path / "audit"))
    lines = files.pop("MANIFEST.sha256").decode().splitlines()
    assert dict(line.split("  ")[::-1] for line in lines) == {
        path: hashlib.sha256(data).hexdigest() for path, data in files.items()
    }
    for path, data in files_below(story.ledger).items():
        if path in {"decisions/tile/entries/000.p/4", "calls/gate-0/checkpoint", "calls/gate-0/tile/0/000.p/2"}:
            assert files[f"ledger/{path}"] == data


def test_decisions_alone_verify_alone(story: Any, tmp_path: Path) -> None:
    """Nothing of a calls log is in the folder, and its README's command does not miss it."""
    export_ledger(open_source(str(story.data)), tmp_path / "out", NOTHING, logs=("decisions",))
    assert not (tmp_path / "out" / "ledger" / "calls").exists()
    done = run_offline(tmp_path / "out")
    assert (done.returncode, b"calls/gate-0" in done.stdout) == (0, False), done.stdout


def test_a_copy_is_its_makers_alone_and_says_for_whom_it_is(story: Any, tmp_path: Path) -> None:
    """Decisions and calls logs tell when and how much institutions call."""
    export_ledger(open_source(str(story.data)), tmp_path / "out", NOTHING)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    told = (tmp_path / "out" / "README.txt").read_text()
    assert "ledger figures" in told
    assert "監査人" in told


def test_time_stamps_come_along(story: Any, tmp_path: Path, files_below: FilesBelow) -> None:
    """With the notes that they stamp: they are the evidence of when."""
    note = (story.ledger / "decisions" / "checkpoint").read_bytes()
    stamp = StampFolder(story.ledger / "decisions").add(note, b"an answer", 4)
    export_ledger(open_source(str(story.data)), tmp_path / "out", NOTHING)
    taken = files_below(tmp_path / "out" / "ledger" / "decisions" / "stamps")
    assert taken == files_below(stamp.parent)
    assert taken[stamp.name] == b"an answer"
    assert len(taken) == 2


@pytest.mark.parametrize("planted", ["note", "answer", "folder", "pipe"])
def test_what_lies_beside_the_stamps_is_never_taken_along(story: Any, tmp_path: Path, planted: str) -> None:
    """Who can write to the public folder must not get its reader's own files by a link, nor stop it by a pipe."""
    secret, log = tmp_path / "office.token", story.ledger / "decisions"
    secret.write_text("a secret")
    aside = tmp_path / "aside" if planted == "folder" else log / "stamps"
    aside.mkdir()
    note, answer = aside / f"5.{'0' * 16}.note", aside / f"5.{'0' * 16}.{'0' * 16}.tsr"
    for path, name in ((note, "note"), (answer, "answer")):
        if planted == name:
            path.symlink_to(secret)
        else:
            path.write_bytes(b"a stamp")
    if planted == "folder":
        (log / "stamps").symlink_to(aside)
    if planted == "pipe":
        answer.unlink()
        os.mkfifo(answer)
    with pytest.raises(LogDamaged):
        export_ledger(open_source(str(story.ledger)), tmp_path / "copy", NOTHING)
    assert not (tmp_path / "copy").exists()


def test_nothing_is_ever_overwritten(story: Any, tmp_path: Path) -> None:
    """A folder, a file, a link to nowhere: what is there stays as it is."""
    places = [tmp_path / name for name in ("folder", "file", "link")]
    places[0].mkdir()
    places[1].write_bytes(b"kept")
    places[2].symlink_to(tmp_path / "nowhere")
    for place in places:
        with pytest.raises(ExportRefused, match="already"):
            export_ledger(open_source(str(story.data)), place, NOTHING)
    assert places[1].read_bytes() == b"kept"
    assert not (tmp_path / "nowhere").exists()


def test_what_does_not_verify_leaves_nothing_behind(story: Any, tmp_path: Path) -> None:
    """A damaged bundle, a revoked call, an unknown log, a full disk: no folder, not even half of one."""
    target = tmp_path / "exports" / "audit"
    target.parent.mkdir()
    source = open_source(str(story.data))
    with pytest.raises(NoSuchLog):
        export_ledger(source, target, NOTHING, logs=("calls/gate-9",))
    with pytest.raises(NoSuchLog):
        export_ledger(open_source(str(story.ledger / "decisions")), target, NOTHING)
    wrong = Trusted(charter=None, policy=f"log {story.vkey('calls/gate-0')}\nquorum none\n".encode())
    with pytest.raises(ExportRefused, match="policy-unmet"):
        export_ledger(source, target, wrong)
    bundle = story.ledger / "calls" / "gate-0" / "tile" / "entries" / "000.p" / "2"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b" ")
    with pytest.raises(LogDamaged):
        export_ledger(source, target, NOTHING)
    assert list(target.parent.iterdir()) == []


def test_a_disk_that_fails_leaves_nothing_behind(story: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At any file: the error is told, and the place is as it was."""
    real = engine._write
    left = 0

    def fail_at(path: Path, data: bytes) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        real(path, data)

    (tmp_path / "exports").mkdir()
    monkeypatch.setattr(engine, "_write", fail_at)
    for count in range(10):
        left = count
        with pytest.raises(ExportRefused, match="No space left"):
            export_ledger(open_source(str(story.data)), tmp_path / "exports" / "audit", NOTHING)
        assert os.listdir(tmp_path / "exports") == []


def test_a_ledger_that_grows_is_exported_at_one_moment(story: Any, tmp_path: Path) -> None:
    """Checkpoints that belong together, though both logs go on."""
    decisions, calls = story.log("decisions"), story.log("calls/gate-0")
    decisions.append(story.snapshot(2)).result()
    decisions.publish()
    calls.append(story.intent(decisions.head(), "req-7", snapshot_version=2)).result()
    calls.publish()
    report = export_ledger(open_source(str(story.data)), tmp_path / "audit", NOTHING)
    assert [(log.log, log.size) for log in report.logs] == [("decisions", 5), ("calls/gate-0", 3)]
    done = run_offline(tmp_path / "audit")
    assert done.returncode == 0, done.stdout
