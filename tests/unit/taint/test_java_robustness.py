"""Hostile Java: reported or analysed, never a crash, never a hang, never silence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.taint import NotAnalyzed, analyze, lower

FLOW = b"public class Good { public void run(javax.script.ScriptEngine e, String text) { e.eval(text); } }\n"
HOSTILE = {
    "NUL byte": b"class A { }\0\n",
    "too large": b"class A { }\n" * 400_000,
}
N = 5_000
DEEP = {
    "brackets": b"int x = " + b"(" * N + b"1" + b")" * N + b";",
    "arrays": b"int[] x = " + b"{" * N + b"}" * N + b";",
    "calls": b"int x = " + b"f(" * N + b")" * N + b";",
    "a chain of calls": b"int x = a" + b".b()" * N + b";",
    "a chain of fields": b"int x = a" + b".b" * N + b";",
    "not": b"boolean x = " + b"!" * N + b"a;",
    "casts": b"Object x = " + b"(A) " * N + b"a;",
    "lambdas": b"Object x = " + b"a -> " * N + b"1;",
    "choices": b"Object x = " + b"a ? 1 : " * N + b"2;",
    "objects": b"Object x = " + b"new A() { Object y = " * 500 + b"1" + b"; }" * 500 + b";",
    "classes": b"class B { " * 1_000 + b"}" * 1_000,
    "blocks": b"void g() { " + b"if (a) { " * 1_000 + b"}" * 1_000 + b"}",
    "switches": b"Object x = " + b"switch (a) { default -> " * 300 + b"1;" + b" };" * 300,
}
WIDE = {
    "a sum": b'String x = "a"' + b' + "a"' * 5_000 + b" + text; e.eval(x);",
    "an else ladder": b'if (text == "0") { } '
    + b"".join(b'else if (text == "%d") { } ' % number for number in range(1_500))
    + b"e.eval(text);",
    "a chain of or": b"boolean x = a" + b" || a" * 5_000 + b"; e.eval(text);",
    "assignments": b"String x = text; " + b"x = x; " * 10_000 + b"e.eval(x);",
    "cases": b"switch (n) { " + b"".join(b"case %d: f(); " % number for number in range(500)) + b"} e.eval(text);",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_cannot_be_read_is_reported(name):
    """A file that is not text is a gap, with a reason; the other files are analysed."""
    analysis = analyze({"Bad.java": HOSTILE[name], "Good.java": FLOW})
    assert [gap.path for gap in analysis.not_analyzed] == ["Bad.java"]
    assert [finding.location.path for finding in analysis.findings] == ["Good.java"]


@pytest.mark.parametrize("name", sorted(DEEP))
def test_nesting_beyond_all_reason_is_a_gap_and_no_crash(name):
    """What lies too deep is reported; what stands beside it is analysed."""
    analysis = analyze({"Deep.java": FLOW + b"class Deep { " + DEEP[name] + b" }\n"})
    assert [gap.path for gap in analysis.not_analyzed] == ["Deep.java"]
    assert [finding.location.line for finding in analysis.findings] == [1]


@pytest.mark.parametrize("name", sorted(WIDE))
def test_length_is_not_depth(name):
    """Long is not deep: the flow through it is found, and nothing is left out."""
    head = b"public class W { public void run(javax.script.ScriptEngine e, String text, int n, boolean a) { "
    analysis = analyze({"Wide.java": head + WIDE[name] + b" } void f() { } }"})
    assert analysis.not_analyzed == ()
    assert {finding.rule_id for finding in analysis.findings} == {"code-execution"}


def test_a_broken_file_is_analysed_as_far_as_it_parses():
    """A syntax error is a gap with its line, not the end."""
    analysis = analyze({"Broken.java": b"class Broken { void f( { } }\n" + FLOW})
    assert [gap.path for gap in analysis.not_analyzed] == ["Broken.java"]
    assert [finding.location.line for finding in analysis.findings] == [2]


def test_what_is_not_utf_8_is_read_all_the_same():
    """A Java file does not say its encoding; Latin-1 gives every byte a meaning."""
    analysis = analyze({"Old.java": b"// caf\xe9\n" + FLOW})
    assert analysis.not_analyzed == ()
    assert [finding.location.line for finding in analysis.findings] == [2]


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_lowered_or_refused(data):
    """Random bytes give an IR or a reason."""
    result = lower("A.java", data)
    assert isinstance(result, NotAnalyzed) or (result.path, result.language) == ("A.java", "java")
    analyze({"A.java": data})


_PLACES = st.integers(0, 1 << 16)


@settings(deadline=None, max_examples=120)
@given(
    which=st.tuples(_PLACES, _PLACES),
    places=st.tuples(_PLACES, _PLACES, _PLACES),
    noise=st.sampled_from([b"", b"(", b'"', b"{", b"}", b";", b"->", b'"""']),
)
def test_mutated_programs_are_analysed(which, places, noise, all_twins):
    """Cut, doubled and swapped pieces of real code: broken in every way, analysed all the same."""
    pieces = [text for pair in all_twins for path, text in pair.vulnerable.items() if path.endswith(".java")]
    text, other = (pieces[number % len(pieces)] for number in which)
    start, end = sorted(place % (len(text) + 1) for place in places[:2])
    at = places[2] % (len(other) + 1)
    analysis = analyze({"A.java": other[:at] + text[start:end] + noise + other[at:], "B.java": text[:end]})
    assert analysis.files == 2


@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_the_order_of_the_files_is_nothing(data, all_twins):
    """Whatever order the sources come in, the result is the same, byte for byte."""
    pairs = [pair for pair in all_twins if any(path.endswith(".java") for path in pair.vulnerable)][::5]
    program = {
        f"p{number}/{path}": b"package p%d;\n" % number + text if b"package " not in text else text
        for number, pair in enumerate(pairs)
        for path, text in pair.vulnerable.items()
    }
    shuffled = dict(data.draw(st.permutations(sorted(program.items()))))
    assert repr(analyze(shuffled)) == repr(analyze(program))
