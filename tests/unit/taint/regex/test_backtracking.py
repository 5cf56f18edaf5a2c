"""The verdict on a pattern, held against a naive matcher that counts what it tries."""

import re
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.taint.regex import Growth, PatternRefused, growth_of, parse_pattern
from sekisho.taint.regex.syntax import Assertion, Atomic, Chars, Either, Pattern, Repeat, Sequence

EXPONENTIAL = [
    (r"(a+)+$", "a"),
    (r"(a|aa)+$", "a"),
    (r"(a|a)*b", "a"),
    (r"(a*)*b", "a"),
    (r"^(\w+\s?)*$", "a"),
    (r"(x+x+)+y", "x"),
    (r"(\d+,?)*;", "1"),
    (r'"(""|\\\\|\\"|[^"])*"', "\\\\"),
    (r"(a(b|bb)*c)*", "b"),
    (r"([a-z]+)*\d", "q"),
    (r"(?P<word>[^,]+|\w)*!", "k"),
    ("(?x) ( a +  # one or more\n )+ $", "a"),
    (r"(?=(a+)+b)c", "a"),
    (r"(.*)*x", "z"),
    (r"(a{1,60}){2,60}b", "a"),
]
POLYNOMIAL = [r"a*a*b", r"\s*\n\s*$", r"\d+\d+x", r"^(.*),(.*),$", r"\w+\s*\w+;"]
LINEAR = [
    r"(a|b)*c",
    r"[a-z]+@[a-z]+\.com",
    r"(a+)+",
    r"(?:a+)*+b",
    r"(?>(a+)+)b",
    r"\d+(\.\d+)*$",
    r"`(``|[^`])*`",
    r'"(""|\\"|[^"])*"',
    r"^[^/]+/[^/]+$",
    r"(foo|bar)+$",
    r"(,\d+)*;",
    "",
]


@pytest.mark.parametrize("text", [text for text, _ in EXPONENTIAL])
def test_a_loop_that_reads_one_text_in_two_ways_is_exponential(text):
    """Two ways back to one place, and a match that can fail after it."""
    assert growth_of(text) is Growth.EXPONENTIAL


@pytest.mark.parametrize("text", POLYNOMIAL)
def test_two_loops_that_share_a_text_are_polynomial(text):
    """Where the first ends and the second begins can be chosen."""
    assert growth_of(text) is Growth.POLYNOMIAL


@pytest.mark.parametrize("text", LINEAR)
def test_what_can_be_read_in_one_way_is_linear(text):
    """Or what always succeeds once it has begun."""
    assert growth_of(text) is Growth.LINEAR


def test_a_pattern_that_must_reach_the_end_can_fail_where_another_succeeds():
    """`fullmatch` puts an end behind a pattern that has none."""
    assert growth_of(r"(a|aa)*") is Growth.LINEAR
    assert growth_of(r"(a|aa)*", to_the_end=True) is Growth.EXPONENTIAL


def test_flags_change_what_is_read():
    """A blank is nothing under VERBOSE, and a dot takes a line's end under DOTALL."""
    assert growth_of("( a | a)*b") is Growth.LINEAR
    assert growth_of("( a | a)*b", verbose=True) is Growth.EXPONENTIAL
    assert growth_of(r"(.|\n)*b") is Growth.LINEAR
    assert growth_of(r"(.|\n)*b", dotall=True) is Growth.EXPONENTIAL


@pytest.mark.parametrize(
    "text", ["(", ")", "*", "[a", "a{2}{", "(?P<n", r"\x1", "[b-a]", "(?q)", "\\", "(" * 99 + ")" * 99, "a" * 6000]
)
def test_what_cannot_be_read_is_not_judged(text):
    """UNKNOWN, never an error: patterns come out of hostile files."""
    assert growth_of(text) in {Growth.UNKNOWN, Growth.LINEAR}


def test_a_pattern_too_large_to_judge_is_unknown():
    """Positions and steps are bounded."""
    assert growth_of("|".join(f"word{n}" for n in range(200))) is Growth.UNKNOWN


@given(st.text(alphabet="ab()|*+?{}2,[]^$\\.-:=!<>P#sdw ", max_size=30))
@settings(deadline=None, max_examples=400)
def test_any_text_gets_a_verdict(text):
    """And what Python compiles is read, but for what this reader says it does not know."""
    assert growth_of(text) in set(Growth)
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return
    parse_pattern(text)


def _atoms() -> st.SearchStrategy[str]:
    return st.sampled_from(["a", "b", "[ab]", "[^a]", "."])


patterns = st.recursive(
    _atoms(),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda arms: f"({arms[0]}|{arms[1]})"),
        inner.map(lambda part: f"({part})*"),
        inner.map(lambda part: f"({part})+"),
        inner.map(lambda part: f"({part})?"),
    ),
    max_leaves=6,
)


@given(patterns, st.sampled_from(["a", "b", "ab", "aa", "ba"]))
@settings(deadline=None, max_examples=300)
def test_what_is_called_linear_never_explodes(text, pump):
    """A naive matcher, made to fail at the end, tries only so much more as the text grows."""
    if growth_of(text, to_the_end=True) is Growth.LINEAR:
        assert _tries(text, pump * 12 + "!") < 4_000


@pytest.mark.parametrize(("text", "pump"), [pair for pair in EXPONENTIAL if not pair[0].startswith(("(?=", "(a{"))])
def test_what_is_called_exponential_does(text, pump):
    """The naive matcher tries at least half as much again for each two more of the text that is pumped."""
    begin = {"(a(b|bb)*c)*": "a", '"(""|\\\\\\\\|\\\\"|[^"])*"': '"'}.get(text, "")
    whole = text + "!" if growth_of(text) is Growth.EXPONENTIAL else text
    few, many = (_tries(whole, begin + pump * count + "\n") for count in (4, 7))
    assert many > few * 3


def _tries(text: str, subject: str) -> int:
    """Return how many characters a naive matcher of the whole `subject` compares before it gives up."""
    counter = [0]
    pattern, _ = parse_pattern(text)
    any(end == len(subject) for end in _match(pattern, subject, 0, counter))
    return counter[0]


def _match(pattern: Pattern, subject: str, at: int, counter: list[int]) -> Iterator[int]:
    match pattern:
        case Chars():
            counter[0] += 1
            if counter[0] > 50_000:
                return
            if at < len(subject) and any(low <= ord(subject[at]) <= high for low, high in pattern.ranges):
                yield at + 1
        case Assertion():
            yield at
        case Atomic():
            yield from _match(pattern.part, subject, at, counter)
        case Sequence(()):
            yield at
        case Sequence():
            for middle in _match(pattern.parts[0], subject, at, counter):
                yield from _match(Sequence(pattern.parts[1:]), subject, middle, counter)
        case Either():
            for arm in pattern.arms:
                yield from _match(arm, subject, at, counter)
        case Repeat():
            yield from _repeat(pattern, subject, at, counter)


def _repeat(pattern: Repeat, subject: str, at: int, counter: list[int]) -> Iterator[int]:
    if pattern.most != 0:
        rest = Repeat(pattern.part, max(pattern.least - 1, 0), None if pattern.most is None else pattern.most - 1)
        for middle in _match(pattern.part, subject, at, counter):
            if middle > at:
                yield from _match(rest, subject, middle, counter)
    if pattern.least == 0:
        yield at


def test_a_refused_pattern_is_an_error_of_the_reader_alone():
    """Whoever asks for the tree is told why there is none."""
    with pytest.raises(PatternRefused):
        parse_pattern("(")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$", Growth.LINEAR),
        ("^(?:;a{0,4}b)+$", Growth.LINEAR),
        ("^(?:[a-z]{1,8})*$", Growth.EXPONENTIAL),
        ("^(?:a{1,3}b?)*$", Growth.EXPONENTIAL),
    ],
)
def test_a_number_of_times_is_counted_in_one_way(text, expected):
    """A counted repetition is ambiguous only if what is around it can take over."""
    assert growth_of(text) is expected
