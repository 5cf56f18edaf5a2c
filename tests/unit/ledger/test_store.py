"""SQLite keeps the laws of a sequencing store. PostgreSQL is held against the same in tests/judges/postgres."""

import importlib.util
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest


def _load_laws() -> None:
    # Tests are not a package: the laws are one module for all who keep them.
    spec = importlib.util.spec_from_file_location("store_laws", Path(__file__).parents[2] / "store_laws.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["store_laws"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["store_laws"])


_load_laws()

from store_laws import *  # noqa: E402, F403 - the laws are this module's tests


class SqlitePlace:
    """A file below a test's own folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "stores"
        self._backup = folder / "backup"

    @property
    def address(self) -> Path:
        return self._folder / "log.db"

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def back_up(self) -> None:
        shutil.copytree(self._folder, self._backup)

    def restore(self) -> None:
        self.clear()
        shutil.copytree(self._backup, self._folder)

    def tamper(self, statement: str) -> None:
        with closing(sqlite3.connect(self.address)) as connection, connection:
            connection.execute(statement.format(entries="entries", head="head"))


@pytest.fixture
def place(tmp_path: Path) -> SqlitePlace:
    """An empty place for a SQLite store."""
    return SqlitePlace(tmp_path)
