"""The outbox: what a change owes the ledger is paid, once, in order, whatever crashes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.db import (
    Base,
    Conflict,
    Database,
    HistoryDiffers,
    check_history,
    drain,
    is_recorded,
    record,
    sqlite_url,
)
from sekisho.db.outbox import OutboxRefused


class Ledger:
    """A log that knows its keys, and crashes when told: before or after the entry is durable."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.keys: dict[str, int] = {}
        self.crashes: list[str] = []

    def append(self, entry: bytes, key: str) -> int:
        crash = self.crashes.pop(0) if self.crashes else "never"
        if crash == "before":
            raise ConnectionError
        if key not in self.keys:
            self.keys[key] = len(self.entries)
            self.entries.append(entry)
        if crash == "after":
            raise ConnectionError
        return self.keys[key]


def _record(database: Database, *names: str) -> None:
    with database.begin() as session:
        for name in names:
            record(session, name.encode(), key=f"test/{name}")


def test_entries_are_paid_in_order_and_once(database: Database) -> None:
    """Draining gives the indexes; draining again gives none and appends none."""
    ledger = Ledger()
    _record(database, "a", "b")
    _record(database, "c")
    assert drain(database, ledger.append) == (0, 1, 2)
    assert drain(database, ledger.append) == ()
    assert ledger.entries == [b"a", b"b", b"c"]


@settings(deadline=None, max_examples=40)
@given(crashes=st.lists(st.sampled_from(["before", "after", "never"]), max_size=8), count=st.integers(1, 4))
def test_whatever_crashes_each_entry_is_there_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, crashes: list[str], count: int
) -> None:
    """A crash between commit and append, or between append and its index, is made good by draining again."""
    database = Database.open(sqlite_url(tmp_path_factory.mktemp("db") / "x.db"))
    Base.metadata.create_all(database.engine)
    ledger = Ledger()
    ledger.crashes = list(crashes)
    names = [str(number) for number in range(count)]
    _record(database, *names)
    for _ in range(len(crashes) + 1):
        try:
            drain(database, ledger.append)
        except ConnectionError:
            continue
    assert ledger.entries == [name.encode() for name in names]
    assert drain(database, ledger.append) == ()
    database.close()


def test_a_long_backlog_is_paid_in_order(database: Database) -> None:
    """After an outage of the ledger there is more than one batch."""
    ledger = Ledger()
    names = [f"{number:04d}" for number in range(1001)]
    _record(database, *names)
    assert drain(database, ledger.append) == tuple(range(1001))
    assert ledger.entries == [name.encode() for name in names]


def test_a_change_that_is_rolled_back_owes_nothing(database: Database) -> None:
    """The entry is part of the change: no change, no entry."""
    ledger = Ledger()

    def change() -> None:
        with database.begin() as session:
            record(session, b"a", key="test/a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()
    assert drain(database, ledger.append) == ()
    assert ledger.entries == []


def test_one_key_is_one_entry(database: Database) -> None:
    """A second entry under a key would be taken by the ledger for the first, and lost."""
    _record(database, "a")
    with pytest.raises(Conflict):
        _record(database, "a")
    with database.read() as session:
        assert is_recorded(session, "test/a")
        assert not is_recorded(session, "test/b")


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_has_a_size(database: Database, key: str) -> None:
    """SQLite would take any length; PostgreSQL would not."""
    with pytest.raises(OutboxRefused), database.begin() as session:
        record(session, b"", key=key)


def test_a_database_and_its_own_ledger_tell_one_history(database: Database) -> None:
    """Entries that others wrote into the same log lie between them; what is not drained yet is in neither."""
    ledger = Ledger()
    ledger.append(b"of another writer", "other")
    _record(database, "a", "b")
    drain(database, ledger.append)
    _record(database, "c")
    check_history(database, [1, 2])


def test_a_database_put_back_from_before_a_revocation_is_refused(tmp_path: Path, database: Database) -> None:
    """Nobody would be told: the grant stands in the older copy, and nothing is owed to the ledger."""
    ledger = Ledger()
    _record(database, "grant")
    drain(database, ledger.append)
    with closing(sqlite3.connect(tmp_path / "backup.db")) as backup, closing(sqlite3.connect(_file(database))) as now:
        now.backup(backup)
    _record(database, "revocation")
    drain(database, ledger.append)

    older = Database.open(sqlite_url(tmp_path / "backup.db"))
    assert drain(older, ledger.append) == ()
    with pytest.raises(HistoryDiffers, match="does not know entry 1"):
        check_history(older, range(2))
    older.close()
    check_history(database, range(2))


@pytest.mark.parametrize("logged", [(), (0,), (1,), (0, 2), (0, 1, 2), (5,)])
def test_any_other_set_of_entries_is_refused(database: Database, logged: tuple[int, ...]) -> None:
    """A ledger put back from an older copy has lost some; a ledger of another programme has others."""
    ledger = Ledger()
    _record(database, "a", "b")
    drain(database, ledger.append)
    with pytest.raises(HistoryDiffers):
        check_history(database, logged)


def _file(database: Database) -> str:
    return str(database.engine.url.database)
