"""What a regular expression lets through."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.taint.engine.patterns import judge_pattern

KINDS = frozenset({"path", "sql", "command", "html", "argument", "redirect"})


@pytest.mark.parametrize(
    ("pattern", "matcher", "safe"),
    [
        (r"[a-z]+$", "match", KINDS),
        (r"[a-z]+", "match", frozenset()),
        (r"[a-z]+", "fullmatch", KINDS),
        (r"^[a-z]+$", "search", KINDS),
        (r"[a-z]+$", "search", frozenset()),
        (r"^.*$", "match", frozenset()),
        (r"^[^/]+$", "match", frozenset()),
        (r"^\S+$", "match", frozenset()),
        (r"^\w+\.txt$", "match", KINDS),
        (r"^[\w/]+$", "match", KINDS - {"path", "redirect"}),
        (r"^[\w-]+$", "match", KINDS - {"argument"}),
        (r"^\w[\w-]*$", "match", KINDS),
        (r"^[!-~]+$", "match", frozenset()),
        (r"^a|b$", "match", frozenset()),
        (r"^(a|b)$", "match", KINDS),
        (r"^\d{4}-\d{2}$", "match", KINDS),
    ],
)
def test_a_pattern_is_a_guard_for_what_it_does_not_let_through(pattern, matcher, safe):
    """Held at both ends and narrow, or it is no guard."""
    found, why = judge_pattern(pattern, matcher, KINDS)
    assert found == safe
    assert bool(why) is (not safe and pattern != r"^[!-~]+$")


@given(text=st.text(alphabet="ab/.. ;'\"<>-", min_size=1, max_size=6), allowed=st.sets(st.sampled_from("ab./ ;'<-")))
def test_what_is_called_safe_for_paths_holds_no_separator(text, allowed):
    """If a class is judged safe for paths, no text that matches it has a separator."""
    if not allowed:
        return
    pattern = "^[" + "".join(re.escape(character) for character in sorted(allowed)) + "]+$"
    safe, _ = judge_pattern(pattern, "match", KINDS)
    if re.match(pattern, text) and "path" in safe:
        assert "/" not in text
    if re.match(pattern, text) and "sql" in safe:
        assert "'" not in text
