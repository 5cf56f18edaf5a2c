"""The unit tests' rig, for the hostile ones."""

import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

_RIG = Path(__file__).parents[2] / "unit" / "gate" / "rig.py"

if "gate_rig" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("gate_rig", _RIG)
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["gate_rig"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["gate_rig"])


@pytest.fixture
async def rig() -> AsyncIterator[Any]:
    """A gate on loopback with a ledger in memory and a scripted lab."""
    async with sys.modules["gate_rig"].open_rig() as opened:
        yield opened


@pytest.fixture
def desk(rig: Any) -> Any:
    """A defender with a key and a grant."""
    return sys.modules["gate_rig"].Desk(rig)
