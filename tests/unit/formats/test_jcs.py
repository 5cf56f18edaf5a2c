import json
import unicodedata

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from sekisho.formats import jcs
from sekisho.formats.jcs import JsonRefused

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(
    lambda text: unicodedata.normalize("NFC", text)
)
_LEAVES = st.none() | st.booleans() | st.integers(-jcs.MAX_INTEGER, jcs.MAX_INTEGER) | _TEXT
JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4), max_leaves=20
)


@given(value=JSON)
def test_what_is_written_reads_back_and_is_canonical(value):
    """Writing and reading are inverse, and the written form is the only one that counts as canonical."""
    data = jcs.canonical(value)
    assert jcs.parse(data) == value
    assert jcs.parse_canonical(data) == value


@given(value=JSON)
@example(value={"\U0001f600": 1, "\ufffd": 2})
@example(value={"b": 1, "a": {"\ue000": 1, "\U00010000": 2}})
@example(value="".join(map(chr, range(0x100))))
def test_the_fast_writer_and_the_independent_one_agree(value):
    """RFC 8785 3.2: escapes, numbers and the order of names are those of the `rfc8785` package, byte for byte."""
    assert jcs.canonical(value) == rfc8785.dumps(value)


class _Number(int):
    def __repr__(self):
        return "0"


def test_a_value_of_another_class_is_not_written_as_that_class_shows_itself():
    """Subclasses of int and str go the slow way, whatever they say of themselves."""
    assert jcs.canonical([_Number(7)]) == b"[7]"
    assert jcs.canonical({"kind": type("Word", (str,), {"__str__": lambda self: "x"})("y")}) == b'{"kind":"y"}'


@given(value=JSON, indent=st.sampled_from([None, 0, 2]))
def test_any_spelling_of_a_value_has_one_canonical_form(value, indent):
    """RFC 8785: white space, order and escapes do not reach the canonical bytes."""
    other = json.dumps(value, indent=indent, ensure_ascii=True).encode()
    assert jcs.canonical(jcs.parse(other)) == jcs.canonical(value)


@given(value=JSON)
def test_another_spelling_is_not_canonical(value):
    """parse_canonical takes the RFC 8785 bytes and no others: one signed value, one spelling."""
    with pytest.raises(JsonRefused):
        jcs.parse_canonical(jcs.canonical(value) + b"\n")


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":1,"\\u0061":2}',
        b"1.0",
        b"1e3",
        b"-0.0",
        b"NaN",
        b"[Infinity]",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b'"\\ud800"',
        b'{"\\udead":1}',
        '"A\u030a"'.encode(),
        '{"A\u030a":1}'.encode(),
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"{}{}",
        b"{}x",
        b"{'a':1}",
        b'{"a":1,}',
        b"// no\n{}",
        b'"a\nb"',
        b"",
        b"\x00",
        b"{}\x00",
        b"\x0c{}",
        "１２".encode(),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(text):
    """Duplicate names, floats, large integers, surrogates, text not in NFC, loose grammar: refused, not repaired."""
    with pytest.raises(JsonRefused):
        jcs.parse(text)


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_ends_at_the_limit(brackets):
    """MAX_DEPTH levels pass and one more does not; ten thousand are a refusal as well, not a crash."""
    opening, closing = brackets
    jcs.parse(opening * jcs.MAX_DEPTH + b"1" + closing * jcs.MAX_DEPTH)
    for depth in (jcs.MAX_DEPTH + 1, 100_000):
        with pytest.raises(JsonRefused):
            jcs.parse(opening * depth + b"1" + closing * depth)


def test_size_ends_at_the_limit():
    """The size is looked at before anything is decoded; only a caller who knows why may allow more."""
    data = b'"' + b"a" * (jcs.MAX_SIZE_BYTES - 1) + b'"'
    with pytest.raises(JsonRefused):
        jcs.parse(data)
    assert len(jcs.parse(data, max_size_bytes=len(data))) == jcs.MAX_SIZE_BYTES - 1


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), {1: "a"}, {"a": object()}, b"a", {"a"}, 2**53, "\ud800", "A\u030a"]
)
def test_nothing_is_written_that_would_not_be_read(value):
    """What `parse` refuses, `canonical` does not produce."""
    with pytest.raises(JsonRefused):
        jcs.canonical(value)


@pytest.mark.parametrize("name", ["arrays", "french"])
def test_the_published_examples_with_integers_come_out_byte_for_byte(vectors, name):
    """RFC 8785's test data, as far as our profile takes it."""
    folder = vectors / "rfc" / "jcs-testdata"
    expected = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())
    assert jcs.canonical(jcs.parse((folder / "input" / f"{name}.json").read_bytes())) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [("structures", "not an integer"), ("values", "not an integer"), ("unicode", "NFC"), ("weird", "NFC")],
)
def test_the_published_examples_outside_our_profile_are_refused(vectors, name, reason):
    """Floats and text that is not NFC are legal JCS; we sign neither (U+FB33 in `weird` is not NFC)."""
    with pytest.raises(JsonRefused, match=reason):
        jcs.parse((vectors / "rfc" / "jcs-testdata" / "input" / f"{name}.json").read_bytes())


def test_names_are_sorted_by_utf_16_code_units(vectors):
    """RFC 8785 3.2.3: an astral character sorts by its first surrogate, below U+FB33, unlike Python's own order."""
    sorting = json.loads((vectors / "rfc" / "rfc8785-jcs.json").read_text())["sorting"]
    members = {name: value for name, value in json.loads(sorting["input"]).items() if name != "\ufb33"}
    ours = list(json.loads(jcs.canonical(members)).values())
    assert ours == [value for value in sorting["values_in_order"] if value in ours]
    assert jcs.canonical({"\ufb00": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb00":1}'.encode()


def test_what_rfc_8785_refuses_is_refused(vectors):
    """RFC 8785 3.2.2: lone surrogates, NaN and the infinities have no canonical form."""
    for case in json.loads((vectors / "rfc" / "rfc8785-jcs.json").read_text())["must_fail"]:
        if case["json_text"] is not None:
            with pytest.raises(JsonRefused):
                jcs.parse(case["json_text"].encode())
