"""A database in a file of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.db import Base, Database, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open database with every table that is defined so far."""
    database = Database.open(sqlite_url(tmp_path / "control.db"))
    Base.metadata.create_all(database.engine)
    yield database
    database.close()
