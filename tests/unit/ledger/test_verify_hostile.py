"""Whoever can write to the ledger's folder tries to mislead, stop or exhaust the verifier."""

import base64
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import Fault, Report, verify, verify_ledger
from sekisho.tlog.checkpoint import MAX_SIZE, Checkpoint, sign_checkpoint
from sekisho.tlog.note import NoteSigner


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing here: a verifier need not wait for who is just publishing."""
    monkeypatch.setattr(verify, "_SETTLE_S", 0)


def check(programme: Any, place: Path | None = None) -> Report:
    return verify_ledger(place or programme.ledger, vkey=programme.vkey("decisions"))


def faults(report: Report) -> set[Fault]:
    return {problem.fault for problem in report.problems}


def damage(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize(
    ("asked", "planted"),
    [
        ("ledger", "ledger/ledger"),
        ("ledger/decisions", "ledger/decisions/decisions"),
        ("ledger", "ledger/calls/ledger"),
    ],
)
def test_a_true_ledger_inside_a_damaged_one_does_not_stand_for_it(story: Any, asked: str, planted: str) -> None:
    """What is verified is what was named: a true copy planted one folder below it is a stray file."""
    copy = story.data / "copy"
    shutil.copytree(story.ledger / "decisions" if planted.endswith("decisions") else story.ledger, copy)
    damage(story.ledger / "decisions" / "tile" / "entries" / "000.p" / "4")
    shutil.move(copy, story.data / planted)
    report = check(story, story.data / asked)
    assert not report.is_verified
    assert Fault.FILE_DIFFERS in faults(report)


def test_folders_a_thousand_deep_do_not_end_the_verifier(story: Any) -> None:
    """What lies at the bottom of them is named like any other stray file."""
    made = [story.ledger / "decisions" / "tile" / "a"]
    while len(made) < 1100:
        made.append(Path(f"{made[-1]}/a"))
    for folder in made:
        os.mkdir(folder)
    stray = Path(f"{made[-1]}/stray")
    stray.write_bytes(b"")
    try:
        (problem,) = check(story).problems
        assert problem.fault is Fault.FILE_UNKNOWN
        assert problem.where.endswith("/a/a/stray")
    finally:
        # Those who tidy up behind a test call themselves once a level, too.
        stray.unlink()
        for folder in reversed(made):
            os.rmdir(folder)


def test_a_checkpoint_without_end_costs_no_memory(story: Any) -> None:
    """A sparse file of four terabytes is a file that is no checkpoint; nothing reads it to its end."""
    for log in ("decisions", "calls/gate-0"):
        os.truncate(story.ledger / log / "checkpoint", 2**42)
    assert faults(check(story)) == {Fault.CHECKPOINT_REFUSED}


@pytest.mark.parametrize("size", [MAX_SIZE, 2**40, 2**40 + 3])
def test_a_signed_checkpoint_of_a_tree_that_nobody_has_ends_at_the_first_missing_file(story: Any, size: int) -> None:
    """A gate's key can sign any size; the verifier's time follows the files that are there."""
    signer = NoteSigner("sekisho.example/calls/gate-0", story.key("calls/gate-0"))
    checkpoint = Checkpoint(origin=signer.verifier.name, size=size, root=b"\x01" * 32)
    (story.ledger / "calls" / "gate-0" / "checkpoint").write_bytes(sign_checkpoint(checkpoint, signer))
    assert Fault.FILE_MISSING in faults(check(story))


def test_what_an_entry_says_cannot_speak_to_the_terminal(programme: Any) -> None:
    """A gate chooses its request ids; one with an escape sequence is shown written out."""
    decisions, calls = programme.log("decisions"), programme.log("calls/gate-0")
    decisions.append(programme.grant()).result()
    decisions.append(programme.snapshot()).result()
    decisions.append(programme.opening()).result()
    calls.append(programme.intent(decisions.head(), "\x1b[2Jverified\n\u202e")).result()
    calls.close()
    decisions.close()
    (gap,) = check(programme).gaps
    assert gap.request_id.isprintable()
    assert "\\x1b[2J" in gap.request_id


@pytest.mark.parametrize("extra", ["", "extra line\n"])
@pytest.mark.parametrize("size", ["-1", "03", "3 ", "+3", "٣", "9223372036854775808", "1e3", ""])
def test_a_signed_size_that_has_two_readings_is_refused(story: Any, size: str, extra: str) -> None:
    """C2SP tlog-checkpoint: a decimal number, no sign, no leading zero, what 63 bits hold."""
    signer = NoteSigner("sekisho.example/decisions", story.key("decisions"))
    text = f"{signer.verifier.name}\n{size}\n{base64.b64encode(b'r' * 32).decode()}\n{extra}"
    signature = signer.sign(text)
    line = f"\u2014 {signature.name} {base64.b64encode(signature.key_id + signature.value).decode()}\n"
    (story.ledger / "decisions" / "checkpoint").write_bytes(f"{text}\n{line}".encode())
    assert faults(check(story)) == {Fault.CHECKPOINT_REFUSED}
