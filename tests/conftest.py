"""What all tests share: a steady clock, counted ids, and the shared test vectors where they are present."""

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sekisho.core import SteadyClock

_VECTORS = Path(os.environ.get("SEKISHO_VECTORS", Path(__file__).parents[2] / "shared" / "vectors"))


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of published test vectors; a checkout that stands alone skips the tests that need it."""
    if not (_VECTORS / "README.md").is_file():
        pytest.skip("no test vectors: set SEKISHO_VECTORS to their folder")
    return _VECTORS


@pytest.fixture
def clock() -> SteadyClock:
    """A clock that stands at a fixed moment."""
    return SteadyClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))


class CountedIds:
    """Ids that count upwards, for tests alone: `grt_00000000000000000000000001`."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._count):026d}"


@pytest.fixture
def ids() -> CountedIds:
    """An id source that counts."""
    return CountedIds()
