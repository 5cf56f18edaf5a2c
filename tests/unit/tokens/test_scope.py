"""Authorization details: exactly one scope."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.tokens import CallScope, ScopeRefused, encode_details, parse_details, parse_details_text

GOOD = {"type": "sekisho_call", "asset": "ast_1", "case": None, "technique": "find"}
identifiers = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}\Z")


@given(asset=st.none() | identifiers, case=st.none() | identifiers)
def test_what_is_encoded_is_parsed(asset, case):
    """RFC 9396 2: the details come back as they went."""
    scope = CallScope(technique="find", asset=asset, case=case)
    assert parse_details_text(json.dumps(encode_details(scope)).encode()) == scope


def test_no_asset_is_left_out():
    """A call without an asset has no member for it, so that the gate denies by absence and not by a word."""
    assert encode_details(CallScope(technique="find")) == [{"type": "sekisho_call", "case": None, "technique": "find"}]


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        "x",
        [],
        [GOOD, GOOD],
        ["x"],
        [{**GOOD, "type": "payment"}],
        [{**GOOD, "locations": ["x"]}],
        [{**GOOD, "asset": ["ast_1", "ast_2"]}],
        [{**GOOD, "asset": ""}],
        [{**GOOD, "asset": "a" * 129}],
        [{**GOOD, "asset": "ast_1\n"}],
        [{**GOOD, "case": 7}],
        [{**GOOD, "technique": None}],
        [{**GOOD, "technique": "Find"}],
        [{**GOOD, "technique": "find\n"}],
        [{name: value for name, value in GOOD.items() if name != "technique"}],
    ],
    ids=str,
)
def test_two_scopes_or_half_a_scope_are_none(value):
    """Several permissions in one token, or one that is not understood, would be used without being named."""
    with pytest.raises(ScopeRefused):
        parse_details(value)


@pytest.mark.parametrize("text", [b"", b"[", b'[{"type":"a","type":"sekisho_call"}]', b"[" * 5000])
def test_text_is_strict_json(text):
    """A token request's details have one reading."""
    with pytest.raises(ScopeRefused):
        parse_details_text(text)
