"""Content and entries together, under SIGKILL: a file is kept exactly if an entry names it; what is erased is gone."""

import hashlib
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.ledger import EntryKind, Log, commit
from sekisho.ledger.erasure import KeptCall, destroy_content, find_call, is_recorded
from sekisho.ledger.transcripts import TranscriptFolder

REQUEST_ID = "req_00000000000000000000000001"
SALTS = (b"\x91" * 32, b"\x92" * 32)
# A process that seals one call and records it, or erases it, and kills itself at the step named.
CALL = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sekisho.core import SteadyClock
from sekisho.ledger import Entry, EntryKind, Log, commit
from sekisho.ledger.auditor_key import AuditorKey
from sekisho.ledger.erasure import destroy_content
from sekisho.ledger.sealed_header import Belonging
from sekisho.ledger.sealing import Sealer
from sekisho.ledger.transcripts import TranscriptFolder
from sekisho.trust import Auditor, Auditors

root, act, fatal = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
at, request_id = datetime(2026, 11, 22, tzinfo=UTC), "req_00000000000000000000000001"
salts = (b"\\x91" * 32, b"\\x92" * 32)

def reach(step):
    if getattr(step, "name", step) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

folder = TranscriptFolder(root / "transcripts", reach)
folder.prepare()
log = Log.open(store=root / "calls.db", public=root / "public", origin="p.example/calls/gate-0",
               key=Ed25519PrivateKey.from_private_bytes(b"k" * 32), clock=SteadyClock(at))

def entry(number, kind, **body):
    return Entry(kind=kind, at=at, id=f"ent_{number:026d}", body=body)

if act == "call":
    key = AuditorKey(mlkem=b"m" * 64, x25519=b"x" * 32)
    auditors = Auditors(threshold=1, members=(Auditor(name="a", key=key.public),))
    belonging = Belonging(log=log.origin, request_id=request_id, request_commitment=commit(b"question", salts[0]))
    sealer = Sealer(belonging, auditors, request_salt=salts[0], response_salt=salts[1], randomness=os.urandom)
    opened = folder.begin(request_id, sealer, b"question")
    intent = entry(1, EntryKind.CALL_INTENDED, request_id=request_id, institution="i", principal="p", grant="g",
        lab="l", model="m", surface="s", asset="a", case=None, technique="find",
        request_commitment=belonging.request_commitment,
        request_size_bytes=8, reserved_tokens=1, decisions_size=1, decisions_root="A" * 43 + "=",
        snapshot_version=1,
        snapshot_sha256="0" * 64)
    index = log.append(intent, key=f"intent:{request_id}", private=salts[0]).result()
    reach("INTENDED")
    digest = opened.finish(b"answer")
    outcome = entry(2, EntryKind.CALL_ANSWERED, request_id=request_id, intent_index=index, outcome="complete",
        status=200, model_answered=None, input_tokens=None, output_tokens=None, settled_tokens=1,
        response_commitment=commit(b"answer", salts[1]), response_size_bytes=6, duration_us=1, sealed_sha256=digest)
    log.append(outcome, key=f"outcome:{request_id}", private=salts[1]).result()
    reach("RECORDED")
    opened.settle()
else:
    destroy = log.destroy_private
    log.destroy_private = lambda indexes: (destroy(indexes), reach("SALTS_GONE"))
    destroy_content(log, folder, [request_id])
log.close()
"""


def run(root: Path, act: str, fatal: str = "") -> None:
    """Run the process to its end, or to its death at `fatal`."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(root), act, fatal], capture_output=True, text=True, check=False
    )
    assert done.returncode == (-signal.SIGKILL if fatal else 0), done.stderr


def reopen(programme: Any, root: Path) -> tuple[Any, TranscriptFolder]:
    """Open log and folder as a gate does on its start."""
    log = Log.open(
        store=root / "calls.db",
        public=root / "public",
        origin="p.example/calls/gate-0",
        key=Ed25519PrivateKey.from_private_bytes(b"k" * 32),
        clock=programme._clock,
    )
    programme._open.callback(log.close)
    folder = TranscriptFolder(root / "transcripts")
    folder.prepare()
    folder.recover(partial(is_recorded, log))
    return log, folder


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gate's folder after one call."""
    root = tmp_path_factory.mktemp("called")
    run(root, "call")
    return root


@pytest.fixture
def root(called: Path, tmp_path: Path) -> Path:
    """The same, the test's own."""
    return shutil.copytree(called, tmp_path / "gate")


def sealed_files(root: Path) -> list[Path]:
    return [path for path in (root / "transcripts").rglob("*") if path.is_file()]


def bytes_of_store(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.iterdir() if path.name.startswith("calls.db"))


@pytest.mark.parametrize("fatal", ["BEGUN", "INTENDED", "FLUSHED", "PLACED", "RECORDED"])
def test_a_file_is_kept_exactly_if_an_entry_names_it(programme: Any, tmp_path: Path, fatal: str) -> None:
    """Killed at any step: after the next start there is no file without an entry, and no entry without its file."""
    run(tmp_path, "call", fatal)
    log, _ = reopen(programme, tmp_path)
    named = [entry.body["sealed_sha256"] for _, entry in log.entries() if entry.kind is EntryKind.CALL_ANSWERED]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in sealed_files(tmp_path)] == named
    assert bool(named) == (fatal == "RECORDED")


@pytest.mark.parametrize("fatal", ["SALTS_GONE", "OVERWRITTEN", "UNLINKED"])
def test_what_is_erased_is_gone_after_any_death(programme: Any, root: Path, fatal: str) -> None:
    """The gate is told again, and what was left is destroyed; the entries are the same to the byte."""
    assert all(salt in bytes_of_store(root) for salt in SALTS)
    run(root, "erase", fatal)
    log, folder = reopen(programme, root)
    destroy_content(log, folder, [REQUEST_ID])
    assert sealed_files(root) == []
    assert not any(salt in bytes_of_store(root) for salt in SALTS)
    commitments = [log_entry.body for _, log_entry in log.entries()]
    assert commitments[0]["request_commitment"] == commit(b"question", SALTS[0])
    assert commitments[1]["response_commitment"] == commit(b"answer", SALTS[1])


def test_a_call_is_found_with_all_that_erasing_needs(programme: Any, root: Path) -> None:
    """By its request id; a call without an outcome is over only if an earlier process began it."""
    log, _ = reopen(programme, root)
    call = find_call(log, REQUEST_ID, began_at=2)
    digest = hashlib.sha256(sealed_files(root)[0].read_bytes()).hexdigest()
    assert call == KeptCall(request_id=REQUEST_ID, intent_index=0, is_over=True, sealed_sha256=digest)
    assert find_call(log, "req_" + "9" * 26, began_at=2) is None
