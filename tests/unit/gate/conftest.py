"""The gate's test rig as fixtures. `rig.py` is loaded by path: tests are not a package."""

import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def load_rig() -> ModuleType:
    """Return `rig.py`, one module for all who ask."""
    name = "gate_rig"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("rig.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


load_rig()


@pytest.fixture
async def rig() -> AsyncIterator[Any]:
    """A gate on loopback with a ledger in memory and a scripted lab."""
    async with load_rig().open_rig() as opened:
        yield opened


@pytest.fixture
def desk(rig: Any) -> Any:
    """A defender with a key and a grant."""
    return load_rig().Desk(rig)
