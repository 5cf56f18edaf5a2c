"""A small programme with its two logs, written by the real writer, for the tests of this room."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import IdSource, SteadyClock, Window
from sekisho.core.ids import AccordId, AssetId, GrantId, HoldId, InstitutionId, PrincipalId
from sekisho.formats import dsse
from sekisho.formats.dsse import Envelope
from sekisho.ledger import Entry, EntryKind, Log, Report, commit, verify_ledger
from sekisho.ledger.document_bodies import accord_body, grant_body, hold_body, revocation_body
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.note import NoteSigner
from sekisho.trust import (
    Accord,
    AllOf,
    AnyOfRole,
    Budget,
    Charter,
    Grant,
    Hold,
    LabModels,
    LabOfAccord,
    LogKey,
    Model,
    Party,
    PartyKey,
    PinnedCharter,
    Revocation,
    Role,
    Target,
    TargetKind,
    accord_payload,
    charter_payload,
    grant_payload,
    hold_payload,
    raw_key,
    read_pinned_charter,
    revocation_payload,
)

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

    def grant(self, grant: str = "grt-1", **changed: Any) -> Entry:
        body = {
            "grant": grant,
            "accord": "acc-1",
            "institution": "ins-1",
            "grant_sha256": "0" * 64,
            "signers": ["home"],
        }
        return self.entry(EntryKind.GRANT_ISSUED, **(body | changed))

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
    decisions.append(programme.grant()).result()
    decisions.append(programme.snapshot()).result()
    decisions.append(programme.opening()).result()
    index = calls.append(programme.intent(decisions.head())).result()
    calls.append(programme.answer(index)).result()
    calls.close()
    decisions.append(programme.anchor(calls.head())).result()
    decisions.close()
    return programme


QUORUM = ("lab-a", "home-gov")
ROLES = {"lab-a": Role.LAB, "lab-b": Role.LAB, "home-gov": Role.HOME}
GRANT_ID, ACCORD_ID = GrantId("grt_1"), AccordId("acc_1")


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"party " + name.encode()).digest())


def signed(kind: str, payload: Any, *parties: str) -> Envelope:
    envelope = dsse.seal(kind, payload)
    for party in parties:
        envelope = dsse.sign(envelope, party=party, key=key_of(party))
    return envelope


class Office:
    """Makes the entries that an office leaves, true ones and false ones."""

    def __init__(self, programme: Any) -> None:
        self.programme = programme
        self.at = programme._clock.now()
        self.window = Window(opens=self.at - timedelta(days=1), closes=self.at + timedelta(days=30))
        self.charter = Charter(
            programme="sekisho.example",
            version=1,
            previous=None,
            valid=self.window,
            parties=tuple(
                Party(name=name, role=role, keys=(self._listed(name),)) for name, role in sorted(ROLES.items())
            ),
            grant_rule=AllOf(rules=(LabOfAccord(), AnyOfRole(role=Role.HOME))),
            decisions=LogKey(origin="sekisho.example/decisions", vkey=programme.vkey("decisions")),
            labs=(LabModels(party="lab-a", models=("cyber",)), LabModels(party="lab-b", models=("myth",))),
            hold_term=timedelta(days=3),
        )
        self.accord = Accord(
            id=ACCORD_ID,
            programme="sekisho.example",
            lab="lab-a",
            models=(Model(name="cyber", tier="red"),),
            kinds=("bank",),
            techniques=("find",),
            conditions=(),
            valid=self.window,
        )
        self.grant = Grant(
            id=GRANT_ID,
            accord_id=ACCORD_ID,
            institution_id=InstitutionId("ins_1"),
            principals=(PrincipalId("per_1"),),
            lab="lab-a",
            models=("cyber",),
            tier="red",
            assets=(AssetId("ast_1"),),
            techniques=("find",),
            budget=Budget(tokens=1000, calls=10),
            window=self.window,
        )
        self.revocation = Revocation(
            grant_id=GRANT_ID, accord_id=ACCORD_ID, lab="lab-a", basis="It is over.", revoked_at=self.at
        )
        self.hold = Hold(
            id=HoldId("hld_1"),
            programme="sekisho.example",
            placed_by="lab-b",
            target=Target(kind=TargetKind.LAB, id="lab-a"),
            basis="A key was seen.",
            placed_at=self.at,
            lapses_at=self.at + timedelta(days=1),
        )

    def charter_file(self) -> bytes:
        return dsse.encode(self._charter_envelope(self.charter))

    def pinned(self) -> PinnedCharter:
        return read_pinned_charter(self.charter_file())

    def pinning(self, charter: Charter | None = None) -> Entry:
        envelope = self._charter_envelope(charter or self.charter)
        body = {"programme": "sekisho.example", "version": 1, "charter_sha256": envelope.digest}
        return self.entry(
            EntryKind.CHARTER_PINNED, body | {"signers": sorted(QUORUM), "envelope": dsse.encode(envelope).decode()}
        )

    def bringing(self, *parties: str, accord: Accord | None = None) -> Entry:
        accord = accord or self.accord
        envelope = signed("accord", accord_payload(accord), *parties)
        return self.entry(EntryKind.ACCORD_IN_FORCE, accord_body(accord, envelope, parties))

    def issuing(self, *parties: str, **changed: Any) -> Entry:
        grant = replace(self.grant, **changed)
        return self.entry(
            EntryKind.GRANT_ISSUED, grant_body(grant, signed("grant", grant_payload(grant), *parties), parties)
        )

    def revoking(self, *parties: str) -> Entry:
        envelope = signed("revocation", revocation_payload(self.revocation), *parties)
        return self.entry(EntryKind.GRANT_REVOKED, revocation_body(self.revocation, envelope, parties))

    def holding(self, *parties: str, **changed: Any) -> Entry:
        hold = replace(self.hold, **changed)
        return self.entry(EntryKind.HOLD_PLACED, hold_body(hold, signed("hold", hold_payload(hold), *parties)))

    def entry(self, kind: EntryKind, body: Mapping[str, Any]) -> Entry:
        return self.programme.entry(kind, **body)

    def verify(self, *entries: Entry) -> Report:
        """Write `entries` with the log's own key and verify them with the pinned charter."""
        log = self.programme.log("decisions")
        for entry in entries:
            log.append(entry).result()
        log.close()
        return verify_ledger(self.programme.ledger, vkey=self.programme.vkey("decisions"), charter=self.pinned())

    def _charter_envelope(self, charter: Charter) -> Envelope:
        return signed("charter", charter_payload(charter), *QUORUM)

    def _listed(self, name: str) -> PartyKey:
        return PartyKey(raw=raw_key(key_of(name).public_key()), window=self.window)


@pytest.fixture
def office(programme: Programme) -> Office:
    """The one who holds the log's key, and the charter that its documents are judged by."""
    return Office(programme)


Files = Mapping[str, bytes]


@pytest.fixture
def files_below() -> Callable[[Path], Files]:
    """Read every file below a folder, by its path."""
    return lambda folder: {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
