"""The room's front door is light: the gate, the CLI and the verifier come through it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("room", ["disclosure", "exposure"])
def test_the_front_door_loads_no_database_and_no_web_framework(room: str) -> None:
    """What touches the database is behind the second door, `services`."""
    heavy = "{'sqlalchemy', 'fastapi', 'starlette', 'pydantic', 'sqlite3'} & set(sys.modules)"
    code = f"import sys; import sekisho.{room}; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
