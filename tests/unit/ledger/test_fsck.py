"""Whether files are whole, whatever the entries say."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from sekisho.ledger import Fault, Trust, check_files, verify, verify_ledger


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing here: a reader need not wait for who is just publishing."""
    monkeypatch.setattr(verify, "_SETTLE_S", 0)


def test_a_whole_ledger_and_each_of_its_logs_are_intact(story: Any) -> None:
    """Sizes and roots are told; nothing is said of whose they are or what is in them."""
    report = check_files(story.data)
    assert (report.is_verified, report.trust) == (True, Trust.SELF_CONSISTENT)
    assert [(log.log, log.size, log.counts) for log in report.logs] == [("decisions", 4, ()), ("calls/gate-0", 2, ())]
    assert check_files(story.ledger / "calls" / "gate-0").is_verified


def test_what_entries_say_is_not_judged(programme: Any) -> None:
    """A signed entry that is none is for `verify`."""
    log = programme.log("decisions")
    log.append(programme.snapshot()).result()
    log.close()
    with closing(sqlite3.connect(programme.data / "stores" / "decisions.db")) as store, store:
        store.execute("INSERT INTO entries VALUES (1, CAST('{}' AS BLOB), NULL, NULL)")
    programme.log("decisions").close()
    assert check_files(programme.data).is_verified
    assert not verify_ledger(programme.data, vkey=None).is_verified


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("decisions/tile/entries/000.p/4", Fault.FILE_DIFFERS),
        ("decisions/tile/0/000.p/4", Fault.FILE_DIFFERS),
        ("calls/gate-0/tile/entries/000.p/2", Fault.FILE_DIFFERS),
        ("calls/gate-0/checkpoint", Fault.CHECKPOINT_REFUSED),
        ("decisions/vkey", Fault.KEY_DIFFERS),
    ],
)
def test_a_changed_file_of_any_log_is_named(story: Any, path: str, fault: Fault) -> None:
    """And the other logs are still looked at."""
    file = story.ledger / path
    data = file.read_bytes()
    file.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    report = check_files(story.data)
    assert (fault, path) in {(problem.fault, problem.where) for problem in report.problems}
    assert {path.partition("/tile")[0].removesuffix("/checkpoint").removesuffix("/vkey")} | {
        log.log for log in report.logs
    } >= {"decisions", "calls/gate-0"}


def test_progress_is_told_by_whole_bundles(programme: Any) -> None:
    """Log, how far, of how many."""
    log = programme.log("decisions")
    for future in [log.append(programme.snapshot(version)) for version in range(300)]:
        future.result()
    log.close()
    told: list[tuple[str, int, int]] = []
    check_files(programme.data, on_progress=lambda *one: told.append(one))
    assert told == [("decisions", 256, 300), ("decisions", 300, 300)]
