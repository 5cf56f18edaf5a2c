"""Judge: Go's golang.org/x/mod/sumdb/{note,tlog}, from Debian, on logs that we wrote."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import IdSource, SteadyClock
from sekisho.ledger import Entry, EntryKind, Log
from sekisho.tlog.base64_strict import encode_base64
from sekisho.tlog.checkpoint import Checkpoint

pytestmark = [pytest.mark.judge, pytest.mark.timeout(180)]

GOCODE = Path("/usr/share/gocode")
PROGRAM = Path(__file__).parent / "judge_log" / "main.go"

Judge = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The judge, compiled from Debian's packages without network."""
    go = shutil.which("go")
    if go is None or not (GOCODE / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("Go's sumdb is absent: apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("judge")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(GOCODE),
        "GO111MODULE": "off",
        "CGO_ENABLED": "0",
    }
    subprocess.run([go, "build", "-o", str(folder / "judge_log"), str(PROGRAM)], env=environment, check=True)
    return lambda log: subprocess.run([str(folder / "judge_log"), str(log)], capture_output=True, text=True)


def write_log(folder: Path, size: int, clock: SteadyClock, ids: IdSource) -> Checkpoint:
    log = Log.open(
        store=folder / "log.db",
        public=folder / "public",
        origin="sekisho.example/decisions",
        key=Ed25519PrivateKey.from_private_bytes(b"k" * 32),
        clock=clock,
    )
    for version in range(size):
        body = {"version": version, "snapshot_sha256": "0" * 64}
        log.append(Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=clock.now(), id=ids.new("ent"), body=body))
    log.close()
    return log.head()


@pytest.mark.parametrize("size", [0, 1, 2, 5, 255, 256, 257, 1000])
def test_go_finds_our_checkpoint_signed_and_every_entry_in_it(
    judge: Judge, tmp_path: Path, clock: SteadyClock, ids: IdSource, size: int
) -> None:
    """Go opens the note, proves each entry of each bundle in the tiles, and half the tree in the whole."""
    head = write_log(tmp_path, size, clock, ids)
    done = judge(tmp_path / "public")
    assert done.stderr == ""
    assert done.stdout == f"ok {size} {encode_base64(head.root)}\n"


def test_go_refuses_a_log_in_which_one_bit_was_flipped(
    judge: Judge, tmp_path: Path, clock: SteadyClock, ids: IdSource
) -> None:
    """The judge can say no: to an entry, a tile, the checkpoint and the key."""
    write_log(tmp_path, 257, clock, ids)
    public = tmp_path / "public"
    for path in ("tile/entries/000", "tile/entries/001.p/1", "tile/0/000", "tile/1/000.p/1", "checkpoint", "vkey"):
        data = (public / path).read_bytes()
        (public / path).write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        assert judge(public).returncode != 0, path
        (public / path).write_bytes(data)
    assert judge(public).returncode == 0
