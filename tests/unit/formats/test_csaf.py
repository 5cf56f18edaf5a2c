"""CSAF 2.0: judged by the OASIS files and schema, and by laws of our own."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from referencing import Registry, Resource

from sekisho.core import Tlp
from sekisho.formats import csaf, jcs
from sekisho.formats.csaf import CsafRefused

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ADVISORY = csaf.Advisory(
    tracking_id="SEKISHO-2026-0001",
    title="Advance notice on starlette",
    lang="en",
    tlp=Tlp.AMBER,
    distribution="TLP:AMBER.",
    publisher=csaf.Publisher(
        category="coordinator", name="Office", namespace="https://sekisho.example", contact="office@sekisho.example"
    ),
    revisions=(csaf.Revision(number=1, at=AT, summary="First release."),),
    summary="You run starlette 0.26.1.",
    vulnerability_id="SEKISHO-2026-0001",
    notice="No description before the embargo ends.",
    component="starlette",
    affected=(csaf.Product(id="A-1", name="starlette 0.26.1", version="0.26.1", purl="pkg:pypi/starlette@0.26.1"),),
    fixed=(csaf.Product(id="F-1", name="starlette 0.27.0", version="0.27.0", purl="pkg:pypi/starlette@0.27.0"),),
    remediations=(
        csaf.Remediation(category="workaround", details="Serve files from the web server."),
        csaf.Remediation(category="vendor_fix", details="Update to 0.27.0."),
    ),
)


@pytest.fixture(scope="module")
def schema(vectors: Path) -> jsonschema.Draft202012Validator:
    """The OASIS schema; FIRST's CVSS schemas are known under their own `$id` and under the name CSAF uses."""
    folder = vectors / "csaf" / "2.0"
    registry: Registry = Registry()
    for version in ("2.0", "3.0", "3.1"):
        made = Resource.from_contents(
            json.loads((folder / "referenced_schema/first" / f"cvss-v{version}.json").read_text())
        )
        registry = registry.with_resources(
            [(str(made.id()), made), (f"https://www.first.org/cvss/cvss-v{version}.json", made)]
        )
    main = json.loads((folder / "json_schema" / "csaf_json_schema.json").read_text())
    return jsonschema.Draft202012Validator(main, registry=registry, format_checker=jsonschema.FormatChecker())


def test_what_is_built_passes_our_own_check() -> None:
    """`build` makes what `check_csaf` lets through."""
    csaf.check_csaf(csaf.build(ADVISORY))


@pytest.mark.parametrize("tlp", list(Tlp))
def test_what_is_built_validates_against_the_oasis_schema(schema, tlp: Tlp) -> None:
    """CSAF 2.0 knows TLP 1: every one of our labels has its spelling there."""
    built = csaf.build(replace(ADVISORY, tlp=tlp, fixed=()))
    schema.validate(json.loads(csaf.encode(built)))
    label = built["document"]["distribution"]["tlp"]["label"]
    assert label == {"CLEAR": "WHITE", "AMBER+STRICT": "AMBER"}.get(tlp.value, tlp.value)


def test_the_schema_refuses_what_it_should(schema) -> None:
    """The schema in this test is alive: a wrong label does not pass it."""
    broken = json.loads(csaf.encode(csaf.build(ADVISORY)))
    broken["document"]["distribution"]["tlp"]["label"] = "CLEAR"
    assert list(schema.iter_errors(broken))


def test_the_mandatory_tests_judge_the_oasis_files_as_oasis_does(vectors: Path) -> None:
    """Chapter 6.1: each failing file fails its test, each valid file passes it."""
    data = vectors / "csaf" / "2.0" / "test" / "validator" / "data"
    judged = 0
    for listed in json.loads((data / "testcases.json").read_text())["tests"]:
        run = csaf.MANDATORY_TESTS.get(listed["id"])
        for verdict in ("failures", "valid") if run else ():
            for file in listed.get(verdict, []):
                faults = list(run(json.loads((data / file["name"]).read_text())))
                assert bool(faults) == (verdict == "failures"), (listed["id"], file["name"], faults)
                judged += 1
    assert judged >= 70


def test_no_failing_oasis_file_passes_the_whole_check(vectors: Path) -> None:
    """Whatever breaks a mandatory test never leaves this house, tests that we do not write included."""
    folder = vectors / "csaf" / "2.0" / "test" / "validator" / "data" / "mandatory"
    testcases = json.loads((folder.parent / "testcases.json").read_text())["tests"]
    failing = [f["name"] for t in testcases if t["group"] == "mandatory" for f in t["failures"]]
    assert len(failing) == 87
    for name in failing:
        with pytest.raises((CsafRefused, jcs.JsonRefused)):
            csaf.check_csaf(json.loads((folder.parent / name).read_text()))


def test_file_names_follow_the_standard(vectors: Path) -> None:
    """CSAF 2.0 5.1, by the published valid and invalid names."""
    for kind in ("valid", "invalid"):
        for file in (vectors / "csaf" / "2.0" / "test" / "filenames" / "data" / kind).glob("*.json"):
            tracking_id = json.loads(file.read_text())["document"]["tracking"]["id"]
            assert (csaf.file_name(tracking_id) == file.name) == (kind == "valid")


def test_the_same_advisory_is_the_same_bytes() -> None:
    """Two offices that build one advisory publish one file."""
    assert csaf.encode(csaf.build(ADVISORY)) == csaf.encode(csaf.build(copy.deepcopy(ADVISORY)))


def _places(value: object, path: tuple = ()) -> list[tuple]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in below for place in _places(item, (*path, key)))]


BUILT = json.loads(csaf.encode(csaf.build(ADVISORY)))
PLACES = [place for place in _places(BUILT) if place]


@given(place=st.sampled_from(PLACES), wrong=st.sampled_from([None, 1, "", " ", [], {}, "\u0000", True, {"x": "y"}]))
def test_a_value_of_the_wrong_kind_is_refused_anywhere(place: tuple, wrong: object) -> None:
    """The structure is checked to its last leaf."""
    broken = copy.deepcopy(BUILT)
    holder = broken
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = wrong
    if wrong == "\u0000":  # text of one control character is still text where text is asked for
        return
    with pytest.raises(CsafRefused):
        csaf.check_csaf(broken)


@given(place=st.sampled_from([place for place in PLACES if isinstance(place[-1], str)]), data=st.data())
def test_a_name_that_nobody_meant_to_write_is_refused_anywhere(place: tuple, data: st.DataObject) -> None:
    """A score, a weakness or a reference cannot slip out."""
    name = data.draw(
        st.sampled_from(["cwe", "cve", "scores", "title", "references", "threats", "acknowledgments", "x"])
    )
    broken = copy.deepcopy(BUILT)
    holder = broken
    for key in place[:-1]:
        holder = holder[key]
    if name in holder:
        return
    holder[name] = "y"
    with pytest.raises(CsafRefused):
        csaf.check_csaf(broken)


@pytest.mark.parametrize("version", ["<0.27.0", ">=1|<2", "0.26.*"])
def test_a_range_is_no_product_version(version: str) -> None:
    """6.1.31, and what tools make of a range that is taken for a version."""
    bad = csaf.Product(id="A-1", name="x", version=version, purl="pkg:pypi/starlette")
    with pytest.raises(CsafRefused):
        csaf.build(replace(ADVISORY, affected=(bad,)))


def test_an_advisory_that_affects_nobody_is_none() -> None:
    """Something is affected, and there was a first release."""
    with pytest.raises(CsafRefused):
        csaf.build(replace(ADVISORY, affected=()))
    with pytest.raises(CsafRefused):
        csaf.build(replace(ADVISORY, revisions=()))


def test_a_product_both_affected_and_fixed_is_refused() -> None:
    """6.1.6: a reader of the file could not tell what it means."""
    both = replace(ADVISORY, fixed=ADVISORY.affected)
    with pytest.raises(CsafRefused, match=r"6\.1\.2"):
        csaf.check_csaf(csaf.build(both))
    value = copy.deepcopy(BUILT)
    value["vulnerabilities"][0]["product_status"]["fixed"] = ["A-1"]
    with pytest.raises(CsafRefused, match=r"6\.1\.6"):
        csaf.check_csaf(value)
