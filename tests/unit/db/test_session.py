"""The unit of work: whole or nothing, one writer at a time, readers that change nothing."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from sekisho.db import Conflict, Database, DatabaseFailed, record
from sekisho.db.outbox import OutboxRow


def _count(database: Database) -> int | None:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(OutboxRow))


def test_what_raises_leaves_nothing(database: Database) -> None:
    """A block that raises rolls back all of it, and its error passes through unchanged."""

    def change() -> None:
        with database.begin() as session:
            record(session, b"entry", key="k")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()
    assert _count(database) == 0


def test_a_reader_cannot_write(database: Database) -> None:
    """Answering a question changes nothing, whatever the code that answers it tries."""
    with pytest.raises(DatabaseFailed), database.read() as session:
        session.execute(insert(OutboxRow).values(key="k", entry=b""))
    with database.begin() as session:
        record(session, b"entry", key="k")
    assert _count(database) == 1


def test_a_reader_sees_one_moment(database: Database) -> None:
    """What is committed while a reader reads is not seen by it, so two of its answers never contradict."""
    with database.read() as reader:
        before = reader.scalar(select(func.count()).select_from(OutboxRow))
        with database.begin() as writer:
            record(writer, b"entry", key="k")
        assert reader.scalar(select(func.count()).select_from(OutboxRow)) == before == 0


def test_writers_wait_for_one_another(database: Database) -> None:
    """Read, add one, write: no increment of any thread is lost."""
    with database.begin() as session:
        session.execute(text("CREATE TABLE counter (n INTEGER)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))

    def add() -> None:
        for _ in range(20):
            with database.begin() as session:
                n = session.scalar(text("SELECT n FROM counter"))
                session.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.scalar(text("SELECT n FROM counter")) == 80


def test_a_writer_has_the_file_from_its_first_question(database: Database, tmp_path: Path) -> None:
    """Also against another process: what it reads cannot change before it writes."""
    other = sqlite3.connect(tmp_path / "control.db", timeout=0, isolation_level=None)
    with database.begin() as session:
        session.scalar(select(func.count()).select_from(OutboxRow))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_contradiction_is_a_conflict_that_quotes_no_values(database: Database) -> None:
    """The driver's message may hold what the row held; ours does not."""
    rows = [{"key": "secret", "entry": b"1"}, {"key": "secret", "entry": b"2"}]
    with pytest.raises(Conflict) as refused, database.begin() as session:
        session.execute(insert(OutboxRow), rows)
    assert "secret" not in str(refused.value)
    assert _count(database) == 0
