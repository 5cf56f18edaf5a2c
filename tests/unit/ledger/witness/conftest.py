"""Logs and witnesses for the tests of this room: a tree that can fork, and a witness in memory or as a process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
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


# Imports once, then forks a witness for each line on stdin: a start costs milliseconds, so there can be many.
FORKING = """
import os, signal, sys
from pathlib import Path
import anyio._backends._asyncio, uvicorn.loops.auto, uvicorn.logging
import sekisho.ledger.witness.web_service
from sekisho.cli import witness
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    data, said, listen = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
        witness.serve(Path(data), listen)
        os._exit(0)
    print(child, flush=True)
"""


class Nursery:
    """Where witnesses are started as processes of their own, `sekisho witness serve` each."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, data: Path, said: Path, port: int) -> int:
        """Return the process id of a witness that serves `data` and says its lines to the file `said`."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(f"{data}\t{said}\t127.0.0.1:{port}\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def close(self) -> None:
        self._parent.communicate(timeout=START_TIMEOUT_S)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


class WitnessProcess:
    """One witness, which can be killed and started again where it was."""

    def __init__(self, data: Path, nursery: Nursery) -> None:
        self.data = data
        self.port = 0
        self._nursery = nursery
        self._said = data / "stderr"
        self._pid = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        return self._said.read_text() if self._said.exists() else ""

    def start(self) -> "WitnessProcess":
        """Start it and return once it serves; on the port it had before, if there was one."""
        before = self.said.count("serving on ")
        self._pid = self._nursery.start(self.data, self._said, self.port)
        until = time.monotonic() + START_TIMEOUT_S
        while self.said.count("serving on ") == before or not self.said.endswith("\n"):
            assert time.monotonic() < until, self.said
            time.sleep(0.005)
        self.port = int(self.said.splitlines()[-1].rpartition(":")[2])
        return self

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> str:
        """Stop it kindly and return all that it said on stderr."""
        self._end(signal.SIGTERM)
        return self.said

    def _end(self, number: int) -> None:
        pid, self._pid = self._pid, 0
        until = time.monotonic() + START_TIMEOUT_S
        with suppress(ProcessLookupError):
            while pid and time.monotonic() < until:
                os.kill(pid, number)
                number = 0
                time.sleep(0.002)


@pytest.fixture
def serve(tmp_path: Path, nursery: Nursery) -> Iterator[Callable[..., WitnessProcess]]:
    """Returns what makes and starts a witness: `serve(name, *vkeys, algorithms=...)`."""
    running: list[WitnessProcess] = []

    def start(name: str, *vkeys: str, algorithms: tuple[Algorithm, ...] = (Algorithm.ED25519,)) -> WitnessProcess:
        places = WitnessDir(tmp_path / "witnesses" / name)
        for algorithm in algorithms:
            make_key(places, f"witness.example/{name}", algorithm)
        for vkey in vkeys:
            add_log(places.logs, vkey)
        running.append(WitnessProcess(places.root, nursery))
        return running[-1].start()

    yield start
    for process in running:
        process.kill()
