"""Logs and witnesses for the tests of this room: a tree that can fork, and a witness in memory or as a process."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SteadyClock
from sekisho.ledger.witness.evidence import EvidenceFolder
from sekisho.ledger.witness.head_record import HeadRecord
from sekisho.ledger.witness.keys import Algorithm, WitnessDir, make_key, read_signers
from sekisho.ledger.witness.known_logs import add_log, read_logs
from sekisho.ledger.witness.service import WitnessService
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.merkle import consistency_path, hash_leaf, root_of
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.witness import AddCheckpoint, encode_add_checkpoint

START_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Tree:
    """A log as a list of leaves. `branch`: another one gives another history from `since` on."""

    branch: str = "true"
    since: int = 0
    origin: str = "log.example/decisions"
    signer: NoteSigner = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "signer", NoteSigner(self.origin, Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)))

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    def hashes(self, size: int) -> list[bytes]:
        return [hash_leaf(f"{self.branch if i >= self.since else 'true'} {i}".encode()) for i in range(size)]

    def head(self, size: int) -> Checkpoint:
        return Checkpoint(origin=self.origin, size=size, root=root_of(self.hashes(size)))

    def note(self, size: int) -> bytes:
        return sign_checkpoint(self.head(size), self.signer)

    def request(self, old: int, size: int) -> bytes:
        path = consistency_path(self.hashes(size), old) if old <= size else ()
        return encode_add_checkpoint(AddCheckpoint(old_size=old, path=path, note=self.note(size)))


@pytest.fixture
def tree() -> Tree:
    return Tree()


@dataclass(slots=True)
class WitnessInMemory:
    """A witness's service over a real data directory, which can be opened again."""

    places: WitnessDir
    clock: SteadyClock
    alarms: list[str] = field(default_factory=list)
    record: HeadRecord | None = None

    def open(self) -> WitnessService:
        self.close()
        self.record = HeadRecord.open(self.places.record)
        return WitnessService(
            signers=read_signers(self.places),
            logs=read_logs(self.places.logs),
            record=self.record,
            evidence=EvidenceFolder(self.places.evidence),
            clock=self.clock,
            on_fork=lambda origin, _kept: self.alarms.append(origin),
        )

    def close(self) -> None:
        if self.record is not None:
            self.record.close()
            self.record = None


@pytest.fixture
def witness(tmp_path: Path, clock: SteadyClock, tree: Tree) -> Iterator[WitnessInMemory]:
    """A witness with an Ed25519 key that knows the log of `tree`."""
    places = WitnessDir(tmp_path / "witness")
    make_key(places, "witness.example/w1", Algorithm.ED25519)
    add_log(places.logs, tree.vkey)
    made = WitnessInMemory(places, clock)
    yield made
    made.close()


class WitnessProcess:
    """`sekisho witness serve` as a process of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "WitnessProcess":
        """Start it and return once it serves; on the port it had before, if there was one."""
        command = [sys.executable, "-m", "sekisho.cli.main", "witness", "serve", "--data", str(self.data)]
        listen = ["--listen", f"127.0.0.1:{self.port}"]
        self._process = subprocess.Popen([*command, *listen], stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        assert line.startswith("serving on "), line + self._process.stderr.read()
        self.port = int(line.rpartition(":")[2])
        return self

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> str:
        """Stop it kindly and return what else it said on stderr."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> str:
        process, self._process = self._process, None
        if process is None:
            return ""
        process.send_signal(number)
        _, said = process.communicate(timeout=START_TIMEOUT_S)
        return said


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., WitnessProcess]]:
    """Returns what makes and starts a witness: `serve(name, *vkeys, algorithm=...)`."""
    running: list[WitnessProcess] = []

    def start(name: str, *vkeys: str, algorithms: tuple[Algorithm, ...] = (Algorithm.ED25519,)) -> WitnessProcess:
        places = WitnessDir(tmp_path / "witnesses" / name)
        for algorithm in algorithms:
            make_key(places, f"witness.example/{name}", algorithm)
        for vkey in vkeys:
            add_log(places.logs, vkey)
        running.append(WitnessProcess(places.root))
        return running[-1].start()

    yield start
    for process in running:
        process.kill()
