"""SARIF as it is written, against the published schema, and what the check refuses that a schema cannot see."""

import copy
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.formats.sarif import Flaw, Note, Rule, Run, SarifRefused, Source, Step, check_sarif, write_sarif

RULE = Rule(
    id="python/path-traversal",
    title="Path leaves its folder",
    description="A caller's text chooses the file that is opened.",
    help="Resolve the path and check that it lies below the folder.",
    cwe="CWE-22",
    level="error",
    security_severity="8.0",
)
STEP = Step(path="app/files.py", line=4, column=5, code="open(name)", remark="name reaches open")
FLAW = Flaw(
    rule_id=RULE.id,
    level="error",
    message="A caller's text reaches open",
    at=STEP,
    function="Store.read",
    flow=(Step(path="app/web.py", line=1, column=None, code="", remark="starts here"), STEP),
    fingerprint="ab" * 32,
    facts=(("confidence", "high"),),
)
RUN = Run(
    tool="Sekisho",
    version="0.1.0",
    home="https://sekisho.example/",
    base="The root of the hunted code.",
    started_at=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
    finished_at=datetime(2026, 11, 22, 9, 1, tzinfo=UTC),
    successful=True,
    rules=(RULE,),
    sources=(Source(path="app/files.py", sha256="0" * 64), Source(path="app/web.py", sha256="1" * 64)),
    flaws=(FLAW,),
    notes=(Note(kind="too-large", path="app/big.py", text="3 MB, more than 1 MB", level="warning"),),
    facts=(("mode", "library"),),
)


@pytest.fixture(scope="session")
def schema(vectors: Path) -> Any:
    """The OASIS schema, JSON Schema draft 4."""
    loaded = json.loads((vectors / "sarif" / "sarif-schema-2.1.0.json").read_bytes())
    return jsonschema.Draft4Validator(loaded, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def test_what_is_written_is_valid_under_the_published_schema(schema: Any) -> None:
    """SARIF 2.1.0 errata 01: the OASIS schema takes our log."""
    schema.validate(json.loads(write_sarif(RUN)))


def test_an_empty_run_is_valid_too(schema: Any) -> None:
    """A hunt that found and missed nothing still writes a whole log."""
    schema.validate(json.loads(write_sarif(replace(RUN, rules=(), flaws=(), notes=(), sources=()))))


def test_the_check_agrees_with_the_published_verdicts(vectors: Path) -> None:
    """The schema's verdicts on invented logs are ours, but for a ruleIndex out of range, which we refuse."""
    for case in json.loads((vectors / "sarif" / "samples.json").read_bytes())["cases"]:
        valid = case["schema_valid"] and case["name"] != "ruleIndex out of range"
        try:
            check_sarif(case["document"])
        except SarifRefused:
            assert not valid, case["name"]
        else:
            assert valid, case["name"]


def test_equal_runs_give_equal_bytes() -> None:
    """The report's digest can be compared: nothing of the moment or the machine enters."""
    assert write_sarif(RUN) == write_sarif(copy.deepcopy(RUN))


def test_the_weakness_is_tagged_as_code_hosts_expect() -> None:
    """CodeQL's convention: external/cwe/cwe-022, three digits at least, beside `security`."""
    rule = json.loads(write_sarif(RUN))["runs"][0]["tool"]["driver"]["rules"][0]
    assert rule["properties"]["tags"] == ["security", "external/cwe/cwe-022"]
    long = replace(RUN, rules=(replace(RULE, cwe="CWE-1333"),))
    tags = json.loads(write_sarif(long))["runs"][0]["tool"]["driver"]["rules"][0]["properties"]["tags"]
    assert "external/cwe/cwe-1333" in tags


def test_addresses_are_relative_to_a_base_that_is_not_given_away() -> None:
    """No path of the machine is in the log: SRCROOT is described and has no address."""
    run = json.loads(write_sarif(RUN))["runs"][0]
    assert run["originalUriBaseIds"] == {"SRCROOT": {"description": {"text": "The root of the hunted code."}}}
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "app/files.py", "uriBaseId": "SRCROOT", "index": 0}


@pytest.mark.parametrize("path", ["a:b.py", "a b.py", "関所.py", "a%2e.py", "a#b?.py"])
def test_awkward_names_become_addresses_that_read_back(path: str) -> None:
    """RFC 3986: a name is percent-encoded, so a colon is no scheme and a hash no fragment."""
    step = replace(STEP, path=path)
    flaw = replace(FLAW, at=step, flow=())
    log = json.loads(write_sarif(replace(RUN, sources=(Source(path=path, sha256="0" * 64),), flaws=(flaw,))))
    uri = log["runs"][0]["artifacts"][0]["location"]["uri"]
    assert not set(uri) & set(":#? ")


@pytest.mark.parametrize(
    "run",
    [
        replace(RUN, rules=()),
        replace(RUN, sources=RUN.sources[:1]),
        replace(RUN, rules=(RULE, RULE)),
        replace(RUN, sources=RUN.sources * 2),
        replace(RUN, rules=(replace(RULE, cwe="22"),)),
        replace(RUN, rules=(replace(RULE, level="critical"),)),
        replace(RUN, flaws=(replace(FLAW, at=replace(STEP, line=0)),)),
        replace(RUN, sources=(*RUN.sources, Source(path="../out.py", sha256="0" * 64))),
        replace(RUN, sources=(*RUN.sources, Source(path="/etc/out.py", sha256="0" * 64))),
        replace(RUN, sources=(*RUN.sources, Source(path="short.py", sha256="00"))),
        replace(RUN, flaws=(replace(FLAW, message=""),)),
    ],
    ids=[
        "unlisted-rule",
        "unlisted-path",
        "rule-twice",
        "source-twice",
        "bad-cwe",
        "bad-level",
        "line-0",
        "climbing-path",
        "absolute-path",
        "short-digest",
        "empty-message",
    ],
)
def test_a_run_that_would_make_a_false_log_is_refused(run: Run) -> None:
    """The writer raises rather than leave a log that a reader misreads."""
    with pytest.raises(SarifRefused):
        write_sarif(run)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


@pytest.mark.parametrize(
    ("path", "member", "value"),
    [
        (("runs", 0, "results", 0), "ruleIndex", 1),
        (("runs", 0, "results", 0), "ruleId", "another"),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "artifactLocation"), "index", 2),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "artifactLocation"), "index", 1),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "artifactLocation"), "uri", "%2e%2e/a.py"),
        (("runs", 0, "artifacts", 0, "location"), "uriBaseId", "ELSEWHERE"),
        (("runs", 0, "invocations", 0, "toolExecutionNotifications", 0, "descriptor"), "index", 7),
        (("runs", 0, "results", 0), "messsage", {"text": "misspelt"}),
        (("runs", 0, "results", 0, "codeFlows", 0), "threadFlows", []),
        (("runs", 0), "columnKind", "utf16CodeUnits"),
        (("runs", 0, "tool", "driver", "rules", 0, "properties"), "tags", ["t"] * 21),
        (("runs", 0, "results", 0), "locations", [{}] * 1_001),
        (("runs", 0, "results", 0), "ruleIndex", True),
        ((), "runs", [None] * 21),
        ((), "version", ["2.1.0"]),
    ],
)
def test_the_check_sees_what_a_schema_cannot(path: tuple[str | int, ...], member: str, value: Any) -> None:
    """Dangling or crossed indexes, climbing addresses, misspelt members and what is over a host's limits."""
    log = json.loads(write_sarif(RUN))
    _at(log, path)[member] = value
    with pytest.raises(SarifRefused):
        check_sarif(log)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _keys(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


@given(junk=_JSON, data=st.data())
@settings(deadline=None, max_examples=150)
def test_hostile_json_is_refused_and_nothing_else_is_raised(junk: Any, data: st.DataObject) -> None:
    """Whatever stands in place of a member, the check accepts it or raises SarifRefused."""
    log: Any = json.loads(write_sarif(RUN))
    place, key = log, data.draw(st.sampled_from(_keys(log)))
    for _ in range(data.draw(st.integers(0, 8))):
        if not _keys(place[key]):
            break
        place = place[key]
        key = data.draw(st.sampled_from(_keys(place)))
    place[key] = junk
    with suppress(SarifRefused):
        check_sarif(log)
