"""Writer, crash, restore and witness in any order: what was acknowledged stays, or the loss is refused.

A crash is a copy of store and public folder, taken in the middle of a write as a SIGKILL would leave them; the log goes
on from the copy. tests/attack/ledger kills real processes.
"""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sekisho.core import SteadyClock
from sekisho.ledger import (
    Entry,
    EntryKind,
    LedgerForked,
    LedgerUnavailable,
    Log,
    StoreBehind,
    encode_entry,
    verify_ledger,
)
from sekisho.ledger.steps import Step
from sekisho.ledger.witnessing import Seen
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.merkle import hash_leaf, root_of

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ORIGIN = "sekisho.example/decisions"


class Witness:
    """Remembers the latest checkpoint that it cosigned; `is_up`: it answers."""

    def __init__(self) -> None:
        self.is_up = True
        self.cosigned: list[Checkpoint] = []

    def seen(self) -> Sequence[Seen]:
        self._require_up()
        return [Seen(by="w", size=last.size, root=last.root) for last in self.cosigned[-1:]]

    def cosign(self, checkpoint: Checkpoint, note: bytes) -> bytes:
        self._require_up()
        assert not self.cosigned or self.cosigned[-1].size <= checkpoint.size
        self.cosigned.append(checkpoint)
        return note

    def _require_up(self) -> None:
        if not self.is_up:
            raise LedgerUnavailable("the witness does not answer")


class Killed(BaseException):
    """The end of the process."""


class Machine(RuleBasedStateMachine):
    """A log that moves from place to place: each crash and each restore begins a new one.

    `acknowledged`: index by id. `entries`: all that was ever tried, by id.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-machine-"))
        self.place = self.folder / "0"
        self.places = 0
        self.clock = SteadyClock(datetime(2026, 11, 22, 9, tzinfo=UTC))
        self.witness = Witness()
        self.entries: dict[str, Entry] = {}
        self.acknowledged: dict[str, int] = {}
        self.published: list[Checkpoint] = []
        self.backup: Path | None = None
        self.dies_at: Step | None = None

    @initialize()
    def begin(self) -> None:
        self.log = self._open()

    @rule(count=st.sampled_from([1, 2, 40, 256]))
    def append(self, count: int) -> None:
        """Many that wait together; they are answered in their order."""
        entries = [self._entry() for _ in range(count)]
        answers = [self.log.append(entry, key=entry.id) for entry in entries]
        for entry, answer in zip(entries, answers, strict=True):
            self.acknowledged[entry.id] = answer.result()

    @rule(data=st.data())
    @precondition(lambda self: self.entries)
    def ask_again(self, data: st.DataObject) -> None:
        """A key has one index, whether its first answer was seen or not."""
        name = data.draw(st.sampled_from(sorted(self.entries)))
        index = self.log.write(self.entries[name], key=name)
        assert self.acknowledged.setdefault(name, index) == index

    @rule()
    def publish(self) -> None:
        """Without its witness the log publishes nothing new, and says so."""
        try:
            self.published.append(self.log.publish())
        except LedgerUnavailable:
            assert not self.witness.is_up
            assert self.log.trouble is not None

    @rule(by_s=st.integers(-100_000, 100_000))
    def turn_the_clock(self, by_s: int) -> None:
        self.clock.advance(timedelta(seconds=by_s))

    @rule(is_up=st.booleans())
    def turn_the_witness(self, is_up: bool) -> None:
        self.witness.is_up = is_up

    @rule(step=st.sampled_from(Step), count=st.sampled_from([0, 256]))
    def crash(self, step: Step, count: int) -> None:
        """Killed at `step` of appending and publishing, or after it, and started again: no hand is needed."""
        self.append(count)
        self.dies_at = step
        try:
            entry = self._entry()
            self.acknowledged[entry.id] = self.log.write(entry, key=entry.id)
            self.publish()
        except Killed:
            pass
        else:
            self._copy_to_next(self.place)
        self.dies_at = None
        self._leave()
        self.log = self._open()

    @rule()
    def back_up(self) -> None:
        self.backup = self.folder / f"backup-{self.places}-{len(self.entries)}"
        shutil.copytree(self.place, self.backup, dirs_exist_ok=True)

    @rule(parts=st.sampled_from([("store",), ("public",), ("store", "public")]))
    @precondition(lambda self: self.backup is not None)
    def restore(self, parts: tuple[str, ...]) -> None:
        """A backup that lacks what anybody remembers is refused, and the newer files open as they did before."""
        assert self.backup is not None
        newest = self.place
        self._copy_to_next(newest)
        self._leave()
        for part in parts:
            shutil.rmtree(self.place / part)
            shutil.copytree(self.backup / part, self.place / part)
        try:
            log = self._open()
        except (StoreBehind, LedgerForked):
            assert names_in(self.place) != names_in(newest)
        else:
            if self._is_good(log):
                # What nobody saw before it was lost, nobody can miss.
                stored = [entry.id for _, entry in log.entries()]
                self.acknowledged = {
                    name: at for name, at in self.acknowledged.items() if stored[at : at + 1] == [name]
                }
                self.log = log
                return
            abandon(log)
        shutil.rmtree(self.place)
        shutil.copytree(newest, self.place)
        self.log = self._open()

    @invariant()
    def nothing_acknowledged_is_missing_or_moved(self) -> None:
        if hasattr(self, "log"):
            stored = [entry.id for _, entry in self.log.entries()]
            assert len(set(stored)) == len(stored)
            assert set(stored) <= set(self.entries)
            assert all(stored[index] == name for name, index in self.acknowledged.items())

    def teardown(self) -> None:
        """No two checkpoints that anybody saw disagree, and the files alone verify."""
        if hasattr(self, "log"):
            self.witness.is_up = True
            self.publish()
            entries = [encode_entry(entry) for _, entry in self.log.entries()]
            self.log.close()
            for checkpoint in (*self.published, *self.witness.cosigned):
                assert root_of([hash_leaf(data) for data in entries[: checkpoint.size]]) == checkpoint.root
            assert verify_ledger(self.place / "public", vkey=self.log.vkey).problems == ()
        shutil.rmtree(self.folder)

    def _is_good(self, log: Log) -> bool:
        """Say whether the restored log lacks nothing that the witness saw; if it does, it MUST NOT sign."""
        if all(checkpoint.size <= log.head().size for checkpoint in self.witness.cosigned):
            return True
        # The witness could not be asked when the log was opened.
        assert not self.witness.is_up
        assert log.trouble is not None
        self.witness.is_up = True
        with pytest.raises(StoreBehind):
            log.publish()
        with pytest.raises(StoreBehind):
            log.write(self._entry())
        return False

    def _open(self) -> Log:
        return Log.open(
            store=self.place / "store" / "log.db",
            public=self.place / "public",
            origin=ORIGIN,
            key=KEY,
            clock=self.clock,
            witnessing=self.witness,
            at_step=self._at_step,
        )

    def _at_step(self, step: Step) -> None:
        if step is self.dies_at:
            self.dies_at = None
            self._copy_to_next(self.place)
            raise Killed

    def _copy_to_next(self, place: Path) -> None:
        self.places += 1
        self.next = self.folder / str(self.places)
        shutil.copytree(place, self.next)

    def _leave(self) -> None:
        abandon(self.log)
        self.place = self.next

    def _entry(self) -> Entry:
        number = len(self.entries)
        body = {"version": number, "snapshot_sha256": "0" * 64}
        entry = Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=self.clock.now(), id=f"ent_{number:026d}", body=body)
        self.entries[entry.id] = entry
        return entry


def abandon(log: Log) -> None:
    """Let go of what the process of `log` would have let go of by dying: nothing is published."""
    log._sequencer.close()
    log._publisher.close()
    log._store.close()


def names_in(place: Path) -> list[str]:
    with closing(sqlite3.connect(place / "store" / "log.db")) as store:
        return [json.loads(data)["id"] for (data,) in store.execute("SELECT data FROM entries ORDER BY position")]


@pytest.mark.parametrize("examples", [12, pytest.param(1_000, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)])])
def test_writer_crash_restore_and_witness_in_any_order(monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    """No acknowledged entry is missing or moved unless a restore lost it before anybody saw it; no two checkpoints
    disagree; what cannot be trusted is refused, and its newer copy opens.
    """
    # One thread, so that a crash is where it is meant to be.
    monkeypatch.setattr(Log, "_publish_when_grown", lambda log: None)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
