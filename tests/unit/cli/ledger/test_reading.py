"""The reading commands as a person and a program use them: what is printed, and what they end with."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sekisho.cli.ledger import app
from sekisho.cli.ledger import tail as tailing
from sekisho.cli.ledger.check_proof import NobodyTrusted
from sekisho.cli.ledger.place import PolicyUnreadable
from sekisho.cli.ledger.search import NothingAsked
from sekisho.core import IdSource, SekishoError, SteadyClock
from sekisho.ledger import Entry, EntryKind, Log, LogForked, NoSuchEntry, NoSuchLog, ProofFalse, verify
from sekisho.ledger.http_post import AddressRefused

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
Append = Callable[[Log, int], None]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing here: a verifier need not wait for who is just publishing."""
    monkeypatch.setattr(verify, "_SETTLE_S", 0)


@pytest.fixture
def append(clock: SteadyClock, ids: IdSource) -> Append:
    """Append snapshots."""

    def more(log: Log, count: int) -> None:
        for version in range(count):
            body = {"version": version, "snapshot_sha256": "0" * 64}
            log.append(Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=clock.now(), id=ids.new("ent"), body=body)).result()
        log.publish()

    return more


def open_log(folder: Path, clock: SteadyClock) -> Log:
    return Log.open(
        store=folder / "decisions.db",
        public=folder / "ledger" / "decisions",
        origin="sekisho.example/decisions",
        key=KEY,
        clock=clock,
    )


@pytest.fixture
def data(tmp_path: Path, clock: SteadyClock, append: Append) -> Path:
    """A data directory with a decisions log of 5, and a policy that lists it."""
    log = open_log(tmp_path, clock)
    append(log, 5)
    (tmp_path / "policy.txt").write_text(f"log {log.vkey}\nquorum none\n")
    log.close()
    return tmp_path


def run(*arguments: object) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr, as `main` would end."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, SekishoError):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def damage(data: Path) -> None:
    bundle = data / "ledger" / "decisions" / "tile" / "entries" / "000.p" / "5"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b" ")


def test_fsck_says_intact_or_what_is_damaged(data: Path) -> None:
    """In words and in JSON; 0 and 1."""
    assert run("fsck", data)[:2][0] == 0
    assert "intact" in run("fsck", data)[1]
    damage(data)
    code, out, _ = run("fsck", data)
    assert code == 1
    assert "file-differs: decisions/tile/entries/000.p/5" in out
    code, out, _ = run("fsck", data, "--json")
    found = json.loads(out)
    assert (code, found["intact"], found["problem_count"]) == (1, False, 1)


def test_a_proof_is_written_once_and_checked_anywhere(data: Path, tmp_path: Path) -> None:
    """To a new file or to stdout; the entry is shown with the log and the tree it was proven in."""
    file = tmp_path / "entry.tlog-proof"
    assert run("prove", 3, data, "-o", file)[0] == 0
    assert run("prove", 3, data)[1] == file.read_text()
    assert json.loads(run("prove", 3, data, "--json")[1])["proof"] == file.read_text()
    assert run("prove", 4, data, "-o", file)[0] == 1
    assert "index 3" in file.read_text()
    code, out, _ = run("check-proof", file, "--policy", data / "policy.txt")
    assert code == 0
    assert "version 3" in out
    assert "proven: entry 3 of sekisho.example/decisions, in its tree of 5" in out
    proven = json.loads(run("check-proof", file, "--policy", data / "policy.txt", "--json")[1])
    assert (proven["proven"], proven["entry"]["body"]["version"]) == (True, 3)


def test_a_proof_that_does_not_hold_ends_with_1(data: Path, tmp_path: Path) -> None:
    """Also one that is no proof at all; without a key of the reader's own it is not looked at."""
    file = tmp_path / "entry.tlog-proof"
    run("prove", 3, data, "-o", file)
    with pytest.raises(NobodyTrusted):
        run("check-proof", file)
    (tmp_path / "witnesses.txt").write_text("quorum none\n")
    with pytest.raises(NobodyTrusted):
        run("check-proof", file, "--policy", tmp_path / "witnesses.txt")
    with pytest.raises(PolicyUnreadable):
        run("check-proof", file, "--policy", tmp_path / "none.txt")
    file.write_text(file.read_text().replace("index 3", "index 2"))
    with pytest.raises(ProofFalse) as caught:
        run("check-proof", file, "--policy", data / "policy.txt")
    assert caught.value.exit_code == 1
    file.write_bytes(b"\xff" * 300_000)
    with pytest.raises(ProofFalse):
        run("check-proof", file, "--policy", data / "policy.txt")


def test_what_is_not_there_is_told(data: Path) -> None:
    """Indexes and logs, each with its way out; an address of another kind."""
    with pytest.raises(NoSuchEntry) as caught:
        run("prove", 5, data)
    assert caught.value.exit_code == 1
    with pytest.raises(NoSuchLog):
        run("tail", data, "--log", "calls/gate-0")
    with pytest.raises(AddressRefused):
        run("verify", "ftp://ledger.example/")


def test_tail_prints_the_last_entries(data: Path) -> None:
    """As many as were asked for, in order, in lines or JSON; without a charter too."""
    assert [line.split()[0] for line in run("tail", data, "-n", 2)[1].splitlines()] == ["3", "4"]
    shown = [json.loads(line) for line in run("tail", data / "ledger" / "decisions", "--json")[1].splitlines()]
    assert [entry["index"] for entry in shown] == [0, 1, 2, 3, 4]


def test_tail_follows_one_history_and_ends_at_another(
    data: Path, tmp_path: Path, clock: SteadyClock, append: Append, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """What comes is printed once; another log under the same key ends it with 1."""
    turns = iter(range(3))

    def meanwhile(_: float) -> None:
        turn = next(turns)
        if turn == 2:
            other = tmp_path / "other"
            log = open_log(other, SteadyClock(clock.now().replace(year=2027)))
            append(log, 20)
            log.close()
            (data / "ledger").rename(data / "before")
            (other / "ledger").rename(data / "ledger")
            return
        log = open_log(data, clock)
        append(log, 2)
        log.close()

    monkeypatch.setattr(tailing.time, "sleep", meanwhile)
    with pytest.raises(LogForked) as caught:
        tailing.tail(str(data), count=1, follow=True, as_json=True)
    assert caught.value.exit_code == 1
    shown = [json.loads(line)["index"] for line in capsys.readouterr().out.splitlines()]
    assert shown == [4, 5, 6, 7, 8]


def test_search_finds_or_ends_with_1(data: Path) -> None:
    """By kind and by time; nothing found is 1, nothing asked is 2, not verified is 1 and shows nothing."""
    code, out, err = run("search", data, "--kind", "snapshot-published/v1", "--until", "2026-11-22T09:00:01Z")
    assert (code, len(out.splitlines())) == (0, 5)
    assert "5 found" in err
    (first, *_) = run("search", data, "--kind", "snapshot-published/v1", "--json")[1].splitlines()
    assert json.loads(first)["entries"][0]["log"] == "decisions"
    assert run("search", data, "--institution", "ins_1")[:2] == (1, "")
    with pytest.raises(NothingAsked):
        run("search", data)
    damage(data)
    with pytest.raises(SekishoError) as caught:
        run("search", data, "--kind", "snapshot-published/v1")
    assert caught.value.exit_code == 1


def test_export_makes_one_folder(data: Path, tmp_path: Path) -> None:
    """With the policy that was given; both ways of leaving calls logs out at once are one too many."""
    policy = data / "policy.txt"
    code, out, err = run("export", data, tmp_path / "audit", "--policy", policy, "--json")
    assert code == 0, err
    assert json.loads(out)["trust"] == "listed"
    assert (tmp_path / "audit" / "policy.txt").read_bytes() == policy.read_bytes()
    assert run("export", data, tmp_path / "again", "--without-calls", "--log", "calls/gate-0")[0] != 0
    assert not (tmp_path / "again").exists()


def test_every_reading_command_runs_on_the_base_install(
    data: Path, sekisho: Callable[..., "subprocess.CompletedProcess[bytes]"]
) -> None:
    """In processes of their own, without any package of the extras; each imports what all of them need."""
    proof = data / "entry.tlog-proof"
    run("prove", 1, data, "-o", proof)
    for arguments in (
        ("check-proof", proof, "--policy", data / "policy.txt"),
        ("export", data, data / "audit"),
    ):
        done = sekisho("ledger", *map(str, arguments), base=True)
        assert done.returncode == 0, (arguments, done.stderr)
