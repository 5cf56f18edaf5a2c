"""A small programme with its two logs, written by the real writer, for the tests of this room."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import IdSource, SteadyClock
from sekisho.ledger import Entry, EntryKind, Log, commit
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.note import NoteSigner

PROGRAMME = "sekisho.example"
SNAPSHOT = hashlib.sha256(b"snapshot").hexdigest()


class Programme:
    """Opens logs below one data directory and makes entries for them."""

    def __init__(self, data: Path, clock: SteadyClock, ids: IdSource) -> None:
        self.data = data
        self.ledger = data / "ledger"
        self._clock = clock
        self._ids = ids
        self._open = ExitStack()

    def close(self) -> None:
        self._open.close()

    def key(self, name: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())

    def vkey(self, name: str) -> str:
        return NoteSigner(f"{PROGRAMME}/{name}", self.key(name)).verifier.vkey

    def log(self, name: str, **further: Any) -> Log:
        """Open `decisions` or `calls/gate-0`; closed at the end of the test if not before."""
        log = Log.open(
            store=self.data / "stores" / f"{name.replace('/', '-')}.db",
            public=self.ledger / name,
            origin=f"{PROGRAMME}/{name}",
            key=self.key(name),
            clock=self._clock,
            **further,
        )
        self._open.callback(log.close)
        return log

    def entry(self, kind: EntryKind, **body: Any) -> Entry:
        return Entry(kind=kind, at=self._clock.now(), id=self._ids.new("ent"), body=body)

    def snapshot(self, version: int = 1) -> Entry:
        return self.entry(EntryKind.SNAPSHOT_PUBLISHED, version=version, snapshot_sha256=SNAPSHOT)

    def opening(self, name: str = "calls/gate-0") -> Entry:
        return self.entry(EntryKind.CALLS_LOG_OPENED, log=name, origin=f"{PROGRAMME}/{name}", vkey=self.vkey(name))

    def revocation(self, grant: str) -> Entry:
        return self.entry(EntryKind.GRANT_REVOKED, grant=grant, revocation_sha256="0" * 64, signers=["lab-a", "home"])

    def anchor(self, head: Checkpoint, name: str = "calls/gate-0", **changed: Any) -> Entry:
        body = {"log": name, "size": head.size, "root": base64.b64encode(head.root).decode()}
        return self.entry(EntryKind.CALLS_CHECKPOINT, **(body | changed))

    def intent(self, decisions: Checkpoint, request_id: str = "req-1", **changed: Any) -> Entry:
        body: dict[str, Any] = {
            "request_id": request_id,
            "institution": "ins-1",
            "principal": "per-1",
            "grant": "grt-1",
            "lab": "lab-a",
            "model": "cyber",
            "surface": "openai.chat",
            "asset": "ast-1",
            "case": None,
            "technique": "find",
            "request_commitment": commit(b"prompt", b"s" * 32),
            "request_size_bytes": 6,
            "reserved_tokens": 100,
            "decisions_size": decisions.size,
            "decisions_root": base64.b64encode(decisions.root).decode(),
            "snapshot_version": 1,
            "snapshot_sha256": SNAPSHOT,
        }
        return self.entry(EntryKind.CALL_INTENDED, **(body | changed))

    def answer(self, intent_index: int, request_id: str = "req-1", **changed: Any) -> Entry:
        body: dict[str, Any] = {
            "request_id": request_id,
            "intent_index": intent_index,
            "outcome": "complete",
            "status": 200,
            "model_answered": "cyber",
            "input_tokens": 3,
            "output_tokens": 4,
            "settled_tokens": 7,
            "response_commitment": commit(b"answer", b"t" * 32),
            "response_size_bytes": 6,
            "duration_us": 1000,
        }
        return self.entry(EntryKind.CALL_ANSWERED, **(body | changed))


@pytest.fixture
def programme(tmp_path: Path, clock: SteadyClock, ids: IdSource) -> Iterator[Programme]:
    """A programme below the test's own folder."""
    programme = Programme(tmp_path, clock, ids)
    yield programme
    programme.close()


@pytest.fixture
def story(programme: Programme) -> Programme:
    """A whole ledger, at rest: one call made and answered, its log anchored in the decisions log."""
    decisions, calls = programme.log("decisions"), programme.log("calls/gate-0")
    decisions.append(programme.snapshot()).result()
    decisions.append(programme.opening()).result()
    index = calls.append(programme.intent(decisions.head())).result()
    calls.append(programme.answer(index)).result()
    calls.close()
    decisions.append(programme.anchor(calls.head())).result()
    decisions.close()
    return programme


Files = Mapping[str, bytes]


@pytest.fixture
def files_below() -> Callable[[Path], Files]:
    """Read every file below a folder, by its path."""
    return lambda folder: {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
