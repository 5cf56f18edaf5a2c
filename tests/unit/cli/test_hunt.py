"""`sekisho hunt`: exit codes, formats, and which stream carries what."""

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from sekisho.cli import hunt as command
from sekisho.findings import Confidence, Engine, FlowStep, Location, Mode, Severity, decode_campaign
from sekisho.formats.sarif import check_sarif
from sekisho.hunt import Claim, Look, NothingToHunt, Source, TargetRefused

app = typer.Typer()
app.command()(command.hunt)


class OneFlaw:
    """For tests alone: finds one flaw of medium severity in the first file that has the word `flaw`."""

    identity = Engine(name="one-flaw", version="1")

    def __init__(self, *, jobs: int, cache: object) -> None:
        self.jobs = jobs

    def look(self, sources: Sequence[Source], *, mode: Mode, on_progress: Any) -> Look:
        claims = tuple(
            Claim(
                rule_id="a-rule",
                cwe="CWE-22",
                title="A flaw",
                severity=Severity.MEDIUM,
                confidence=Confidence.HIGH,
                location=Location(path=source.path, line=1, column=1, function=""),
                flow=(FlowStep(path=source.path, line=1, expression="flaw", why="it says so"),),
                guards=(),
                preconditions=(),
                fingerprint="0" * 64,
            )
            for source in sources
            if b"flaw" in source.data
        )
        return Look(claims=claims[:1], unread=(), partial=())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run the command on a folder with one flaw, or on `target`."""
    monkeypatch.setattr(command, "TaintEngine", OneFlaw)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("flaw")

    def invoke(*options: str, target: Path = tmp_path / "code") -> Result:
        return CliRunner().invoke(app, [str(target), *options])

    return invoke


def test_found_ends_with_one_and_clean_with_zero(run: Any, tmp_path: Path) -> None:
    """0 nothing at or above --fail-on, 1 something."""
    assert run().exit_code == 1
    (tmp_path / "code" / "a.py").write_text("fine")
    assert run().exit_code == 0


@pytest.mark.parametrize(("level", "code"), [("low", 1), ("medium", 1), ("high", 0), ("critical", 0)])
def test_fail_on_is_a_threshold(run: Any, level: str, code: int) -> None:
    """A medium finding fails a threshold of medium or below."""
    assert run("--fail-on", level).exit_code == code


@pytest.mark.parametrize("options", [["--exit-zero"], ["--format", "sarif"]])
def test_some_runs_end_with_zero_whatever_is_found(run: Any, options: list[str]) -> None:
    """--exit-zero, and SARIF, whose reader decides."""
    assert run(*options).exit_code == 0


def test_nothing_to_hunt_and_a_false_target_have_their_own_codes(run: Any, tmp_path: Path) -> None:
    """3 no source there, 2 no such target; `sekisho.cli.main` ends with the error's exit code."""
    (tmp_path / "empty").mkdir()
    nothing = run(target=tmp_path / "empty").exception
    assert isinstance(nothing, NothingToHunt)
    assert nothing.exit_code == 3
    absent = run(target=tmp_path / "absent").exception
    assert isinstance(absent, TargetRefused)
    assert absent.exit_code == 2


@pytest.mark.parametrize("options", [["--format", "json"], ["--json"]])
def test_json_is_a_report_that_can_be_submitted(run: Any, options: list[str]) -> None:
    """stdout carries the campaign alone, and it reads back."""
    campaign = decode_campaign(run(*options).stdout_bytes)
    assert campaign.target == "code"
    assert [finding.location.path for finding in campaign.findings] == ["a.py"]


def test_sarif_is_valid(run: Any) -> None:
    """stdout carries the log alone."""
    check_sarif(json.loads(run("--format", "sarif").stdout_bytes))


def test_progress_goes_to_the_other_stream(run: Any) -> None:
    """Data on stdout, the rest on stderr."""
    result = run()
    assert "dedupe" in result.stderr
    assert "dedupe" not in result.stdout
    assert "1 finding (1 medium) in code" in result.stdout


@pytest.mark.parametrize("form", ["table", "json", "sarif"])
def test_a_report_goes_to_the_file_and_nowhere_else(run: Any, tmp_path: Path, form: str) -> None:
    """-o writes any format, readable by the owner alone, and leaves stdout empty."""
    report = tmp_path / "report"
    result = run("--format", form, "-o", str(report))
    assert result.stdout == ""
    assert b"a.py" in report.read_bytes()
    assert b"\x1b" not in report.read_bytes()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_the_mode_is_the_caller_s(run: Any) -> None:
    """--mode reaches the report."""
    assert decode_campaign(run("--mode", "library", "--json").stdout_bytes).mode is Mode.LIBRARY


def test_a_word_that_is_no_choice_is_a_usage_error(run: Any) -> None:
    """2 for usage."""
    assert run("--mode", "attack").exit_code == 2
    assert run("--jobs", "0").exit_code == 2


def test_jobs_are_bounded_by_default(run: Any) -> None:
    """A machine of a hundred cores does not start a hundred parsers."""
    default = command.hunt.__defaults__[3]  # type: ignore[index]
    assert 1 <= default <= min(os.cpu_count() or 1, 8)
