"""A witness by others, PyPI's `aics-witness` as a live process: our log's client speaks to it, it judges our proofs.

Optional: it needs Python 3.12, in an environment of its own below `.judges/` (scripts/install-judges).
"""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import IdSource, SteadyClock
from sekisho.ledger import Entry, EntryKind, Log, StoreBehind
from sekisho.ledger.http_post import Address, Poster
from sekisho.ledger.witness.quorum import PolicyWitnesses
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.merkle import consistency_path, hash_leaf, root_of
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.policy import Policy, check_witnessed
from sekisho.tlog.witness import AddCheckpoint, encode_add_checkpoint

pytestmark = pytest.mark.judge

WITNESS = Path(__file__).parents[3] / ".judges" / "aics-witness" / "bin" / "aics-witness"
ORIGIN = "sekisho.example/decisions"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x0b" * 32)
SIGNER = NoteSigner(ORIGIN, KEY)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and key of a witness by others that knows our log."""
    if not WITNESS.exists():
        pytest.skip("optional judge: aics-witness is not installed (scripts/install-judges, Python 3.12 or newer)")
    config = tmp_path / "aics" / "witness.json"
    config.parent.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def run(*arguments: str) -> str:
        command = [str(WITNESS), *arguments, "--config", str(config)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout

    run("init", "--name", "witness.example/foreign", "--listen", f"127.0.0.1:{port}")
    run("add-log", "--origin", ORIGIN, "--vkey", SIGNER.verifier.vkey)
    (vkey,) = [word for word in run("status").split() if word.startswith("witness.example/foreign+")]
    process = subprocess.Popen([str(WITNESS), "serve", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}", vkey
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the witness does not listen")


def _policy(witness: tuple[str, str]) -> Policy:
    return Policy.parse(f"witness foreign {witness[1]} {witness[0]}\nquorum foreign\n".encode())


@contextmanager
def _open(data: Path, policy: Policy, clock: SteadyClock) -> Iterator[Log]:
    witnesses = PolicyWitnesses(policy, folder=data / "public", signer=SIGNER)
    with closing(witnesses):
        log = Log.open(
            store=data / "store.db", public=data / "public", origin=ORIGIN, key=KEY, clock=clock, witnessing=witnesses
        )
        with closing(log):
            yield log


def _entry(clock: SteadyClock, ids: IdSource, version: int) -> Entry:
    body = {"version": version, "snapshot_sha256": "0" * 64}
    return Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=clock.now(), id=ids.new("ent"), body=body)


def test_it_cosigns_our_log_through_growth_and_restart(
    witness: tuple[str, str], tmp_path: Path, clock: SteadyClock, ids: IdSource
) -> None:
    """Its 200 and 409 lead our client to cosigned checkpoints, over the border of a tile."""
    policy = _policy(witness)
    for start in (0, 100, 300):
        with _open(tmp_path / "log", policy, clock) as log:
            for future in [log.append(_entry(clock, ids, start + i)) for i in range(200 if start else 100)]:
                future.result()
            log.publish()
    note = (tmp_path / "log" / "public" / "checkpoint").read_bytes()
    witnessed = check_witnessed(note, policy, log=SIGNER.verifier)
    assert (witnessed.checkpoint.size, [one.name for one in witnessed.cosigned]) == (500, ["foreign"])


def test_it_refuses_our_restored_backup(
    witness: tuple[str, str], tmp_path: Path, clock: SteadyClock, ids: IdSource
) -> None:
    """What it remembers stops us before we publish another history."""
    policy = _policy(witness)
    with _open(tmp_path / "log", policy, clock) as log:
        log.append(_entry(clock, ids, 0)).result()
    shutil.copytree(tmp_path / "log", tmp_path / "backup")
    with _open(tmp_path / "log", policy, clock) as log:
        for version in range(1, 4):
            log.append(_entry(clock, ids, version)).result()
    with pytest.raises(StoreBehind, match="foreign"), _open(tmp_path / "backup", policy, clock):
        pass


def test_its_statuses_are_the_specifications(witness: tuple[str, str]) -> None:
    """200 on growth, 409 with the size on another old size, 422 on a fork."""
    poster = Poster(Address.parse(witness[0]), timeout_s=10)
    hashes = [hash_leaf(b"%d" % i) for i in range(9)]
    forked = [hash_leaf(b"forked %d" % i) for i in range(9)]

    def ask(leaves: list[bytes], old: int, size: int) -> tuple[int, str, bytes]:
        head = Checkpoint(origin=ORIGIN, size=size, root=root_of(leaves[:size]))
        request = AddCheckpoint(
            old_size=old, path=consistency_path(leaves[:size], old), note=sign_checkpoint(head, SIGNER)
        )
        answer = poster.post("/add-checkpoint", encode_add_checkpoint(request), content_type="text/plain")
        return answer.status, answer.content_type, answer.body

    assert ask(hashes, 0, 4)[0] == 200
    assert ask(hashes, 0, 6) == (409, "text/x.tlog.size", b"4\n")
    assert ask(forked, 4, 8)[0] == 422
    assert ask(hashes, 4, 9)[0] == 200
    poster.close()


def test_its_status_is_json_of_the_size_that_we_sent(witness: tuple[str, str], tmp_path: Path) -> None:
    """Its own record says what our requests made it cosign."""
    test_its_statuses_are_the_specifications(witness)
    config = tmp_path / "aics" / "witness.json"
    command = [str(WITNESS), "status", "--json", "--config", str(config)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout)
    assert '"size": 9' in json.dumps(said)
