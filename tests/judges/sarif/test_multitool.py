"""Microsoft's SARIF Multitool, written by the format's editors, judges what we write."""

import json
import os
import stat
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sekisho.core import SteadyClock
from sekisho.findings import (
    Confidence,
    Engine,
    FlowStep,
    Gap,
    Location,
    Mode,
    NotAnalyzed,
    OtherFiles,
    Severity,
)
from sekisho.hunt import Claim, Look, Source, Survey, hunt, to_sarif

pytestmark = pytest.mark.judge

_JUDGES = Path(os.environ.get("SEKISHO_JUDGES", Path(__file__).parents[3] / ".judges"))
_TOOL = _JUDGES / "node_modules" / "@microsoft" / "sarif-multitool-linux" / "Sarif.Multitool"

# Notes that we decided against, each with the reason.
_DECLINED = {
    "SARIF2002",  # messages by id: ours are texts of the engine's rules
    "SARIF2003",  # version control: a hunt may be over a wheel
    "SARIF2006",  # addresses that cannot be reached: the judge runs offline
    "SARIF2009",  # rule ids like CS2001: a word says more than a number
    "SARIF2011",  # surrounding code: the report would carry more of the source than the claim needs
    "SARIF2013",  # embedded files: for the same reason
}

_STEP = FlowStep(path="app/関所 a.py", line=2, expression="open(name)", why="the sink")
_CLAIM = Claim(
    rule_id="path-traversal",
    cwe="CWE-22",
    title="A caller's text chooses the file that is opened.",
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    location=Location(path=_STEP.path, line=2, column=5, function="Store.read"),
    flow=(replace(_STEP, line=1, expression="name", why="a parameter"), _STEP),
    guards=(replace(_STEP, expression="if name:", why="says nothing of its form"),),
    preconditions=("A caller chooses the name.",),
    fingerprint="ab" * 32,
)


class _Claims:
    identity = Engine(name="scripted", version="1.0.0")

    def look(self, sources: Any, *, mode: Mode, on_progress: Any) -> Look:
        partial = NotAnalyzed(path=_STEP.path, gap=Gap.ENGINE_LIMIT, detail="line 9: too deep")
        return Look(claims=(_CLAIM,), unread=(), partial=(partial,))


class _Ids:
    def new(self, prefix: str) -> str:
        return f"{prefix}_{0:026d}"


def _report() -> bytes:
    survey = Survey(
        name="app",
        sources=(Source(path=_STEP.path, data=b"def read(name):\n    open(name)\n"),),
        not_analyzed=(NotAnalyzed(path="tests/", gap=Gap.EXCLUDED, detail="left out by name"),),
        other_files=(OtherFiles(suffix=".js", count=1),),
    )
    clock = SteadyClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    campaign = hunt(survey, engine=_Claims(), mode=Mode.BOTH, asset_id=None, clock=clock, ids=_Ids())
    return to_sarif(campaign, version="0.1.0")


@pytest.fixture(scope="session")
def tool() -> Path:
    """The judge, made executable: npm does not run the script that would do so."""
    if not _TOOL.is_file():
        pytest.skip("npm package @microsoft/sarif-multitool is not installed: make judges")
    _TOOL.chmod(_TOOL.stat().st_mode | stat.S_IXUSR)
    return _TOOL


def _complaints(tool: Path, report: bytes, folder: Path) -> list[tuple[str, str]]:
    """Return what the judge says of `report`: rule and level of every result. GitHub's own rules are among them."""
    judged, verdict = folder / "report.sarif", folder / "verdict.sarif"
    judged.write_bytes(report)
    command = [str(tool), "validate", str(judged), "--output", str(verdict), "--log", "ForceOverwrite"]
    command += ["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning;Note"]
    # The image has no ICU; without this the program ends before it starts.
    environment = os.environ | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=100)
    (run,) = json.loads(verdict.read_bytes())["runs"]
    assert run["invocations"][0]["executionSuccessful"]
    return [(result["ruleId"].partition("/")[0], result.get("level", "warning")) for result in run.get("results", [])]


def test_the_judge_finds_nothing_to_object_to(tool: Path, tmp_path: Path) -> None:
    """No error or warning, by the format's rules or by GitHub's; no note but those declined with a reason."""
    assert {complaint for complaint in _complaints(tool, _report(), tmp_path) if complaint[0] not in _DECLINED} == set()


def test_the_judge_would_have_seen_a_dangling_index(tool: Path, tmp_path: Path) -> None:
    """The judge is awake: an index out of range is an error to it, as it is to our own check."""
    log = json.loads(_report())
    log["runs"][0]["results"][0]["ruleIndex"] = 7
    assert ("SARIF1009", "error") in _complaints(tool, json.dumps(log).encode(), tmp_path)
