"""The witness: cosigns only what extends what it cosigned before, and keeps what shows two histories."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core import SteadyClock
from sekisho.ledger.witness.errors import RecordDamaged, RecordMissing, WitnessKeyRefused
from sekisho.ledger.witness.evidence import EvidenceFolder, check_fork, parse_evidence
from sekisho.ledger.witness.keys import Algorithm, WitnessDir, make_key, read_signers
from sekisho.ledger.witness.known_logs import add_log, read_logs
from sekisho.ledger.witness.service import WitnessAnswer
from sekisho.tlog.note import parse_note
from sekisho.tlog.witness import SIZE_CONTENT_TYPE, AddCheckpoint, add_cosignatures, encode_add_checkpoint

from .conftest import Tree, WitnessInMemory


def sizes_of(answer: WitnessAnswer) -> tuple[int, str, bytes]:
    return answer.status, answer.content_type, answer.body


def test_growth_is_cosigned_and_the_cosignature_verifies(witness: Any, tree: Tree) -> None:
    """200 holds a line of each of the witness's keys over the log's own text."""
    make_key(witness.places, "witness.example/w1", Algorithm.ML_DSA_44)
    service = witness.open()
    verifiers = [signer.verifier for signer in read_signers(witness.places)]
    for old, size in ((0, 1), (1, 5), (5, 5), (5, 600)):
        answer = service.add_checkpoint(tree.request(old, size))
        assert answer.status == 200
        joined = add_cosignatures(tree.note(size), answer.body, verifiers)
        assert {line.name for line in parse_note(joined).signatures} == {tree.origin, "witness.example/w1"}
        assert len(parse_note(joined).signatures) == 3


def test_each_refusal_has_the_status_of_the_specification(witness: Any, tree: Tree) -> None:
    """tlog-witness: 404, 403, 409 with the size in its own type, 422, 400."""
    service = witness.open()
    assert service.add_checkpoint(tree.request(0, 3)).status == 200
    assert service.add_checkpoint(Tree(origin="other.example/log").request(0, 1)).status == 404
    forged = tree.note(4).replace(tree.note(4)[-20:-10], b"AAAAAAAAAA")
    body = encode_add_checkpoint(AddCheckpoint(old_size=3, path=(), note=forged))
    assert service.add_checkpoint(body).status == 403
    assert sizes_of(service.add_checkpoint(tree.request(0, 9))) == (409, SIZE_CONTENT_TYPE, b"3\n")
    assert sizes_of(service.add_checkpoint(tree.request(1, 2))) == (409, SIZE_CONTENT_TYPE, b"3\n")
    wrong = encode_add_checkpoint(AddCheckpoint(old_size=3, path=(b"\0" * 32,) * 3, note=tree.note(8)))
    assert service.add_checkpoint(wrong).status == 422
    assert service.add_checkpoint(tree.request(3, 2)).status == 400
    for garbage in (b"", b"old 3", b"old 03\n\n", b"\xff\xfe", b"old 3\n\n" + b"x\n" * 400_000):
        assert service.add_checkpoint(garbage).status == 400
    assert service.add_checkpoint(tree.request(3, 4)).status == 200


def test_a_fork_is_refused_and_both_heads_are_kept_as_proof(witness: Any, tree: Tree) -> None:
    """Two roots of one size: refused whatever old size it claims, told at once, provable to a third party offline."""
    service = witness.open()
    fork = Tree(branch="forked", since=2)
    service.add_checkpoint(tree.request(0, 5))
    assert service.add_checkpoint(fork.request(5, 5)).status == 409
    assert service.add_checkpoint(fork.request(0, 5)).status == 409
    (kept,) = EvidenceFolder(witness.places.evidence).forks()
    assert witness.alarms == [tree.origin, tree.origin]
    proven = check_fork(parse_evidence(kept.read_bytes()), tree.signer.verifier)
    assert (proven.size, proven.first_root, proven.second_root) == (5, tree.head(5).root, fork.head(5).root)
    # The true history goes on.
    assert service.add_checkpoint(tree.request(5, 6)).status == 200


def test_growth_that_nobody_proved_is_kept_apart_from_forks(witness: Any, tree: Tree) -> None:
    """A false path is anybody's to send, so it accuses nobody; both heads are kept for the log to reconcile."""
    service = witness.open()
    service.add_checkpoint(tree.request(0, 5))
    assert service.add_checkpoint(Tree(branch="forked", since=2).request(5, 8)).status == 422
    evidence = EvidenceFolder(witness.places.evidence)
    assert (len(list(evidence.forks())), len(list(evidence.unproven())), witness.alarms) == (0, 1, [])


def test_an_unsigned_request_leaves_no_evidence_and_costs_no_record(witness: Any, tree: Tree) -> None:
    """Who holds no log's key can fill nothing."""
    service = witness.open()
    service.add_checkpoint(tree.request(0, 5))
    service.add_checkpoint(Tree(origin="other.example/log").request(0, 5))
    service.add_checkpoint(tree.request(5, 6).replace(b"+", b"/"))
    assert not witness.places.evidence.exists()


def test_evidence_is_kept_although_the_log_chooses_odd_text(witness: Any, tree: Tree) -> None:
    """A line that JSON of one reading refuses must not be a way to leave no trace."""
    service = witness.open()
    service.add_checkpoint(tree.request(0, 5))
    note = Tree(branch="forked").note(5) + "\u2014 a\u0301\ud7ff ".encode() + b"AAAAAAA=\n"
    service.add_checkpoint(encode_add_checkpoint(AddCheckpoint(old_size=5, path=(), note=note)))
    assert len(list(EvidenceFolder(witness.places.evidence).forks())) == 1


def test_what_was_cosigned_is_known_after_a_restart(witness: Any, tree: Tree) -> None:
    """The record outlives the process; a witness that begins again from nothing would cosign a fork."""
    witness.open().add_checkpoint(tree.request(0, 7))
    answer = witness.open().add_checkpoint(Tree(branch="forked").request(0, 9))
    assert sizes_of(answer) == (409, SIZE_CONTENT_TYPE, b"7\n")


def test_of_requests_at_once_one_history_comes_out(witness: Any, tree: Tree) -> None:
    """Sizes that were answered 200 only grow, and two branches never both get one."""
    service = witness.open()
    fork = Tree(branch="forked")
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda one: service.add_checkpoint(one.request(0, 4)).status, [tree, fork] * 8))
    assert first.count(200) == 1
    assert set(first) == {200, 409}


def test_time_never_runs_back_in_cosignatures(witness: Any, tree: Tree, clock: SteadyClock) -> None:
    """A small step back repeats the last time; a large one stops the witness until the clock is right."""

    def time_of(answer: WitnessAnswer, size: int) -> int:
        (line,) = parse_note(tree.note(size).split(b"\n\n")[0] + b"\n\n" + answer.body).signatures
        return int.from_bytes(line.value[:8], "big")

    service = witness.open()
    first = time_of(service.add_checkpoint(tree.request(0, 1)), 1)
    clock.advance(timedelta(seconds=-100))
    assert time_of(service.add_checkpoint(tree.request(1, 2)), 2) == first
    clock.advance(timedelta(days=-1))
    assert service.add_checkpoint(tree.request(2, 3)).status == 503
    clock.advance(timedelta(days=2))
    assert time_of(service.add_checkpoint(tree.request(2, 3)), 3) > first


def test_keys_without_their_record_are_refused(witness: Any, tree: Tree) -> None:
    """A record is made for the first key alone: a witness that lost its memory must not go on."""
    witness.places.record.unlink()
    with pytest.raises(RecordMissing):
        witness.open()
    with pytest.raises(RecordMissing):
        make_key(witness.places, "witness.example/w1", Algorithm.ML_DSA_44)


def test_keys_with_another_record_are_refused(witness: Any, tree: Tree, tmp_path: Path) -> None:
    """The record says whose memory it is."""
    other = type(witness.places)(tmp_path / "other")
    make_key(other, "witness.example/w1", Algorithm.ED25519)
    other.record.replace(witness.places.record)
    with pytest.raises(RecordDamaged):
        witness.open()
    witness.places.record.write_bytes(b"not a database, but something else of some length")
    with pytest.raises(RecordDamaged):
        witness.open()


def test_a_key_is_its_owners_alone_and_never_replaced(witness: Any) -> None:
    """0600, and O_EXCL: policies name this key."""
    path = witness.places.key(Algorithm.ED25519)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(WitnessKeyRefused):
        make_key(witness.places, "witness.example/w1", Algorithm.ED25519)
    with pytest.raises(WitnessKeyRefused):
        make_key(witness.places, "witness.example/other", Algorithm.ML_DSA_44)
    assert path.read_bytes() == before


def test_a_list_of_logs_is_taken_whole_or_not_at_all(witness: Any, tree: Tree) -> None:
    """A witness that leaves a log out in silence is believed to guard it."""
    other = Tree(origin="other.example/log")
    witness.places.logs.write_text(f"# ours\n\n{tree.vkey}")
    assert add_log(witness.places.logs, other.vkey)
    assert not add_log(witness.places.logs, other.vkey)
    assert set(read_logs(witness.places.logs)) == {tree.origin, other.origin}
    witness.places.logs.write_text(f"{tree.vkey}\n{other.vkey[:-2]}\n")
    with pytest.raises(WitnessKeyRefused, match="line 2"):
        read_logs(witness.places.logs)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_whatever_is_asked_all_that_was_cosigned_is_one_history(steps: list[tuple[bool, int, int]]) -> None:
    """The law of a witness: what it cosigned lies on one branch, and sizes never fall."""
    tree, fork = Tree(), Tree(branch="forked", since=3)
    cosigned: list[tuple[int, bytes]] = []
    with TemporaryDirectory() as folder:
        made = WitnessInMemory(WitnessDir(Path(folder)), SteadyClock(datetime(2026, 11, 22, 9, tzinfo=UTC)))
        make_key(made.places, "witness.example/w1", Algorithm.ED25519)
        add_log(made.places.logs, tree.vkey)
        service = made.open()
        for is_fork, old, size in steps:
            branch = fork if is_fork else tree
            if service.add_checkpoint(branch.request(old, size)).status == 200:
                cosigned.append((size, branch.head(size).root))
        made.close()
    sizes = [size for size, _ in cosigned]
    assert sizes == sorted(sizes)
    assert any(all(root == branch.head(size).root for size, root in cosigned) for branch in (tree, fork))


def test_the_published_requests_get_their_published_answers(witness: Any, vectors: Path) -> None:
    """The vectors of other witnesses, from an empty record, and the last ones again after a restart."""
    played = json.loads((vectors / "tlog" / "witness-add-checkpoint.json").read_text())
    add_log(witness.places.logs, played["log_vkey"])
    service = witness.open()
    for step in played["steps"]:
        answer = service.add_checkpoint(step["request"].encode())
        assert answer.status == step["status"], step["name"]
        if "response_body" in step:
            assert sizes_of(answer)[1:] == (step["response_content_type"], step["response_body"].encode())
        # As good as never stopped.
        service = witness.open()
