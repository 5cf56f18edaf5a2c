"""A PostgreSQL cluster for the session, and an empty database for each test. Shared modules are loaded by path."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from postgres import Cluster, PostgresPlace


def _load(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


_load("store_laws")
_postgres = _load("postgres")


@pytest.fixture(scope="session")
def cluster() -> "Iterator[Cluster]":
    """A running server, removed at the end."""
    reason = _postgres.why_absent()
    if reason is not None:
        pytest.skip(reason)
    cluster = _postgres.Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def place(cluster: "Cluster") -> "PostgresPlace":
    """An empty place for a store."""
    return _postgres.PostgresPlace(cluster)
