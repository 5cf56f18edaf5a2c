"""docs/taint.md says what is true."""

import contextlib
import io
import re
from pathlib import Path
from typing import get_args

import pytest

from sekisho.taint import Budget, ir
from sekisho.taint.errors import KnowledgeRefused
from sekisho.taint.frontends.lowering import MAX_DEPTH, MAX_NODES
from sekisho.taint.frontends.python.source import MAX_SOURCE_BYTES
from sekisho.taint.knowledge.parse import FORMAT

PAGE = (Path(__file__).parents[3] / "docs" / "taint.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("union", [ir.Expr, ir.Stmt])
def test_every_operation_is_in_the_table(union):
    """The IR's table names every expression and statement there is."""
    rows = " ".join(line for line in PAGE.splitlines() if line.startswith("| "))
    for node in get_args(union):
        assert re.search(rf"\b{node.__name__}\b", rows), node.__name__


def test_the_limits_are_the_limits():
    """A number in the table is the number in the code."""
    assert f"| {MAX_SOURCE_BYTES // 1_048_576} MiB |" in PAGE
    assert f"| {MAX_NODES:,} |" in PAGE
    assert f"| {MAX_DEPTH} levels |" in PAGE
    assert f"| {Budget().steps_per_function:,} |" in PAGE
    assert f"| {Budget().steps:,} |" in PAGE
    assert FORMAT in PAGE
    assert KnowledgeRefused.code in PAGE


def test_the_example_runs_as_it_says(tmp_path, monkeypatch):
    """The knowledge file and the program of the page, run as they stand, print what the page says."""
    toml, program, printed = re.findall(
        r"```(?:toml|python|)\n(# runner.*?|from importlib.*?|\['comm.*?)```", PAGE, re.DOTALL
    )
    (tmp_path / "runner.toml").write_text(toml, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, "taint.md", "exec"), {})  # noqa: S102 - the page is ours, and running it is the test
    assert out.getvalue() == printed
