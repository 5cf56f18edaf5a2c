"""Findings and campaigns as JSON: one spelling, nothing lost, nothing extra taken."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.core import SekishoError
from sekisho.findings import (
    Engine,
    FindingRefused,
    FlowStep,
    Outcome,
    State,
    StateReason,
    Verdict,
    campaign_digest,
    clean_text,
    decode_campaign,
    decode_finding,
    encode_campaign,
    encode_finding,
)
from sekisho.formats import jcs
from sekisho.formats.jcs import JsonRefused

_FIXED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(text=st.text(max_size=300).map(clean_text), line=st.integers(1, 2**31 - 1))
@_FIXED
def test_a_finding_reads_back_as_it_was(make_finding: Any, text: str, line: int) -> None:
    """decode(encode(x)) is x, whatever cleaned text it carries."""
    step = FlowStep(path="app/store.py", line=line, expression=text, why=text)
    judged = Verdict(
        judge=Engine(name="a", version="1"), outcome=Outcome.UPHELD, reason=text, at=make_finding().found_at
    )
    finding = make_finding(
        flow=(step, step),
        guards=(step,),
        preconditions=(text,),
        verdicts=(judged,),
        state=State.CONFIRMED,
        state_reason=StateReason.REVIEWED,
    )
    assert decode_finding(encode_finding(finding)) == finding


def test_the_largest_finding_still_reads_back(make_finding: Any) -> None:
    """Whatever the types allow, strict JSON's size limit takes."""
    widest = "\U0001f5ff" * 1_000
    step = FlowStep(path=widest, line=1, expression=widest, why=widest)
    engine = Engine(name="a", version="1")
    judged = Verdict(judge=engine, outcome=Outcome.UPHELD, reason=widest, at=make_finding().found_at)
    finding = make_finding(
        title=widest, flow=(step,) * 50, guards=(step,) * 10, preconditions=(widest,) * 10, verdicts=(judged,) * 10
    )
    assert decode_finding(encode_finding(finding)) == finding


def test_a_campaign_reads_back_and_its_digest_is_of_its_canonical_form(make_finding: Any, make_campaign: Any) -> None:
    """Indentation and order of names do not change what a report is."""
    campaign = make_campaign(make_finding(1), make_finding(2))
    pretty = json.dumps(json.loads(encode_campaign(campaign)), indent=1).encode()
    assert decode_campaign(pretty) == campaign
    assert campaign_digest(decode_campaign(pretty)) == campaign_digest(campaign)
    assert jcs.parse_canonical(encode_campaign(campaign))


def test_a_report_above_the_document_limit_is_read(make_finding: Any, make_campaign: Any) -> None:
    """A campaign may be larger than what signed documents are limited to."""
    wide = FlowStep(path="a.py", line=1, expression="x" * 1_000, why="x" * 1_000)
    campaign = make_campaign(*(make_finding(n, flow=(wide,) * 50) for n in range(12)))
    assert len(encode_campaign(campaign)) > jcs.MAX_SIZE_BYTES
    assert decode_campaign(encode_campaign(campaign)) == campaign


@pytest.mark.parametrize("name", ["id", "cwe", "flow", "guards", "state_reason", "verdicts", "found_at"])
def test_a_missing_or_extra_name_is_refused(make_finding: Any, name: str) -> None:
    """Every name is required and no other is taken, so that no reader sees more or less than another."""
    value = json.loads(encode_finding(make_finding()))
    for changed in ({k: v for k, v in value.items() if k != name}, value | {f"{name}2": value[name]}):
        with pytest.raises(FindingRefused):
            decode_finding(json.dumps(changed).encode())


def test_a_report_of_another_schema_is_refused(make_campaign: Any) -> None:
    """The schema's name is the version: another one is not guessed at."""
    value = json.loads(encode_campaign(make_campaign()))
    for changed in (
        value | {"schema": "sekisho-campaign/v2"},
        [value],
        {k: v for k, v in value.items() if k != "schema"},
    ):
        with pytest.raises(FindingRefused):
            decode_campaign(json.dumps(changed).encode())


_JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just([]) | st.just({}) | st.just([None])


@given(junk=_JUNK, data=st.data())
@_FIXED
def test_junk_in_any_place_is_refused_with_a_code(
    make_finding: Any, make_campaign: Any, junk: Any, data: st.DataObject
) -> None:
    """Hostile JSON ends in a coded error or a value, never in another exception."""
    value: Any = json.loads(encode_campaign(make_campaign(make_finding())))
    place, key = value, data.draw(st.sampled_from(sorted(value)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
    place[key] = junk
    try:
        read = decode_campaign(json.dumps(value).encode())
    except SekishoError:
        return
    assert json.loads(encode_campaign(read)) == value


def test_floats_and_duplicate_names_are_refused(make_finding: Any) -> None:
    """Text with two readings is not taken: strict JSON."""
    text = encode_finding(make_finding()).decode()
    for hostile in (text.replace('"line":7', '"line":7.0'), text.replace('{"asset_id"', '{"cwe":"CWE-1","asset_id"')):
        assert hostile != text
        with pytest.raises(JsonRefused):
            decode_finding(hostile.encode())


def test_a_changed_finding_has_another_encoding(make_finding: Any) -> None:
    """The bytes are what a commitment binds: any change shows."""
    finding = make_finding()
    assert encode_finding(finding) != encode_finding(replace(finding, title="Another"))
