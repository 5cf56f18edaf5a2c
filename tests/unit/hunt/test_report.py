"""The SARIF report: every finding, every gap, valid, and the same for the same campaign."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sekisho.findings import Gap, NotAnalyzed, Severity
from sekisho.formats.sarif import check_sarif
from sekisho.hunt import to_sarif, write_report
from sekisho.hunt.errors import ReportNotWritten
from sekisho.hunt.weaknesses import WEAKNESSES, weakness_of


@pytest.fixture
def log(make_claim: Any, run_campaign: Any, small_survey: Any) -> Any:
    """The log of two findings of one rule, one of another, a gap by choice and one by mishap."""
    survey = replace(
        small_survey, not_analyzed=(NotAnalyzed(path="tests/", gap=Gap.EXCLUDED, detail="left out by name"),)
    )
    campaign = run_campaign(
        make_claim(1, severity=Severity.MEDIUM),
        make_claim(2, severity=Severity.CRITICAL),
        make_claim(3, rule_id="odd", cwe="CWE-9999", severity=Severity.LOW, flow=(), guards=(), preconditions=()),
        survey=survey,
        partial=[NotAnalyzed(path="app/web.py", gap=Gap.ENGINE_LIMIT, detail="too deep")],
    )
    assert to_sarif(campaign, version="1.0.0") == to_sarif(campaign, version="1.0.0")
    return json.loads(to_sarif(campaign, version="1.0.0"))


def test_the_report_is_valid(log: Any, vectors: Path) -> None:
    """The OASIS schema and our own check take it."""
    check_sarif(log)
    schema = json.loads((vectors / "sarif" / "sarif-schema-2.1.0.json").read_bytes())
    jsonschema.Draft4Validator(schema).validate(log)


def test_a_rule_is_as_bad_as_its_worst_finding(log: Any) -> None:
    """Code hosts sort by the rule's number; each result keeps its own level."""
    rules = {rule["id"]: rule for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert rules["path-traversal"]["properties"]["security-severity"] == "9.5"
    assert [result["level"] for result in log["runs"][0]["results"]] == ["error", "warning", "note"]
    assert rules["odd"]["shortDescription"]["text"] == "CWE-9999"


def test_what_was_not_looked_at_is_in_the_report(log: Any) -> None:
    """A gap by choice is a note, a gap by mishap a warning."""
    (invocation,) = log["runs"][0]["invocations"]
    assert [(n["descriptor"]["id"], n["level"]) for n in invocation["toolExecutionNotifications"]] == [
        ("not-analyzed-engine-limit", "warning"),
        ("not-analyzed-excluded", "note"),
    ]


def test_a_finding_carries_its_evidence(log: Any) -> None:
    """Flow from source to sink, the guard that does not hold, the preconditions."""
    result = log["runs"][0]["results"][0]
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["physicalLocation"]["artifactLocation"]["uri"] for step in steps] == [
        "app/web.py",
        "app/store.py",
    ]
    assert result["properties"]["guards"] == "app/store.py:1 if name:: says nothing of its form"
    assert result["properties"]["preconditions"] == "A caller chooses the name."
    assert result["partialFingerprints"]["sekishoFingerprint/v1"] == f"{2:064x}"


def test_a_report_is_written_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    """It says where code is weak: mode 0600, even over a file that was readable for all."""
    path = tmp_path / "report.sarif"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_report(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ReportNotWritten):
        write_report(tmp_path / "absent" / "report.sarif", b"new")


def test_every_weakness_has_words() -> None:
    """A rule of the report tells what it is and what mends it."""
    for cwe, weakness in WEAKNESSES.items():
        assert weakness.title
        assert weakness.cure.endswith(".")
        assert weakness_of(cwe) is weakness
