"""docs/taint.md says what is true."""

import contextlib
import io
import re
from pathlib import Path
from typing import get_args

import pytest

from sekisho.taint import Budget, analyze, ir
from sekisho.taint.errors import KnowledgeRefused
from sekisho.taint.frontends.lowering import MAX_DEPTH, MAX_NODES
from sekisho.taint.frontends.python.source import MAX_SOURCE_BYTES
from sekisho.taint.knowledge import extended_knowledge
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


def test_the_tables_of_the_page_are_read_and_work():
    """The examples of checks and of rendering are knowledge as it stands, and each finds what it speaks of."""
    render, checks = re.findall(r"```toml\n(\[\[render\]\].*?|# A call, or a decorator.*?)```", PAGE, re.DOTALL)
    text = f'format = "{FORMAT}"\n{render}{checks}'
    found = analyze(SHOP, knowledge=extended_knowledge({"/shop.toml": text})).findings
    assert sorted(finding.rule_id for finding in found) == [
        "cross-site-scripting",
        "cross-site-scripting",
        "debug-on",
        "predictable-secret",
        "secret-in-code",
        "secret-in-log",
        "tls-not-verified",
        "trust-boundary-crossed",
        "xml-parser-unguarded",
    ]
    assert not analyze(SHOP).findings


SHOP = {
    "app/settings.py": b"SHOP_DEBUG = True\n",
    "app/templates/a.html": b"<p title={{ name }}>",
    "app/views.py": b"""
import logging, random
from shop.client import fetch
from shop.pages import show
from shop.web import page, session
from shop.xml import parse

till_code = "7rT4zQ8p1L"

@page
def greet(request):
    return "<p>" + request.args["q"] + "</p>"

def view(request):
    session["q"] = request.args["q"]
    logging.info("%s", till_code)
    voucher = random.random()
    fetch("https://a.example", verify=False)
    return show("a.html", {"name": request.args["q"]})
""",
}
