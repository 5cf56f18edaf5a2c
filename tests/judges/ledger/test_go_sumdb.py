"""Judge: Go's golang.org/x/mod/sumdb/{note,tlog}, from Debian, on logs that we wrote."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from sekisho.core import IdSource, SteadyClock
from sekisho.ledger import Entry, EntryKind, Log
from sekisho.tlog.base64_strict import encode_base64
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.cosignature import CosignatureSigner
from sekisho.tlog.note import NoteSigner, parse_note
from sekisho.tlog.proof import Proof, encode_proof
from sekisho.tlog.tile import Tile, TileBuilder
from sekisho.tlog.tile_tree import prove_inclusion

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


def write_witnessed_log(folder: Path, size: int) -> tuple[Checkpoint, int]:
    """Write a log of `size` entries, its head cosigned by both kinds of witness, and portable proofs beside it."""
    log = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
    witness = CosignatureSigner("witness.example/ed", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    post_quantum = CosignatureSigner("witness.example/pq", MLDSA44PrivateKey.from_seed_bytes(b"p" * 32))
    builder = TileBuilder()
    for index in range(size):
        write_tiles(folder, builder.add(f"entry {index}".encode()))
    write_tiles(folder, builder.partials())
    head = Checkpoint(origin=log.verifier.name, size=size, root=builder.root())
    note = sign_checkpoint(head, log)
    text = parse_note(note).text
    note += (witness.sign(text, time_s=1_800_000_000) + post_quantum.sign(text, time_s=1_800_000_000)).encode()
    proofs = {index for index in (0, 3, 254, 255, 256, 511, 65_535, 65_536, size - 1) if 0 <= index < size}
    files = {"checkpoint": note, "vkey": log.verifier.vkey.encode(), "witnesses": witness.verifier.vkey.encode()}
    for index in proofs:
        path = prove_inclusion(index, size, lambda tile: (folder / tile.path).read_bytes())
        proof = Proof(index=index, path=path, checkpoint=note, extra=b"extra" if index % 2 else None)
        files[f"proofs/{index}.tlog-proof"] = encode_proof(proof)
    for name, data in files.items():
        write_file(folder / name, data)
    return head, len(proofs)


def write_tiles(folder: Path, tiles: tuple[tuple[Tile, bytes], ...]) -> None:
    for tile, data in tiles:
        write_file(folder / tile.path, data)


def write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize("size", [0, 1, 2, 5, 255, 256, 257, 1000])
def test_go_finds_our_checkpoint_signed_and_every_entry_in_it(
    judge: Judge, tmp_path: Path, clock: SteadyClock, ids: IdSource, size: int
) -> None:
    """Go opens the note, proves each entry of each bundle in the tiles, and half the tree in the whole."""
    head = write_log(tmp_path, size, clock, ids)
    done = judge(tmp_path / "public")
    assert done.stderr == ""
    assert done.stdout == f"ok {size} {encode_base64(head.root)} 0 0\n"


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


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 600, 70_001])
def test_go_finds_our_checkpoint_cosigned_and_our_portable_proofs_true(judge: Judge, tmp_path: Path, size: int) -> None:
    """Go opens the note by the log's and the witness's key, passes the ML-DSA-44 line over, and checks each file."""
    head, proofs = write_witnessed_log(tmp_path, size)
    done = judge(tmp_path)
    assert done.stderr == ""
    assert done.stdout == f"ok {size} {encode_base64(head.root)} 1 {proofs}\n"


def test_go_refuses_a_cosignature_or_proof_in_which_one_bit_was_flipped(judge: Judge, tmp_path: Path) -> None:
    """The judge can say no: to the witness's line, its key, a path, an index."""
    write_witnessed_log(tmp_path, 257)
    for path, before, after in (
        ("checkpoint", b"witness.example/ed ", b"witness.example/eD "),
        ("witnesses", b"witness.example/ed+", b"witness.example/eD+"),
        ("proofs/3.tlog-proof", b"index 3\n", b"index 4\n"),
        ("proofs/3.tlog-proof", b"index 3\n", b"index 3\n" + b"A" * 43 + b"=\n"),
    ):
        data = (tmp_path / path).read_bytes()
        assert before in data
        (tmp_path / path).write_bytes(data.replace(before, after))
        assert judge(tmp_path).returncode != 0, (path, after)
        (tmp_path / path).write_bytes(data)
    assert judge(tmp_path).returncode == 0


def test_go_refuses_a_false_cosignature(judge: Judge, tmp_path: Path) -> None:
    """One that was made for another head stands on this one."""
    write_witnessed_log(tmp_path / "small", 2)
    write_witnessed_log(tmp_path, 3)
    body, log_line, *_ = _lines_of(tmp_path / "checkpoint")
    (tmp_path / "checkpoint").write_text(body + log_line + _lines_of(tmp_path / "small/checkpoint")[2])
    assert judge(tmp_path).returncode != 0


def _lines_of(checkpoint: Path) -> list[str]:
    text, _, lines = checkpoint.read_text().rpartition("\n\n")
    return [f"{text}\n\n", *lines.splitlines(keepends=True)]
