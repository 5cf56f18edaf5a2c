"""The first door of access and registry is light: a gate walks through it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("room", ["access", "registry"])
def test_values_and_decisions_need_no_database(room: str) -> None:
    """Importing the room brings in no database and no web framework."""
    heavy = "{'sqlalchemy', 'alembic', 'fastapi', 'starlette', 'pydantic', 'sqlite3'}"
    code = f"import sys, sekisho.{room}; print(sorted({heavy} & {{name.split('.')[0] for name in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
