"""`sekisho taint`: the engine alone on real code, its formats, and what its exit codes say."""

import json
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
