import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.policy import PolicyRefused, quote_string, quote_uid
from sekisho.policy.quoting import MAX_QUOTED_LENGTH

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
HOSTILE = [
    '"',
    "\\",
    '\\"',
    '"); permit (principal, action, resource); //',
    '" || true || "',
    '\n@id("x")\npermit (principal, action, resource);',
    "\\u{22}",
    "\\u0022",
    "*",
    "\\*",
    "\x00\x07\x7f\x85\u2028\u2029\u202e\ufeff",
    "＂",
    "\U0001f600",
    "{}${x}%s",
    "::Sekisho::Action",
]


def _value_in_policy(literal):
    """What Cedar reads when `literal` stands for an entity's id; exactly one policy must come of it."""
    policies = cedarpy.PolicySet.from_str(f"permit (principal == Sekisho::Asset::{literal}, action, resource);")
    [policy] = policies.to_pst().static_policies.values()
    return policy.principal.entity.id


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_one_literal(text):
    """Whatever an id holds, Cedar reads that id back, and nothing beside it."""
    assert _value_in_policy(quote_string(text)) == text


@given(text=TEXT)
def test_any_text_reads_back_as_itself(text):
    """The quoting is exact for all of Unicode."""
    assert _value_in_policy(quote_string(text)) == text


@given(text=TEXT)
def test_a_literal_holds_no_character_that_could_end_it(text):
    """By the letters alone: printable ASCII between the quotes, each backslash an escape by number."""
    body = quote_string(text)[1:-1]
    assert '"' not in body
    assert body.isascii()
    assert body.isprintable() or body == ""
    assert body.count("\\") == body.count("\\u{")


def test_a_uid_names_our_namespace():
    """An id cannot move into another kind."""
    assert quote_uid("Asset", 'ast_1"::x') == 'Sekisho::Asset::"ast_1\\u{22}::x"'


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "a" * (MAX_QUOTED_LENGTH + 1)])
def test_what_cannot_be_quoted_is_refused(text):
    """A lone surrogate has no place in Cedar's text, and nothing of ours is that long."""
    with pytest.raises(PolicyRefused):
        quote_string(text)
