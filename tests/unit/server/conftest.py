"""A data directory with a control plane over it. `rig.py` is loaded by path: tests are not a package."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def load_rig() -> ModuleType:
    """Return `rig.py`, one module for all who ask."""
    name = "server_rig"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("rig.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


load_rig()


@pytest.fixture
def world(tmp_path: Path) -> Any:
    """A prepared data directory; nothing is open."""
    from sekisho.server.places import DataDir

    return load_rig().World(DataDir(tmp_path / "d"))


@pytest.fixture
def opened(world: Any) -> Iterator[Any]:
    """The same with its office started."""
    with world.open():
        yield world
