"""A log is followed only along one history."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import Follower, Log, LogDamaged, LogForked, open_source
from sekisho.tlog.note import NoteVerifier


@pytest.fixture
def followed(programme: Any) -> tuple[Log, Follower, Any]:
    """A log of 300 entries that stays open, and who follows it."""
    log = programme.log("decisions")
    grow(programme, log, 300)
    source = open_source(str(programme.ledger / "decisions"))
    return log, Follower(source, NoteVerifier.parse(log.vkey)), programme


def grow(programme: Any, log: Log, count: int) -> None:
    for future in [log.append(programme.snapshot(version)) for version in range(count)]:
        future.result()
    log.publish()


def other_history(programme: Any, folder: Path, size: int) -> Path:
    """Return the public folder of another log under the same name and key."""
    log = Log.open(
        store=folder / "log.db",
        public=folder / "public",
        origin="sekisho.example/decisions",
        key=programme.key("decisions"),
        clock=programme._clock,
    )
    grow(programme, log, size)
    log.close()
    return folder / "public"


def show(programme: Any, folder: Path) -> None:
    shutil.rmtree(programme.ledger / "decisions")
    shutil.copytree(folder, programme.ledger / "decisions")


def test_the_last_entries_then_those_that_come(followed: tuple[Log, Follower, Any]) -> None:
    """Over bundles, each once, in order; nothing while nothing comes."""
    log, follower, programme = followed
    assert [index for index, _ in follower.last(60)] == list(range(240, 300))
    assert list(follower.more()) == []
    grow(programme, log, 250)
    assert [index for index, _ in follower.more()] == list(range(300, 550))
    assert follower.head is not None
    assert follower.head.size == 550


def test_all_of_a_short_log_and_none_of_an_empty_one(programme: Any) -> None:
    """Asking for more than there is, is no fault."""
    log = programme.log("decisions")
    follower = Follower(open_source(str(programme.ledger / "decisions")), NoteVerifier.parse(log.vkey))
    assert list(follower.last(10)) == []
    grow(programme, log, 3)
    assert [index for index, _ in follower.more()] == [0, 1, 2]
    assert [index for index, _ in follower.last(10)] == [0, 1, 2]


@pytest.mark.parametrize("size", [300, 299, 310])
def test_another_history_under_the_same_key_is_a_fork(
    followed: tuple[Log, Follower, Any], tmp_path: Path, size: int
) -> None:
    """As long or longer: proven so. Shorter: the copy lacks what would prove it. None of its entries is shown."""
    log, follower, programme = followed
    list(follower.last(1))
    log.close()
    show(programme, other_history(programme, tmp_path / "other", size))
    with pytest.raises(LogForked if size >= 300 else LogDamaged):
        list(follower.more())


def test_an_older_checkpoint_of_the_same_history_is_only_late(
    followed: tuple[Log, Follower, Any], tmp_path: Path
) -> None:
    """A cache may be behind: the follower waits, and goes on where it was."""
    log, follower, programme = followed
    folder = programme.ledger / "decisions"
    older = (folder / "checkpoint").read_bytes()
    grow(programme, log, 10)
    newer = (folder / "checkpoint").read_bytes()
    list(follower.last(1))
    (folder / "checkpoint").write_bytes(older)
    assert list(follower.more()) == []
    (folder / "checkpoint").write_bytes(newer)
    grow(programme, log, 5)
    assert [index for index, _ in follower.more()] == list(range(310, 315))


@pytest.mark.parametrize("path", ["checkpoint", "tile/entries/001.p/44", "tile/1/000.p/1"])
def test_damaged_files_are_not_shown(followed: tuple[Log, Follower, Any], path: str) -> None:
    """What is not in the signed tree does not reach the reader."""
    log, follower, programme = followed
    log.close()
    file = programme.ledger / "decisions" / path
    data = file.read_bytes()
    file.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
    with pytest.raises(LogDamaged):
        list(follower.last(300))
