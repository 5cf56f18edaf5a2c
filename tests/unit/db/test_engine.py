"""The guarantees of a database that was opened."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from sekisho.db import Database, DatabaseFailed, DatabaseRefused, sqlite_url
from sekisho.db.engine import open_engine


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_every_connection_has_the_settings_that_we_rely_on(database: Database, pragma: str, value: object) -> None:
    """SQLite's defaults lose foreign keys and, after a power cut, commits; no connection runs on them."""
    for unit in (database.begin, database.read):
        with unit() as session:
            assert session.scalar(text(f"PRAGMA {pragma}")) == value


def test_the_files_are_readable_by_their_owner_alone(database: Database, tmp_path: Path) -> None:
    """The database names people; its write-ahead log does too."""
    with database.begin() as session:
        session.execute(text("CREATE TABLE t (a)"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("control.db", "control.db-wal", "control.db-shm"), 0o600)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "not a url", "sqlite:////no/such/folder/x.db"])
def test_what_cannot_keep_anything_is_refused(url: str) -> None:
    """A database that would forget is refused when it is opened, not when it is needed."""
    with pytest.raises(DatabaseRefused):
        open_engine(url)


def test_a_file_that_is_no_database_is_refused_with_our_error(tmp_path: Path) -> None:
    """No error of the driver crosses the border of the room."""
    path = tmp_path / "control.db"
    path.write_bytes(b"this is not a database" * 100)
    database = Database.open(sqlite_url(path))
    with pytest.raises(DatabaseFailed), database.begin() as session:
        session.execute(text("SELECT 1"))


def test_a_path_with_the_marks_of_a_url_is_that_path(tmp_path: Path) -> None:
    """A folder's name cannot become a parameter of the connection."""
    folder = tmp_path / "a?mode=memory#b%20c"
    folder.mkdir()
    database = Database.open(sqlite_url(folder / "control.db"))
    with database.begin() as session:
        session.execute(text("CREATE TABLE t (a)"))
    database.close()
    assert (folder / "control.db").stat().st_size > 0
