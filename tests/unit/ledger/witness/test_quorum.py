"""A log with witnesses (src/sekisho/ledger/witness/quorum.py): published once their quorum has cosigned."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import LedgerForked, Log, StoreBehind, verify_ledger
from sekisho.ledger.witness.errors import WitnessesUnavailable, WitnessPolicyRefused
from sekisho.ledger.witness.evidence import EvidenceFolder, check_fork, parse_evidence
from sekisho.ledger.witness.keys import Algorithm, WitnessDir, read_signers
from sekisho.ledger.witness.quorum import PolicyWitnesses, read_policy
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.policy import Policy, PolicyRefused, check_witnessed

from .conftest import WitnessProcess


def vkeys(witness: WitnessProcess) -> list[str]:
    return [signer.verifier.vkey for signer in read_signers(WitnessDir(witness.data))]


def policy_of(quorum: str, *witnesses: WitnessProcess) -> Policy:
    """A policy of `w0`, `w1`, … with their addresses; `quorum`: how many, as a group line has it."""
    lines = [f"witness w{i} {vkeys(witness)[0]} {witness.url}" for i, witness in enumerate(witnesses)]
    group = f"group all-of-them {quorum} {' '.join(f'w{i}' for i in range(len(witnesses)))}"
    return Policy.parse("\n".join([*lines, group, "quorum all-of-them", ""]).encode())


class Rig:
    """Opens the decisions log of a programme with witnesses, from any folder."""

    def __init__(self, programme: Any) -> None:
        self.programme = programme
        self.signer = NoteSigner("sekisho.example/decisions", programme.key("decisions"))
        self.open_things = ExitStack()

    def open(self, policy: Policy, data: Path | None = None) -> Log:
        data = data or self.programme.data
        public = data / "ledger" / "decisions"
        witnesses = PolicyWitnesses(policy, folder=public, signer=self.signer, timeout_s=2)
        self.open_things.callback(witnesses.close)
        log = Log.open(
            store=data / "stores" / "decisions.db",
            public=public,
            origin="sekisho.example/decisions",
            key=self.programme.key("decisions"),
            clock=self.programme._clock,
            witnessing=witnesses,
        )
        self.open_things.callback(close_anyhow, log)
        return log

    def checkpoint(self, data: Path | None = None) -> bytes:
        return ((data or self.programme.data) / "ledger" / "decisions" / "checkpoint").read_bytes()


def close_anyhow(log: Log) -> None:
    with suppress(StoreBehind, LedgerForked, WitnessesUnavailable):
        log.close()


def fill(log: Log, programme: Any, versions: range) -> None:
    for future in [log.append(programme.snapshot(version)) for version in versions]:
        future.result()


@pytest.fixture
def rig(programme: Any) -> Iterator[Rig]:
    made = Rig(programme)
    yield made
    made.open_things.close()


def test_what_is_published_meets_the_policy_and_verifies_as_before(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any
) -> None:
    """The checkpoint carries the log's signature and the witnesses'; readers without a policy take it too."""
    witnesses = [serve(f"w{i}", programme.vkey("decisions")) for i in range(3)]
    policy = policy_of("2", *witnesses)
    log = rig.open(policy)
    for start in range(0, 600, 200):
        fill(log, programme, range(start, start + 200))
        assert log.publish().size == start + 200
    assert len(check_witnessed(rig.checkpoint(), policy, log=rig.signer.verifier).cosigned) == 3
    log.close()
    report = verify_ledger(programme.ledger / "decisions", vkey=log.vkey)
    assert report.is_verified, report.problems


def test_an_ml_dsa_witness_counts_like_any_other(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any
) -> None:
    """Lines of keys that the policy does not name are left out; the one that it names makes the quorum."""
    both = (Algorithm.ED25519, Algorithm.ML_DSA_44)
    witness = serve("w0", programme.vkey("decisions"), algorithms=both)
    (key,) = [vkey for vkey in vkeys(witness) if len(vkey) > 1_000]
    policy = Policy.parse(f"witness pq {key} {witness.url}\nquorum pq\n".encode())
    log = rig.open(policy)
    fill(log, programme, range(3))
    log.publish()
    assert [one.name for one in check_witnessed(rig.checkpoint(), policy, log=rig.signer.verifier).cosigned] == ["pq"]


def test_without_quorum_nothing_is_published_and_entries_are_taken(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any
) -> None:
    """`trouble` says who is missing; when the witness is back, publication goes on by itself."""
    first, second = (serve(f"w{i}", programme.vkey("decisions")) for i in range(2))
    log = rig.open(policy_of("all", first, second))
    fill(log, programme, range(5))
    log.publish()
    before = rig.checkpoint()
    second.kill()
    fill(log, programme, range(5, 10))
    with pytest.raises(WitnessesUnavailable, match="w1"):
        log.publish()
    assert isinstance(log.trouble, WitnessesUnavailable)
    assert rig.checkpoint() == before
    fill(log, programme, range(10, 15))
    second.start()
    until = time.monotonic() + 40
    while log.trouble is not None and time.monotonic() < until:
        time.sleep(0.05)
    assert log.trouble is None
    assert log.publish().size == 15


def test_a_witness_that_is_down_does_not_delay_a_quorum_of_others(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any
) -> None:
    """Two of three are enough, now and at the next opening."""
    witnesses = [serve(f"w{i}", programme.vkey("decisions")) for i in range(3)]
    policy = policy_of("2", *witnesses)
    witnesses[2].kill()
    log = rig.open(policy)
    fill(log, programme, range(5))
    log.publish()
    cosigned = check_witnessed(rig.checkpoint(), policy, log=rig.signer.verifier).cosigned
    assert [one.name for one in cosigned] == ["w0", "w1"]


def test_a_restored_backup_is_refused_by_what_a_witness_remembers(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any, tmp_path: Path
) -> None:
    """Store, folder and all put back to an old state: the witness alone knows better, and nothing more is signed."""
    witness = serve("w0", programme.vkey("decisions"))
    policy = policy_of("all", witness)
    log = rig.open(policy)
    fill(log, programme, range(5))
    log.close()
    backup = tmp_path / "backup"
    shutil.copytree(programme.data, backup)
    log = rig.open(policy)
    fill(log, programme, range(5, 9))
    log.close()
    with pytest.raises(StoreBehind, match="w0"):
        rig.open(policy, backup)
    assert rig.checkpoint(backup).split(b"\n")[1] == b"5"


def test_a_store_restored_without_its_public_folder_is_refused_too(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any, tmp_path: Path
) -> None:
    """With no published checkpoint to show, the log asks with the empty tree, which commits to nothing."""
    witness = serve("w0", programme.vkey("decisions"))
    policy = policy_of("all", witness)
    log = rig.open(policy)
    fill(log, programme, range(5))
    log.close()
    with pytest.raises(StoreBehind, match="w0"):
        rig.open(policy, tmp_path / "empty")


def test_a_fork_by_a_copied_key_is_refused_and_proven(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any, tmp_path: Path
) -> None:
    """Whoever holds key and store can sign another history; the witness cosigns one, and keeps both heads."""
    witness = serve("w0", programme.vkey("decisions"))
    policy = policy_of("all", witness)
    log = rig.open(policy)
    fill(log, programme, range(5))
    log.close()
    copy = tmp_path / "copy"
    shutil.copytree(programme.data, copy)
    log, forked = rig.open(policy), rig.open(policy, copy)
    log.append(programme.snapshot(6)).result()
    log.publish()
    forked.append(programme.snapshot(666)).result()
    with pytest.raises((LedgerForked, StoreBehind)):
        forked.publish()
    with pytest.raises((LedgerForked, StoreBehind)):
        forked.append(programme.snapshot(667)).result()
    (kept,) = EvidenceFolder(WitnessDir(witness.data).evidence).forks()
    assert check_fork(parse_evidence(kept.read_bytes()), rig.signer.verifier).size == 6


def test_a_policy_that_cannot_be_met_or_is_another_logs_is_refused(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any, tmp_path: Path
) -> None:
    """Before anything is opened: a log that can never publish must not start to take entries."""
    witness = serve("w0")
    (key,) = vkeys(witness)

    def check(text: str) -> None:
        (tmp_path / "policy").write_text(text)
        policy = read_policy(tmp_path / "policy")
        PolicyWitnesses(policy, folder=tmp_path, signer=rig.signer)

    with pytest.raises(WitnessPolicyRefused, match="lacks"):
        check(f"witness w0 {key}\nquorum w0\n")
    with pytest.raises(WitnessPolicyRefused, match="other logs"):
        check(f"log {programme.vkey('calls/gate-0')}\nwitness w0 {key} {witness.url}\nquorum w0\n")
    with pytest.raises(PolicyRefused):
        check("quorum w0\n")
    with pytest.raises(WitnessPolicyRefused):
        read_policy(tmp_path / "absent")
    check(f"log {programme.vkey('decisions')}\nwitness w0 {key} {witness.url}\nquorum w0\n")


def test_a_witness_that_does_not_know_the_log_is_named(
    rig: Rig, serve: Callable[..., WitnessProcess], programme: Any
) -> None:
    """404 is said as it is: the operator has to be asked."""
    log = rig.open(policy_of("all", serve("w0")))
    log.append(programme.snapshot(1)).result()
    with pytest.raises(WitnessesUnavailable, match=r"w0.*404"):
        log.publish()
