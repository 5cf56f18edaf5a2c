"""A proof shows one entry to a stranger who has the charter or a policy, and nothing else."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import (
    LedgerNotFound,
    LogDamaged,
    NoSuchEntry,
    NoSuchLog,
    ProofFalse,
    ProofNeedsEntry,
    check_entry_proof,
    open_source,
    prove_entry,
)
from sekisho.tlog.note import NoteVerifier
from sekisho.tlog.policy import Policy
from sekisho.tlog.proof import encode_proof


@pytest.fixture
def long(programme: Any) -> Any:
    """A decisions log over two bundles, and its key."""
    log = programme.log("decisions")
    for future in [log.append(programme.snapshot(version)) for version in range(300)]:
        future.result()
    log.close()
    return programme


def key(programme: Any, log: str = "decisions") -> NoteVerifier:
    return NoteVerifier.parse(programme.vkey(log))


@pytest.mark.parametrize("index", [0, 1, 255, 256, 299])
def test_every_entry_can_be_proven(long: Any, index: int) -> None:
    """Also at the corners of bundles; the entry is in the proof, byte for byte."""
    data = encode_proof(prove_entry(open_source(str(long.data)), None, index))
    proven = check_entry_proof(data, log=key(long), policy=None)
    assert (proven.index, proven.witnessed.checkpoint.size) == (index, 300)
    assert f'"version":{index}}}'.encode() in proven.entry


def test_no_bit_of_a_proof_can_be_changed_unseen(long: Any) -> None:
    """Index, path, entry and checkpoint hang together: one bit in every byte, each refused."""
    data = encode_proof(prove_entry(open_source(str(long.data)), None, 290))
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises((ProofFalse, ProofNeedsEntry)):
            check_entry_proof(changed, log=key(long), policy=None)


def test_a_proof_under_another_key_or_of_another_entry_is_false(long: Any) -> None:
    """Whose log it is, is the reader's to know; a given entry is held against the proof, not against its extra data."""
    proof = prove_entry(open_source(str(long.data)), None, 3)
    data = encode_proof(proof)
    with pytest.raises(ProofFalse):
        check_entry_proof(data, log=key(long, "calls/gate-0"), policy=None)
    with pytest.raises(ProofFalse):
        check_entry_proof(data, log=key(long), policy=None, entry=b"another")
    bare = encode_proof(replace(proof, extra=None))
    with pytest.raises(ProofNeedsEntry):
        check_entry_proof(bare, log=key(long), policy=None)
    assert check_entry_proof(bare, log=key(long), policy=None, entry=proof.extra).index == 3


def test_a_policy_lists_logs_and_asks_for_witnesses(long: Any) -> None:
    """A policy alone will do if it lists the log; a quorum that nobody met is no proof."""
    data = encode_proof(prove_entry(open_source(str(long.data)), None, 3))
    listed = f"log {long.vkey('decisions')}\n"
    assert check_entry_proof(data, log=None, policy=Policy.parse(f"{listed}quorum none\n".encode())).index == 3
    witness = "witness W x1.example+a025f658+BNmNJrsknhRFnGgOmAA6urMheVUfn4gxQRavGK/2urT+\nquorum W\n"
    with pytest.raises(ProofFalse, match="quorum"):
        check_entry_proof(data, log=None, policy=Policy.parse(f"{listed}{witness}".encode()))
    other = f"log {long.vkey('calls/gate-0')}\nquorum none\n".encode()
    with pytest.raises(ProofFalse, match="list"):
        check_entry_proof(data, log=key(long), policy=Policy.parse(other))


def test_an_entry_of_a_calls_log_is_proven_through_the_entry_that_opened_it(story: Any) -> None:
    """The charter names one key; the decisions log names the others, and that entry has a proof of its own."""
    source = open_source(str(story.data))
    call = encode_proof(prove_entry(source, "calls/gate-0", 0))
    opening = encode_proof(prove_entry(source, "decisions", 2))
    with pytest.raises(ProofFalse):
        check_entry_proof(call, log=key(story), policy=None)
    proven = check_entry_proof(call, log=key(story), policy=None, opening=opening)
    assert b"call-intended/v1" in proven.entry
    with pytest.raises(ProofFalse, match="not calls-log-opened"):
        check_entry_proof(call, log=key(story), policy=None, opening=encode_proof(prove_entry(source, None, 1)))


def test_what_is_not_there_is_not_proven(story: Any, tmp_path: Path) -> None:
    """Indexes beyond the signed size, unknown logs, names that are paths, places without a ledger."""
    source = open_source(str(story.data))
    for index in (4, 2**63, -1):
        with pytest.raises(NoSuchEntry):
            prove_entry(source, None, index)
    for name in ("calls/gate-1", "calls/../decisions", "../ledger/decisions", "/etc", ""):
        with pytest.raises(NoSuchLog):
            prove_entry(source, name, 0)
    with pytest.raises(LedgerNotFound):
        prove_entry(open_source(str(tmp_path / "nowhere")), None, 0)


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("checkpoint", 0),
        ("tile/entries/000", 255),
        ("tile/0/000", 0),
        ("tile/1/000.p/1", 299),
        ("tile/0/001.p/44", 256),
    ],
)
def test_no_proof_is_made_from_damaged_files(long: Any, path: str, index: int) -> None:
    """What would not hold is not written."""
    file = long.ledger / "decisions" / path
    data = file.read_bytes()
    file.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
    with pytest.raises(LogDamaged):
        prove_entry(open_source(str(long.data)), None, index)


def test_a_proof_is_read_by_its_specification_alone(long: Any) -> None:
    """C2SP tlog-proof: header, extra, index; the extra line is the entry in base64."""
    proof = prove_entry(open_source(str(long.data)), None, 7)
    lines = encode_proof(proof).decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert base64.b64decode(lines[1].removeprefix("extra ")) == proof.extra
    assert lines[2] == "index 7"
