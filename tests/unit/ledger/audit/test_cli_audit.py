"""`sekisho ledger audit`: what an auditor sees, in two languages, and the exit codes."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from sekisho.cli import ledger as command
from sekisho.cli.ledger.audit import ReportUnwritable
from sekisho.ledger.audit import LedgerNotSound


def _run(*args):
    return CliRunner().invoke(command.app, ["audit", *map(str, args)])


@pytest.fixture
def charter(rig, tmp_path):
    """The charter as the auditor received it."""
    file = tmp_path / "charter.json"
    file.write_bytes(rig.office.charter_file())
    return file


def test_an_accord_that_nobody_broke_exits_0_and_claims_no_more(rig, charter):
    """A condition binds people, so the whole is not shown."""
    rig.begin().call()
    rig.settle()
    done = _run("acc_1", rig.ledger, "--charter", charter)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "accord acc_1: not shown"
    assert "Calls that never passed a gate" in done.stdout
    # A control that acts at two steps is named once in a row.
    assert "access/resolve.py, access/resolve.py" not in done.stdout
    whole = json.loads(_run("acc_1", rig.ledger.parent, "--charter", charter, "--json").stdout)
    assert whole["result"] == "not-shown"
    assert {clause["result"] for clause in whole["clauses"]} == {"met", "not-shown"}
    assert [log["log"] for log in whole["logs"]] == ["decisions", "calls/gate-0"]


def test_a_broken_clause_exits_1_and_names_the_entry(rig, charter):
    """In Japanese too; the report says the same."""
    rig.begin().call(asset="ast_2")
    rig.settle()
    file = charter.with_name("report.html")
    done = _run("acc_1", rig.ledger, "--charter", charter, "--lang", "ja", "-o", file)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "合意 acc_1: 違反"
    assert "calls/gate-0 0" in done.stdout
    assert "許可の範囲外です" in done.stdout
    assert "許可の範囲外です" in file.read_text(encoding="utf-8")
    markdown = file.with_suffix(".md")
    assert _run("acc_1", rig.ledger, "--charter", charter, "-o", markdown).exit_code == 1
    assert markdown.read_text(encoding="utf-8").startswith("# Audit of an accord: acc\\_1\n")


def test_a_report_that_cannot_be_written_is_told_before_anything_is_read(rig, charter, tmp_path):
    """Neither another form nor a folder that is not there."""
    done = _run("acc_1", tmp_path / "nowhere", "--charter", charter, "-o", "report.pdf")
    assert isinstance(done.exception, ReportUnwritable)
    rig.begin().settle()
    done = _run("acc_1", rig.ledger, "--charter", charter, "-o", tmp_path / "nowhere" / "report.md")
    assert isinstance(done.exception, ReportUnwritable)
    assert done.stdout == ""


def test_another_charter_shows_nothing(rig, charter):
    """Whose key the log has is the charter's to say; nothing of it is printed."""
    rig.begin().settle()
    key = rig.office.charter.decisions.vkey
    rig.office.charter = replace(
        rig.office.charter, decisions=replace(rig.office.charter.decisions, vkey=f"{key[:-4]}AAA=")
    )
    charter.write_bytes(rig.office.charter_file())
    done = _run("acc_1", rig.ledger, "--charter", charter)
    assert isinstance(done.exception, LedgerNotSound)
    assert done.stdout == ""
