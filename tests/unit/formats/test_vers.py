"""Version ranges: one spelling, and an answer or an error, never a guess."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.formats import vers
from sekisho.formats.vers import RangeRefused, SchemeUnknown, VersionUnreadable

# VERS asks for rising order, one constraint a version and no constraint that says nothing; these published inputs
# break that and are refused here.
LOOSE = {
    "vers:pypi/>=3.0.0|2.0.3",
    "vers:pypi/>=3.0.0|!=2.0.3",
    "vers:pypi/0.0.2|0.0.6|>=3.0.0|0.0.1|0.0.4|0.0.5|0.0.3",
    "vers:pypi/>0.0.0|>=0.0.1|0.0.2|<0.0.3|0.0.4|<0.0.5|>=0.0.6",
    "vers:pypi/>0.0.0|>=0.0.1|0.0.2|0.0.3|0.0.4|<0.0.5|>=0.0.6|!=0.8",
    "vers:pypi/>0.0.0|>=0.0.1|>=0.0.1|0.0.2|0.0.3|0.0.4|<0.0.5|<=0.0.6|!=0.7|8.0|>12|<15.3",
    # Well encoded, and no version of npm.
    "vers:npm/1.0%252F0",
}


def _tests(vectors: Path, name: str) -> list[dict]:
    return json.loads((vectors / "vers" / "tests" / name).read_text())["tests"]


def test_every_published_containment_agrees(vectors: Path) -> None:
    """VERS, containment for pypi and npm."""
    cases = _tests(vectors, "pypi_range_containment_test.json") + _tests(vectors, "npm_range_containment_test.json")
    asked = 0
    for case in cases:
        text, version = case["input"]["vers"], case["input"]["version"]
        if text in LOOSE:
            with pytest.raises(RangeRefused):
                vers.parse(text)
        else:
            assert vers.holds(vers.parse(text), version) is case["expected_output"], case
            asked += 1
    assert asked == len(cases) - 3


def test_every_published_spelling_is_judged_alike(vectors: Path) -> None:
    """VERS, canonical parse and validation: also the spaces, pipes and orders that univers repairs."""
    for case in _tests(vectors, "vers_canonical_parse_test.json") + _tests(vectors, "pypi_range_validate_test.json"):
        refused = case.get("expected_failure") or case["input"] in LOOSE
        if not refused and case["test_type"] == "validate" and case["input"] != case["expected_output"]:
            refused = True
        if refused:
            with pytest.raises(RangeRefused):
                vers.parse(case["input"])
        else:
            assert vers.parse(case["input"]).text == case["input"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vers:",
        "vers:pypi",
        "vers:pypi/",
        "vers:PYPI/<1",
        "vers:pypi/<1 ",
        "vers:pypi/=<1",
        "vers:pypi/*|<1",
        "vers:pypi/<not-a-version",
        "vers:all/*",
        "vers:none/*",
        "vers:pypi/<1\n",
        "vers:pypi/>=1|>2",
        "vers:pypi/<1|<=2|>3",
        "vers:pypi/!=1|!=2",
        "vers:pypi/1|!=2",
        "vers:pypi/" + "|".join(f"{n}" for n in range(20_000)),
    ],
)
def test_what_is_not_one_clear_range_is_refused(text: str) -> None:
    """A range that two readers read differently calls somebody safe who is not."""
    with pytest.raises(RangeRefused):
        vers.parse(text)


def test_an_unknown_scheme_is_read_but_never_answered() -> None:
    """Unknown is an error to be told, not a False to be believed."""
    span = vers.parse("vers:cobol/<1.0")
    with pytest.raises(SchemeUnknown):
        vers.holds(span, "0.9")


@pytest.mark.parametrize("version", ["", " ", "latest", "foo-1-bar", "<1.0", "1.0|2.0", "*", "1 0", "1" * 300])
def test_a_version_that_is_none_is_never_compared(version: str) -> None:
    """A version of no sense is neither inside nor outside."""
    with pytest.raises(VersionUnreadable):
        vers.holds(vers.parse("vers:pypi/<2.0"), version)


@pytest.mark.parametrize(
    ("span", "version"),
    [
        ("vers:generic/>=8.5|<9.8", "8.5p1"),
        ("vers:github/>=8.5.0|<9.8.0", "8.5p1"),
        ("vers:generic/>=1.0.0|<2.0", "1.0.0-1ubuntu2"),
        ("vers:composer/>=1.0.0|<2.0.0", "1.0.0-p1"),
        ("vers:composer/>=1.9.5|<2.0.0", "1.9.x-dev"),
        ("vers:mozilla/>=115.0.2|<116", "115.0.2esr"),
        ("vers:nginx/>=1.20.0|<1.21.0", "1.20.0-r1"),
        ("vers:npm/>=1.7.0|<2.0.0", "1.x"),
        ("vers:npm/>=1.7.0|<2.0.0", "1.7.0.1"),
        ("vers:gem/>=1.5|<2", "1.x"),
        ("vers:gem/>=1.0|<2", "1.0-java"),
        ("vers:maven/>=2.0|<2.9", "${jackson2.version}"),
        ("vers:maven/>=2.0|<2.9", "[2.0,2.5)"),
        ("vers:rpm/>=2.0|<2.9", "@VERSION_2@"),
        ("vers:conan/>=1.0|<2", "cci.20200101"),
        ("vers:cargo/>=1.0.0|<2.0.0", "1_7"),
        ("vers:alpm/>=1.0|<2", "git+https://host/path#v1.7"),
    ],
)
def test_what_an_ecosystem_does_not_order_is_not_put_in_order(span: str, version: str) -> None:
    """Each of these was said to lie outside, though it may be, or is, inside: a bank would do nothing."""
    with pytest.raises(VersionUnreadable):
        vers.holds(vers.parse(span), version)


@pytest.mark.parametrize(
    ("span", "version"),
    [
        ("vers:golang/>=1.0.0|<2.0.0", "v1.0.0+incompatible"),
        ("vers:npm/<=1.2.3", "1.2.3+build.5"),
        ("vers:npm/1.2.3", "1.2.3+build.5"),
        ("vers:pypi/<=0.26.1", "0.26.1+local.1"),
    ],
)
def test_how_a_release_was_built_does_not_take_it_out_of_a_range(span: str, version: str) -> None:
    """SemVer 10, and PEP 440's local versions: the same release, of which it is not told that it was mended."""
    assert vers.holds(vers.parse(span), version)


@pytest.mark.parametrize("text", ["vers:generic/<1.2.3.10", "vers:npm/<1.0.0+b", "vers:github/<9.8p1", "vers:npm/<1.x"])
def test_a_bound_that_has_no_place_in_the_order_is_refused(text: str) -> None:
    """univers cut 1.2.3.10 down to 1.2.3, so that 1.2.3.9 lay outside."""
    with pytest.raises(RangeRefused):
        vers.parse(text)


numbers = st.tuples(*[st.integers(0, 30)] * 3)


@given(low=numbers, high=numbers, asked=numbers)
def test_a_span_holds_what_lies_between_its_ends(low, high, asked) -> None:
    """The law of half-open spans, against the order of plain tuples."""
    if not low < high:
        return
    span = vers.parse("vers:pypi/>={}|<{}".format(*(".".join(map(str, end)) for end in (low, high))))
    assert vers.holds(span, ".".join(map(str, asked))) is (low <= asked < high)


signs = st.sampled_from(["<", "<=", ">", ">=", "", "!="])


def _plainly(constraints: list[tuple[str, int]], asked: float) -> bool:
    """Say what a range of whole numbers holds, by intervals: the judge of the property below."""
    for sign, number in constraints:
        if asked == number and "=" in sign + ("=" if sign == "" else ""):
            return sign != "!="
    bounds = [(sign, number) for sign, number in constraints if sign and sign != "!="]
    if not bounds:
        return constraints[0][0] == "!="
    below = [sign for sign, number in bounds if number < asked]
    above = [sign for sign, number in bounds if number > asked]
    strictly_at = any(number == asked for _, number in bounds)  # `<` or `>` alone: its own number is outside
    return not strictly_at and (not below or below[-1][0] == ">") and (not above or above[0][0] == "<")


@given(st.dictionaries(st.integers(1, 9), signs, min_size=1, max_size=5), st.integers(0, 20))
@settings(max_examples=500)
def test_what_is_accepted_is_answered_as_plain_intervals_say(chosen: dict[int, str], half: int) -> None:
    """VERS containment, judged by arithmetic: what the library would answer wrongly is refused when it is read."""
    constraints = [(chosen[number], number) for number in sorted(chosen)]
    try:
        span = vers.parse("vers:pypi/" + "|".join(f"{sign}{number}" for sign, number in constraints))
    except RangeRefused:
        return
    assert vers.holds(span, str(half / 2)) is _plainly(constraints, half / 2)


@given(st.text(max_size=40))
def test_hostile_text_ends_in_a_range_or_a_refusal(text: str) -> None:
    """No other error leaves."""
    try:
        vers.parse("vers:pypi/" + text)
    except RangeRefused:
        return
