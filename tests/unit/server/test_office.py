"""The control plane's heart: durable and logged before told, whole after every crash."""

import base64
import contextlib
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sekisho.access import DocumentTooLarge, GrantState, digest_snapshot
from sekisho.access import services as access
from sekisho.core import SekishoError
from sekisho.db import HistoryDiffers
from sekisho.formats import dsse
from sekisho.ledger import Entry, EntryKind, verify_ledger
from sekisho.ledger.errors import LedgerUnavailable
from sekisho.ledger.steps import Step
from sekisho.registry import services as registry
from sekisho.server import office as office_module
from sekisho.server.calls_logs import GateRefused
from sekisho.server.errors import CharterPinned, ForeignCharter, NoCharter
from sekisho.server.gate_link import Hello, Pushed
from sekisho.server.places import DataDir
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.note import NoteSigner
from sekisho.trust import LabModels, LogKey, TrustRefused

rig = sys.modules["server_rig"]


@contextmanager
def crash_at(monkeypatch: pytest.MonkeyPatch, target: Any, name: str, *, call: int = 1) -> Iterator[None]:
    """End the process at the `call`th call of `target.name`, before it does anything."""
    real, count = getattr(target, name), 0

    def crashing(*arguments: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == call:
            raise rig.Crash
        return real(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(target, name, crashing)
        with contextlib.suppress(rig.Crash):
            yield
    assert count >= call


def _in_force(world: Any) -> set[str]:
    return {grant.id for grant in world.office.snapshot.grants if grant.state is GrantState.ACTIVE}


def _take(world: Any, take: Callable[..., Any], data: bytes) -> Any:
    return world.office.act(lambda s: take(s, data, world.office.charter, ids=world.ids, at=world.clock.now()))


def _granted(world: Any) -> str:
    """Pin, bring an accord into force, enrol, grant; return the grant's id."""
    world.office.pin(world.charter())
    _take(world, access.bring_accord_into_force, world.accord())
    return str(_take(world, access.issue_grant, world.grant(world.enrol())).value.id)


# Acts: the order of durable, logged, told.


def test_what_an_act_records_is_in_the_log_before_a_gate_is_told(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant: whatever a gate may judge by is on record first, the snapshot's own digest included."""
    told: list[tuple[int, list[EntryKind]]] = []
    monkeypatch.setattr(opened.office.link, "push", lambda pushed: told.append((pushed.version, opened.kinds())))
    opened.office.act(rig.enrol_anything(opened))
    ((version, kinds),) = told
    assert kinds[-2:] == [EntryKind.INSTITUTION_ENROLLED, EntryKind.SNAPSHOT_PUBLISHED]
    assert version == len(kinds) - 1


def test_the_published_digest_is_that_of_what_is_pushed(opened: Any) -> None:
    """An auditor who holds a gate's snapshot finds it in the log, at the index that is its version."""
    opened.office.act(rig.enrol_anything(opened))
    entry = opened.entries()[-1]
    assert entry.body == {
        "version": len(opened.entries()) - 1,
        "snapshot_sha256": digest_snapshot(opened.office.snapshot),
    }


def test_an_act_that_raises_leaves_nothing(opened: Any) -> None:
    """No row, no entry, no snapshot; the next act is as if it had never been."""
    before = opened.entries()

    def half_done(session: Any) -> None:
        rig.enrol_anything(opened)(session)
        raise NoCharter("changed my mind")

    with pytest.raises(NoCharter):
        opened.office.act(half_done)
    assert opened.entries() == before
    assert opened.office.read(registry.list_institutions) == ()
    opened.office.act(rig.enrol_anything(opened))


def test_an_act_that_changes_nothing_publishes_nothing(opened: Any) -> None:
    """No news is no snapshot: gates are not woken, and the log does not grow."""
    opened.office.act(rig.enrol_anything(opened))
    before = opened.entries()
    done = opened.office.act(lambda session: registry.list_institutions(session))
    assert (done.indexes, done.in_force_ms) == ((), {})
    assert opened.entries() == before


CRASHES = {
    "after the commit, before the drain": (office_module, "drain", 1),
    "while draining, before the append": (office_module.ControlOffice, "_append", 1),
    "after the drain, before the snapshot": (office_module, "build_snapshot", 1),
    "before the snapshot is on record": (office_module.ControlOffice, "_log_snapshot", 1),
    "after it is on record, before it is told": (office_module.GateLink, "push", 1),
}


@pytest.mark.parametrize("where", CRASHES)
def test_a_crash_between_two_steps_is_made_good_by_the_next_start(
    world: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """One entry for one act, and a snapshot with it, whatever the moment of the crash."""
    target, name, call = CRASHES[where]
    with world.open() as office, crash_at(monkeypatch, target, name, call=call):
        office.act(rig.enrol_anything(world))
    with world.open() as office:
        assert world.counted(EntryKind.INSTITUTION_ENROLLED) == 1
        assert [i.lei for i in office.snapshot.institutions] == [rig.MUFG]
        assert world.kinds()[-1] is EntryKind.SNAPSHOT_PUBLISHED
    assert verify_ledger(world.places.ledger, vkey=world.log.vkey).is_verified


def test_versions_rise_over_acts_and_restarts(world: Any) -> None:
    """A gate refuses an older version, so a restart must never count again from below."""
    versions = []
    for _ in range(3):
        with world.open() as office:
            versions.append(office.snapshot.version)
            world.clock.advance(timedelta(seconds=1))
            office.act(lambda s: registry.list_institutions(s))
            if len(versions) == 1:
                office.act(rig.enrol_anything(world))
                versions.append(office.snapshot.version)
    assert versions == sorted(set(versions))


def test_a_database_from_before_a_revocation_is_not_served(world: Any) -> None:
    """A copy that was put back knows the grant as good; the ledger knows better."""
    with world.open():
        grant = _granted(world)
    copy = world.places.control_db.read_bytes()
    with world.open():
        _take(world, access.revoke_grant, world.revocation(grant))
    world.places.control_db.write_bytes(copy)
    with pytest.raises(HistoryDiffers), world.open():
        pass


# A ledger that fails and comes back, while the process lives.


@pytest.mark.parametrize("step", [Step.SEQUENCE_WRITTEN, Step.SEQUENCE_DURABLE])
@pytest.mark.parametrize("failing", ["_append", "_log_snapshot"])
def test_an_act_that_the_ledger_did_not_take_is_told_to_nobody_and_made_good_by_the_next(
    world: Any, monkeypatch: pytest.MonkeyPatch, step: Step, failing: str
) -> None:
    """Also where the entry reached the disk and only the answer was lost: then it is there once."""
    disk = rig.Broken()
    with world.open(at_step=disk.at) as office:
        pushes: list[Pushed] = []
        monkeypatch.setattr(office.link, "push", pushes.append)
        real = getattr(office, failing)

        def on_a_failing_disk(*arguments: Any) -> Any:
            disk.steps = {step}
            try:
                return real(*arguments)
            finally:
                disk.steps = set()

        with monkeypatch.context() as patch:
            patch.setattr(office, failing, on_a_failing_disk)
            with pytest.raises(LedgerUnavailable):
                office.act(rig.enrol_anything(world))
        assert pushes == []
        assert office.snapshot.institutions == ()

        office.act(lambda s: registry.list_institutions(s))
        assert len(pushes) == 1
        assert [i.lei for i in office.snapshot.institutions] == [rig.MUFG]
        assert world.counted(EntryKind.INSTITUTION_ENROLLED) == 1
        last = world.entries()[-1]
        assert last.body["snapshot_sha256"] == digest_snapshot(office.snapshot)
        assert last.body["version"] == office.snapshot.version == len(world.entries()) - 1
    assert verify_ledger(world.places.ledger, vkey=world.log.vkey).is_verified


def test_a_hold_that_could_not_be_told_is_told_when_it_is_placed_again(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The party tries again with the same document: that must stop things, not say that it is known."""
    opened.office.pin(opened.charter())
    hold = opened.hold()

    def unavailable(_snapshot: Any) -> int:
        raise LedgerUnavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(opened.office, "_log_snapshot", unavailable)
        with pytest.raises(LedgerUnavailable):
            _take(opened, access.place_hold, hold)
    assert opened.office.snapshot.holds == ()
    _take(opened, access.place_hold, hold)
    assert len(opened.office.snapshot.holds) == 1


# The charter.


def test_a_charter_is_pinned_once(opened: Any) -> None:
    """The trust root is not replaced, not even by itself."""
    opened.office.pin(opened.charter())
    for again in (opened.charter(), opened.charter(hold_term=timedelta(days=1))):
        with pytest.raises(CharterPinned):
            opened.office.pin(again)
    assert opened.counted(EntryKind.CHARTER_PINNED) == 1
    assert opened.counted(EntryKind.DOCUMENT_REFUSED) == 2


def test_a_charter_of_another_ledger_is_refused(opened: Any) -> None:
    """No verifier could ever check this ledger with it."""
    other = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.generate()).verifier.vkey
    foreign = opened.charter(decisions=LogKey(origin="sekisho.example/decisions", vkey=other))
    with pytest.raises(ForeignCharter):
        opened.office.pin(foreign)
    _assert_unpinned(opened)


@pytest.mark.parametrize("signers", [(), ("home",), ("lab-a",), ("lab-a", "lab-b")])
def test_a_charter_without_its_own_quorum_is_refused(opened: Any, signers: tuple[str, ...]) -> None:
    """On record with the code of the refusal, and nothing else."""
    payload = dsse.decode(opened.charter()).payload
    with pytest.raises(TrustRefused):
        opened.office.pin(rig.signed("charter", json.loads(payload), *signers))
    _assert_unpinned(opened)
    assert opened.kinds()[-1] is EntryKind.DOCUMENT_REFUSED


def test_a_charter_that_the_ledger_has_no_room_to_show_is_refused(opened: Any) -> None:
    """Stored and not logged, it would stop the next start: it is refused before it is stored."""
    models = tuple(f"model-{number:05d}-{'x' * 60}" for number in range(1_000))
    labs = (LabModels(party="lab-a", models=models), LabModels(party="lab-b", models=("other-1",)))
    with pytest.raises(DocumentTooLarge):
        opened.office.pin(opened.charter(labs=labs))
    _assert_unpinned(opened)


def _assert_unpinned(world: Any) -> None:
    assert not world.places.charter.exists()
    with pytest.raises(NoCharter):
        _ = world.office.charter
    assert world.counted(EntryKind.CHARTER_PINNED) == 0


@pytest.mark.parametrize("name", ["_adopt", "_record", "_publish"])
def test_a_crash_while_pinning_is_made_good_by_the_next_start(
    world: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Stored is pinned: once on record, once in force."""
    with world.open() as office, crash_at(monkeypatch, office, name):
        office.pin(world.charter())
    with world.open() as office:
        assert office.charter.programme == "sekisho.example"
        assert world.counted(EntryKind.CHARTER_PINNED) == 1
        assert [lab.party for lab in office.snapshot.labs] == ["lab-a", "lab-b"]


def test_a_charter_that_the_ledger_did_not_take_is_not_in_force(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be pinned again, and no other in its place: it may be in the log after all."""

    def unavailable(*_arguments: Any, **_more: Any) -> int:
        raise LedgerUnavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(opened.office, "_record", unavailable)
        with pytest.raises(LedgerUnavailable):
            opened.office.pin(opened.charter())
    with pytest.raises(NoCharter):
        _ = opened.office.charter
    with pytest.raises(CharterPinned):
        opened.office.pin(opened.charter(hold_term=timedelta(days=1)))
    opened.office.pin(opened.charter())
    assert opened.counted(EntryKind.CHARTER_PINNED) == 1


def test_a_charter_file_that_was_replaced_is_found_at_the_next_start(world: Any) -> None:
    """Whoever can write the file must not become the trust root; nor if the file is taken away."""
    with world.open() as office:
        office.pin(world.charter())
        other = world.charter(hold_term=timedelta(days=1))
    kept = world.places.charter.read_bytes()
    world.places.charter.write_bytes(other)
    with pytest.raises(CharterPinned), world.open():
        pass
    world.places.charter.unlink()
    with world.open() as office, pytest.raises(CharterPinned):
        office.pin(other)
    world.places.charter.write_bytes(kept)
    with world.open() as office:
        assert office.charter.hold_term == timedelta(days=7)


# What is granted and held.


def test_grants_and_holds_reach_the_snapshot(opened: Any) -> None:
    """A grant and its end, a hold and its lapse."""
    grant = _granted(opened)
    assert _in_force(opened) == {grant}
    _take(opened, access.place_hold, opened.hold())
    assert [hold.target_id for hold in opened.office.snapshot.holds] == ["lab-a"]
    _take(opened, access.revoke_grant, opened.revocation(grant))
    assert _in_force(opened) == set()
    opened.clock.advance(timedelta(hours=2))
    opened.office.act(lambda s: registry.list_institutions(s))
    assert opened.office.snapshot.holds == ()


def test_readiness_asks_the_stores(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready means that an act could be done: the ledger publishes and the database answers."""
    opened.office.check_ready()
    with monkeypatch.context() as patch:
        patch.setattr(opened.log, "_trouble", LedgerUnavailable("full"))
        with pytest.raises(LedgerUnavailable):
            opened.office.check_ready()
    opened.database.close()
    opened.places.control_db.write_bytes(b"not a database" * 100)
    with pytest.raises(SekishoError):
        opened.office.check_ready()


def test_an_office_that_has_not_started_is_not_ready(world: Any) -> None:
    """No snapshot, no service."""
    with world.open(start=False) as office, pytest.raises(NoCharter):
        office.check_ready()


# Gates.


class FakeGate:
    """A gate's log by its key alone: it signs whatever checkpoint a test asks for."""

    def __init__(self, origin: str = "sekisho.example/calls/gate-0") -> None:
        self.origin = origin
        self.signer = NoteSigner(origin, Ed25519PrivateKey.generate())

    @property
    def hello(self) -> Hello:
        return Hello(slot="gate-0", origin=self.origin, vkey=self.signer.verifier.vkey)

    def checkpoint(self, size: int, *, salt: bytes = b"") -> str:
        frontier = Frontier()
        for number in range(size):
            frontier.append(hash_leaf(salt + bytes([number])))
        tree = Checkpoint(origin=self.origin, size=size, root=frontier.root())
        return sign_checkpoint(tree, self.signer).decode()


def test_a_gates_log_is_on_record_before_it_gets_a_snapshot(opened: Any) -> None:
    """Once, however often it connects."""
    gate = FakeGate()
    for _ in range(3):
        assert opened.office._welcome(gate.hello).version == opened.office.snapshot.version
    opened_log = [entry.body for entry in opened.entries() if entry.kind is EntryKind.CALLS_LOG_OPENED]
    assert opened_log == [{"log": "calls/gate-0", "origin": gate.origin, "vkey": gate.signer.verifier.vkey}]


def test_a_slots_log_keeps_its_key_over_restarts(world: Any) -> None:
    """A key that changed is a log that was replaced."""
    with world.open() as office:
        office._welcome(FakeGate().hello)
        with pytest.raises(GateRefused):
            office._welcome(FakeGate().hello)
    with world.open() as office, pytest.raises(GateRefused):
        office._welcome(FakeGate().hello)


@pytest.mark.parametrize(
    "origin", ["sekisho.example/calls/gate-1", "other.example/calls/gate-0", "x", "sekisho.example/decisions"]
)
def test_a_gate_cannot_bring_another_log_under_another_origin(opened: Any, origin: str) -> None:
    """The origin is the slot's, or a second key could be put on record beside the first."""
    with pytest.raises(GateRefused):
        opened.office._welcome(FakeGate(origin).hello)
    assert opened.counted(EntryKind.CALLS_LOG_OPENED) == 0


@pytest.mark.parametrize("vkey", ["", "x", "sekisho.example/calls/gate-0+00000000+AAAA", "\x00" * 100, "あ+b+c"])
def test_a_key_that_is_none_is_refused(opened: Any, vkey: str) -> None:
    """Nothing is on record for it."""
    with pytest.raises(GateRefused):
        opened.office._welcome(Hello(slot="gate-0", origin="sekisho.example/calls/gate-0", vkey=vkey))
    assert opened.counted(EntryKind.CALLS_LOG_OPENED) == 0


def test_a_growing_log_is_put_on_record_checkpoint_by_checkpoint(opened: Any) -> None:
    """Size and root; the same again says nothing new."""
    gate = FakeGate()
    opened.office._welcome(gate.hello)
    for size in (0, 2, 2, 5, 5):
        opened.office._take_checkpoint("gate-0", gate.checkpoint(size))
    sizes = [entry.body["size"] for entry in opened.entries() if entry.kind is EntryKind.CALLS_CHECKPOINT]
    assert sizes == [2, 5]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    "bad",
    {
        "shrank": lambda gate: gate.checkpoint(4),
        "empty": lambda gate: gate.checkpoint(0),
        "forked": lambda gate: gate.checkpoint(5, salt=b"other"),
        "of another key": lambda _gate: FakeGate().checkpoint(9),
        "of another log": lambda _gate: FakeGate("sekisho.example/calls/gate-1").checkpoint(9),
        "no note": lambda _gate: "hello\n",
        "a flipped byte": lambda gate: gate.checkpoint(9).replace("\n9\n", "\n8\n"),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_log_that_contradicts_its_record_is_refused_and_stays_so(
    world: Any, bad: tuple[str, Callable[[FakeGate], str]], restarted: bool
) -> None:
    """The gate comes back at once; if it were welcomed, each return would renew its lease."""
    gate = FakeGate()
    with world.open() as office:
        office._welcome(gate.hello)
        office._take_checkpoint("gate-0", gate.checkpoint(5))
        if not restarted:
            _assert_refused_for_good(world, gate, bad[1](gate))
    if restarted:
        with world.open() as office:
            office._welcome(gate.hello)
            _assert_refused_for_good(world, gate, bad[1](gate))


def _assert_refused_for_good(world: Any, gate: FakeGate, note: str) -> None:
    before = world.entries()
    with pytest.raises(GateRefused):
        world.office._take_checkpoint("gate-0", note)
    with pytest.raises(GateRefused):
        world.office._welcome(gate.hello)
    assert world.entries() == before


def test_a_checkpoint_of_a_log_that_was_never_opened_is_refused(opened: Any) -> None:
    """Nothing says whose key it should be signed by."""
    with pytest.raises(GateRefused):
        opened.office._take_checkpoint("gate-0", FakeGate().checkpoint(1))


def test_a_ledger_that_fails_is_not_the_gates_fault(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk of ours must not leave a sound log doubted."""
    gate = FakeGate()
    opened.office._welcome(gate.hello)

    def refuse(*_: object, **__: object) -> int:
        raise LedgerUnavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(opened.log, "write", refuse)
        with pytest.raises(LedgerUnavailable):
            opened.office._take_checkpoint("gate-0", gate.checkpoint(3))
    opened.office._take_checkpoint("gate-0", gate.checkpoint(3))
    assert opened.counted(EntryKind.CALLS_CHECKPOINT) == 1


def test_an_act_does_not_hold_up_the_link_while_it_waits_for_gates(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint may lie before the acknowledgement in the stream, and waits for the lock of acts."""
    gate = FakeGate()
    opened.office._welcome(gate.hello)
    taken = threading.Event()

    def wait(version: int, *, since: float, timeout_s: float) -> dict[str, float | None]:
        thread = threading.Thread(target=opened.office._take_checkpoint, args=("gate-0", gate.checkpoint(1)))
        thread.start()
        thread.join(timeout=5)
        if not thread.is_alive():
            taken.set()
        return {"gate-0": 1.0}

    monkeypatch.setattr(opened.office.link, "wait_in_force", wait)
    assert opened.office.act(rig.enrol_anything(opened)).in_force_ms == {"gate-0": 1.0}
    assert taken.is_set()


# No sequence of acts gets a grant past the quorum.


SIGNERS = st.lists(st.sampled_from(["lab-a", "lab-b", "home"]), unique=True, max_size=3)


class Forger(RuleBasedStateMachine):
    """Everything that the API can ask, with every set of signatures, restarts in between."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.world = rig.World(DataDir(Path(self._folder.name) / "d"))
        self._open()
        self.office.pin(self.world.charter())
        _take(self.world, access.bring_accord_into_force, self.world.accord())
        self.bank = self.world.enrol()
        self.legitimate: set[str] = set()
        self.seen: list[bytes] = []

    def _open(self) -> None:
        self._running = self.world.open()
        self.office = self._running.__enter__()

    def _try(self, take: Callable[..., Any], data: bytes) -> bool:
        try:
            _take(self.world, take, data)
        except SekishoError:
            return False
        return True

    @rule(signers=SIGNERS)
    def grant(self, signers: list[str]) -> None:
        data = self.world.grant(self.bank, *(signers or ["lab-b"]))
        if self._try(access.issue_grant, data):
            assert {"lab-a", "home"} <= set(signers)
            self.legitimate.add(_id(data))
        self.seen.append(data)

    @rule(number=st.integers(0, 20), signers=SIGNERS)
    def sign_a_refused_one_again(self, number: int, signers: list[str]) -> None:
        """Add signatures under other names: a party counts by its key."""
        if not self.seen:
            return
        envelope = dsse.decode(self.seen[number % len(self.seen)])
        for party in signers:
            try:
                envelope = dsse.decode(dsse.encode(dsse.sign(envelope, party="home", key=rig.KEYS[party])))
            except SekishoError:
                return
        if self._try(access.issue_grant, dsse.encode(envelope)):
            by_key = {s.key_id for s in envelope.signatures if s.party == _owner(s.key_id)}
            assert {_key_id("lab-a"), _key_id("home")} <= by_key
            self.legitimate.add(_id(self.seen[number % len(self.seen)]))

    @rule(signers=SIGNERS)
    def revoke(self, signers: list[str]) -> None:
        for grant_id in sorted(self.legitimate)[:1]:
            if self._try(access.revoke_grant, self.world.revocation(grant_id, *(signers or ["lab-b"]))):
                assert {"lab-a", "home"} <= set(signers)
                self.legitimate.discard(grant_id)

    @rule(number=st.integers(0, 20))
    def replay(self, number: int) -> None:
        """An issued grant again, revoked or not: nothing comes back to life."""
        if self.seen:
            self._try(access.issue_grant, self.seen[number % len(self.seen)])

    @rule()
    def restart(self) -> None:
        self._running.__exit__(None, None, None)
        self._open()

    @invariant()
    def only_what_the_quorum_signed_is_in_force(self) -> None:
        assert _in_force(self.world) == self.legitimate

    def teardown(self) -> None:
        self._running.__exit__(None, None, None)
        self._folder.cleanup()


def _id(data: bytes) -> str:
    return str(json.loads(dsse.decode(data).payload)["id"])


def _key_id(party: str) -> str:
    return dsse.key_id_of(rig.KEYS[party].public_key())


def _owner(key_id: str) -> str:
    return next(party for party in rig.KEYS if _key_id(party) == key_id)


TestForger = Forger.TestCase
TestForger.settings = settings(
    max_examples=8, stateful_step_count=10, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_checkpoint_on_record_is_the_gates_own_words(opened: Any) -> None:
    """Root in base64, as the ledger's verifier reads it."""
    gate = FakeGate()
    opened.office._welcome(gate.hello)
    opened.office._take_checkpoint("gate-0", gate.checkpoint(3))
    entry: Entry = opened.entries()[-1]
    assert len(base64.b64decode(entry.body["root"])) == 32
