"""`sekisho taint`: the engine alone on real code, its formats, and what its exit codes say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from sekisho.cli.taint import taint
from sekisho.formats.sarif import check_sarif

VULNERABLE = """
import subprocess
from flask import Flask, request

app = Flask(__name__)

@app.route("/show")
def show():
    name = request.args["name"]
    subprocess.run("show " + name, shell=True)
"""
app = typer.Typer()
app.command()(taint)


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run the command on a folder with the program `text`."""

    def invoke(text: str, *options: str) -> Result:
        (tmp_path / "app.py").write_text(text)
        return CliRunner().invoke(app, [str(tmp_path), "--jobs", "1", *options])

    return invoke


def test_a_flow_ends_with_1_and_its_absence_with_0(run) -> None:
    """Programs read the exit code."""
    assert run(VULNERABLE, "--format", "json").exit_code == 1
    assert run(VULNERABLE.replace("+ name", "+ 'x'"), "--format", "json").exit_code == 0


def test_sarif_carries_the_weakness_and_the_whole_flow(run) -> None:
    """A reader of SARIF finds the CWE among the rule's tags and each step of the flow in codeFlows."""
    result = run(VULNERABLE, "--format", "sarif")
    assert result.exit_code == 0
    check_sarif(json.loads(result.stdout_bytes))
    (log,) = json.loads(result.stdout)["runs"]
    (rule,) = log["tool"]["driver"]["rules"]
    assert "external/cwe/cwe-078" in rule["properties"]["tags"]
    (found,) = log["results"]
    steps = found["codeFlows"][0]["threadFlows"][0]["locations"]
    lines = [step["location"]["physicalLocation"]["region"]["startLine"] for step in steps]
    assert lines[0] == 9
    assert lines[-1] == 10


def test_modes_are_told_apart(run) -> None:
    """What a framework fills is no library's public parameter."""
    library = VULNERABLE.replace('name = request.args["name"]', "pass").replace("def show()", "def show(name)")
    library = library.replace('@app.route("/show")\n', "")
    assert run(library, "--format", "json", "--mode", "library").exit_code == 1
    assert run(library, "--format", "json", "--mode", "application").exit_code == 0


def test_a_folder_without_source_ends_with_a_code(tmp_path) -> None:
    """Nothing to look at is not the same as nothing found."""
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert result.exit_code != 0
    assert type(result.exception).__name__ == "NothingToHunt"


def test_a_second_run_says_the_same(run, tmp_path, monkeypatch) -> None:
    """With the cache, without it, and where there is none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))

    def said(*options: str) -> Any:
        results = json.loads(run(VULNERABLE, "--format", "sarif", *options).stdout)["runs"][0]["results"]
        return [(found["partialFingerprints"], found["locations"], found["codeFlows"]) for found in results]

    first = said()
    assert (tmp_path / ".cache" / "sekisho" / "key").exists()
    for options in ((), ("--no-cache",)):
        assert said(*options) == first


def test_no_cache_keeps_nothing(run, tmp_path, monkeypatch) -> None:
    """Whoever asks for that may look at code that nothing is to remain of."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    run(VULNERABLE, "--no-cache", "--format", "json")
    assert not (tmp_path / ".cache").exists()


def test_rules_of_ones_own_are_read_beside_those_that_ship(run, tmp_path) -> None:
    """The page's file, on the page's program, from the command line; what ships is still found."""
    page = (Path(__file__).parents[3] / "docs" / "taint.md").read_text(encoding="utf-8")
    (rules,) = re.findall(r"```toml\n(# runner.*?)```", page, re.DOTALL)
    (program,) = re.findall(r'vulnerable = b"""(.*?)"""', page, re.DOTALL)
    (tmp_path / "runner.toml").write_text(rules)
    found = run(program, "--format", "sarif", "--knowledge", str(tmp_path / "runner.toml"))
    (result,) = json.loads(found.stdout)["runs"][0]["results"]
    assert result["ruleId"] == "command-injection"
    assert run(program, "--format", "json").exit_code == 0
    assert run(VULNERABLE, "--format", "json", "--knowledge", str(tmp_path / "runner.toml")).exit_code == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, "SKS-HUNT-008"), (b"\xff", "SKS-HUNT-008"), (b"x = 1", "SKS-TAINT-001"), (b"[", "SKS-TAINT-001")],
)
def test_rules_that_cannot_be_used_end_with_a_code(run, tmp_path, text, code) -> None:
    """Before the target is read; a misspelled rule would mean silence."""
    if text is not None:
        (tmp_path / "own.toml").write_bytes(text)
    result = run(VULNERABLE, "--knowledge", str(tmp_path / "own.toml"))
    assert getattr(result.exception, "code", None) == code
