"""Hostile input: reported or analysed, never a crash, never a hang, never silence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.taint import Budget, NotAnalyzed, analyze, lower

FLOW = b"def run(text):\n    eval(text)\n"
HOSTILE = {
    "NUL byte": b"x = 1\0\n" + FLOW,
    "not UTF-8": b"x = '\xff\xfe'\n" + FLOW,
    "a codec that runs code": b"# coding: rot13\nx = '\xff'\n",
    "a codec that takes quadratic time": b"# coding: punycode\nx = '\xff'\n",
    "declared falsely": b"# coding: utf-8\nx = '\xe9'\n",
    "too large": b"x = 1\n" * 1_000_000,
}
DEEP = {
    "brackets": b"x = " + b"(" * 10_000 + b")" * 10_000 + b"\n",
    "lists": b"x = " + b"[" * 10_000 + b"]" * 10_000 + b"\n",
    "unclosed": b"x = " + b"[" * 10_000 + b"\n",
    "calls": b"x = " + b"f(" * 10_000 + b")" * 10_000 + b"\n",
    "a chain of calls": b"x = a" + b".b()" * 10_000 + b"\n",
    "a chain of indexes": b"x = a" + b"[0]" * 10_000 + b"\n",
    "not": b"x = " + b"not " * 10_000 + b"a\n",
    "minus": b"x = " + b"- " * 10_000 + b"1\n",
    "lambdas": b"x = " + b"lambda: " * 10_000 + b"1\n",
    "choices": b"x = " + b"1 if a else " * 10_000 + b"2\n",
    "powers": b"x = " + b"a ** " * 10_000 + b"2\n",
    "blocks": b"".join(b" " * depth + b"if a:\n" for depth in range(1_000)) + b" " * 1_000 + b"pass\n",
    "functions": b"".join(b" " * depth + b"def f():\n" for depth in range(500)) + b" " * 500 + b"pass\n",
    "patterns": b"match a:\n case " + b"[" * 5_000 + b"]" * 5_000 + b":\n  pass\n",
    "f-strings": b"x = " + b'f"{' * 500 + b"a" + b'}"' * 500 + b"\n",
}
WIDE = {
    "a sum": b"def run(text):\n    x = 'a'" + b" + 'a'" * 5_000 + b" + text\n    eval(x)\n",
    "an elif ladder": b"def run(text):\n    if text == 0: pass\n"
    + b"".join(b"    elif text == %d: pass\n" % number for number in range(2_000))
    + b"    eval(text)\n",
    "a chain of or": b"def run(text):\n    x = 0" + b" or 0" * 5_000 + b" or text\n    eval(x)\n",
    "assignments": b"def run(text):\n    x = text\n" + b"    x = x\n" * 10_000 + b"    eval(x)\n",
    "a chain of targets": b"def run(text):\n    " + b"x = " * 2_000 + b"text\n    eval(x)\n",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_cannot_be_read_is_reported(name):
    """A file that is not text is a gap, with a reason; the other files are analysed."""
    analysis = analyze({"bad.py": HOSTILE[name], "good.py": FLOW})
    assert [gap.path for gap in analysis.not_analyzed] == ["bad.py"]
    assert analysis.not_analyzed[0].reason
    assert [finding.location.path for finding in analysis.findings] == ["good.py"]


@pytest.mark.parametrize("name", sorted(DEEP))
def test_nesting_beyond_all_reason_is_a_gap_and_no_crash(name):
    """What lies too deep is reported; what stands beside it is analysed."""
    analysis = analyze({"deep.py": FLOW + DEEP[name]})
    assert [gap.path for gap in analysis.not_analyzed] == ["deep.py"]
    assert [finding.location.line for finding in analysis.findings] == [2]


@pytest.mark.parametrize("name", sorted(WIDE))
def test_length_is_not_depth(name):
    """Long is not deep: the flow through it is found, and nothing is left out."""
    analysis = analyze({"wide.py": WIDE[name]})
    assert analysis.not_analyzed == ()
    assert {finding.rule_id for finding in analysis.findings} == {"code-execution"}


def test_two_megabytes_of_data_are_no_obstacle():
    """Tables of constants are cut short; code after them is still analysed."""
    rows = b"".join(b"    ('key%d', %d, 'some text that is data'),\n" % (number, number) for number in range(45_000))
    analysis = analyze({"data.py": b"TABLE = [\n" + rows + b"]\n" + FLOW})
    assert [finding.rule_id for finding in analysis.findings] == ["code-execution"] or analysis.not_analyzed


def test_a_broken_file_is_analysed_as_far_as_it_parses():
    """A syntax error is a gap with its line, not the end."""
    analysis = analyze({"broken.py": b"def f(:\n    pass\n" + FLOW + b"class\n"})
    assert [gap.path for gap in analysis.not_analyzed] == ["broken.py"]
    assert "line 1" in analysis.not_analyzed[0].reason
    assert [finding.location.line for finding in analysis.findings] == [4]


def test_a_spent_budget_is_reported():
    """A function, or a program, that takes too many steps is a gap; nothing is dropped in silence."""
    text = b"def busy(a):\n" + b"    a = a + 1\n" * 200 + FLOW
    one = analyze({"busy.py": text}, budget=Budget(steps_per_function=100))
    assert any("busy takes more than 100 steps" in gap.reason for gap in one.not_analyzed)
    assert [finding.rule_id for finding in one.findings] == ["code-execution"]
    whole = analyze({"busy.py": text}, budget=Budget(steps=10))
    assert whole.not_analyzed


def test_tests_within_tests_do_not_explode():
    """Every level of `and` and `or` is looked at a few times, not twice as often as the level above."""
    test = b"a"
    for level in range(30):
        test = b"(%s %s b)" % (test, b"and" if level % 2 else b"or")
    analysis = analyze({"t.py": b"def run(a, b, text):\n    if not %s:\n        eval(text)\n" % test})
    assert analysis.findings or analysis.not_analyzed


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_lowered_or_refused(data):
    """Random bytes give an IR or a reason."""
    result = lower("a.py", data)
    assert isinstance(result, NotAnalyzed) or result.path == "a.py"
    analyze({"a.py": data})


@settings(deadline=None, max_examples=120)
@given(data=st.data())
def test_mutated_programs_are_analysed(data, all_twins):
    """Cut, doubled and swapped pieces of real code: broken in every way, analysed all the same."""
    pieces = [text for pair in all_twins for text in pair.vulnerable.values()]
    text = data.draw(st.sampled_from(pieces))
    other = data.draw(st.sampled_from(pieces))
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    at = data.draw(st.integers(0, len(other)))
    mutated = (
        other[:at] + text[start:end] + data.draw(st.sampled_from([b"", b"(", b"'", b"\n  ", b":", b"\\"])) + other[at:]
    )
    analysis = analyze({"a.py": mutated, "b.py": text[:end]})
    assert analysis.files == 2


def test_a_lambda_outside_of_any_function_is_looked_at():
    """Its summary may change what calls it, and it may call what changes; it has no place in the order of work."""
    text = (
        b"def later(code):\n    return first(code)\nrun = lambda code: later(code)\ndef first(code):\n    eval(code)\n"
    )
    assert {finding.rule_id for finding in analyze({"a.py": text}).findings} == {"code-execution"}
