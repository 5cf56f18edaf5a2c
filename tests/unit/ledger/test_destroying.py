"""Destroying what a log keeps privately: the leaf stays, the log verifies, and the bytes are in no file."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import CommitmentRefused, LedgerUnavailable, check_commitment, commit

SALTS = [bytes([number]) * 16 + os.urandom(16) for number in range(200)]


def store_of(programme: Any) -> Path:
    return Path(programme.data / "stores" / "decisions.db")


def bytes_of(store: Path) -> bytes:
    """Return everything that lies beside the log's database under its name."""
    return b"".join(path.read_bytes() for path in store.parent.iterdir() if path.name.startswith(store.name))


def fill(log: Any, programme: Any) -> None:
    for future in [
        log.append(programme.snapshot(number), key=f"key-{number}", private=salt) for number, salt in enumerate(SALTS)
    ]:
        future.result()


def test_a_destroyed_salt_is_in_no_file_and_the_others_are(programme: Any) -> None:
    """Neither in the database, nor in a gap of a page, nor in the write-ahead log; the first, the last, and between."""
    log = programme.log("decisions")
    fill(log, programme)
    assert all(salt in bytes_of(store_of(programme)) for salt in SALTS)
    gone = {0, 1, 57, 58, 59, 120, 199}
    log.destroy_private(sorted(gone))
    content = bytes_of(store_of(programme))
    assert {number for number, salt in enumerate(SALTS) if salt not in content} == gone
    assert [log.private(number) for number in (0, 2, 199)] == [None, SALTS[2], None]
    log.destroy_private(sorted(gone))
    assert log.find("key-57") == 57
    assert log.find("nothing") is None
    log.close()
    # A log that is opened again goes through all its entries: none has changed.
    assert programme.log("decisions").head().size == len(SALTS)


def test_a_commitment_cannot_be_opened_without_its_salt() -> None:
    """Which is what erasing means: the content alone proves nothing, whatever salt is tried."""
    commitment = commit(b"content", SALTS[0])
    for salt in (bytes(32), SALTS[1], SALTS[0][::-1]):
        with pytest.raises(CommitmentRefused):
            check_commitment(commitment, b"content", salt)


def test_a_reader_in_the_way_is_told_of_and_the_next_call_finishes(programme: Any) -> None:
    """A page from before may lie in the write-ahead log until it is emptied: till then nothing is called destroyed."""
    log = programme.log("decisions")
    fill(log, programme)
    log._store._required.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(store_of(programme), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        with pytest.raises(LedgerUnavailable):
            log.destroy_private([3])
    log.destroy_private([3])
    assert SALTS[3] not in bytes_of(store_of(programme))


def test_an_sqlite_that_leaves_old_bytes_is_told_not_to(programme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian builds SQLite so that it overwrites what is deleted; most others do not, and pip brings no SQLite."""
    connect = sqlite3.connect

    def as_others_build_it(*args: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*args, **more)
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", as_others_build_it)
    log = programme.log("decisions")
    # Larger than a page, so that the salt lies on a page of its own, which is given back as it is.
    for number in range(20):
        log.write(programme.grant(envelope="x" * (4_096 + 997 * number)), private=SALTS[number])
    log.destroy_private(range(20))
    content = bytes_of(store_of(programme))
    assert [number for number in range(20) if SALTS[number] in content] == []
