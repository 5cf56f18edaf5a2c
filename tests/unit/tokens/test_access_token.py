"""Access tokens: five minutes, one gate, one key, one scope."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core import Reason
from sekisho.tokens import (
    AccessToken,
    CallScope,
    KeyRefused,
    TokenExpired,
    TokenRefused,
    encode_key_set,
    issue_access_token,
    parse_key_set,
    peek_audience,
    verify_access_token,
)
from sekisho.tokens.jws import sign_compact

from .conftest import ED25519, P256

ISSUER, GATE = "http://127.0.0.1:8440", "http://127.0.0.1:8441"
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def made(**changes) -> AccessToken:
    fields = {
        "principal_id": "wkl_1",
        "jkt": P256.public.thumbprint,
        "scope": CallScope(technique="find", asset="ast_1"),
        "jti": "tok_0123456789abcdef",
        "issued_at": AT,
        "expires_at": AT + timedelta(seconds=300),
    }
    return AccessToken(**{**fields, **changes})


def claims_of(**changes) -> dict[str, object]:
    seconds = int(AT.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": GATE,
        "sub": "wkl_1",
        "client_id": "wkl_1",
        "iat": seconds,
        "exp": seconds + 300,
        "jti": "tok_0123456789abcdef",
        "cnf": {"jkt": P256.public.thumbprint},
        "authorization_details": [{"type": "sekisho_call", "asset": "ast_1", "case": None, "technique": "find"}],
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not ...}


def verify(text: str, *, keys=(P256, ED25519), at=AT, issuer=ISSUER, audience=GATE) -> AccessToken:
    known = {key.public.thumbprint: key.public for key in keys}
    return verify_access_token(text, keys=known, issuer=issuer, audience=audience, at=at)


@settings(deadline=None, max_examples=50)
@given(
    key=st.sampled_from([P256, ED25519]),
    asset=st.none() | st.just("ast_1"),
    case=st.none() | st.just("cas_1"),
    life_s=st.integers(1, 300),
)
def test_what_is_issued_is_verified(key, asset, case, life_s):
    """RFC 9068 2 and 4: a token says what was issued, until it ends."""
    scope = CallScope(technique="find", asset=asset, case=case)
    token = made(scope=scope, expires_at=AT + timedelta(seconds=life_s))
    text = issue_access_token(token, key=key, issuer=ISSUER, audience=GATE)
    assert verify(text) == token
    assert verify(text, at=token.expires_at - SECOND) == token
    assert peek_audience(text) == GATE
    with pytest.raises(TokenExpired):
        verify(text, at=token.expires_at)


@settings(deadline=None, max_examples=100)
@given(key=st.sampled_from([P256, ED25519]), data=st.data())
def test_any_flipped_bit_is_refused(key, data):
    """A token is good as it is, and only as it is."""
    raw = bytearray(issue_access_token(made(), key=key, issuer=ISSUER, audience=GATE).encode())
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TokenRefused):
        verify(raw.decode("latin-1"))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://attacker.example"},
        {"aud": "http://127.0.0.1:9999"},
        {"aud": [GATE]},
        {"aud": [GATE, "http://127.0.0.1:9999"]},
        {"sub": "wkl_2"},
        {"sub": "", "client_id": ""},
        {"client_id": "wkl_2"},
        {"iat": "0"},
        {"iat": True},
        {"iat": -1},
        {"exp": 2**52},
        {"exp": int(AT.timestamp()) + 301},
        {"exp": int(AT.timestamp())},
        {"jti": "short"},
        {"jti": 7},
        {"cnf": {}},
        {"cnf": {"jkt": "x"}},
        {"cnf": {"jkt": P256.public.thumbprint, "x5t#S256": "y"}},
        {"cnf": None},
        {"authorization_details": []},
        {"scope": "admin"},
        {"nbf": 0},
        *({name: ...} for name in claims_of()),
    ],
    ids=str,
)
def test_a_signed_token_that_says_something_else_is_refused(changes):
    """The issuer's signature is not enough: every claim is of one type, present, and nothing else is there."""
    header = {"typ": "at+jwt", "kid": P256.public.thumbprint}
    assert verify(sign_compact(claims_of(), header=header, key=P256)) == made()
    with pytest.raises(TokenRefused) as refused:
        verify(sign_compact(claims_of(**changes), header=header, key=P256))
    assert refused.value.reason is Reason.TOKEN_REFUSED


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT", "kid": P256.public.thumbprint},
        {"typ": "dpop+jwt", "kid": P256.public.thumbprint},
        {"kid": P256.public.thumbprint},
        {"typ": "at+jwt"},
        {"typ": "at+jwt", "kid": ED25519.public.thumbprint},
        {"typ": "at+jwt", "kid": "A" * 43},
    ],
    ids=str,
)
def test_another_kind_of_jwt_or_key_is_refused(header):
    """RFC 8725 3.11: a JWT that the same issuer signed for something else is no access token."""
    with pytest.raises(TokenRefused):
        verify(sign_compact(claims_of(), header=header, key=P256))


def test_a_token_from_the_future_waits_but_for_a_few_seconds_of_skew():
    """The issuer's clock may run five seconds ahead, no more."""
    text = issue_access_token(made(), key=P256, issuer=ISSUER, audience=GATE)
    assert verify(text, at=AT - 5 * SECOND) == made()
    with pytest.raises(TokenExpired) as refused:
        verify(text, at=AT - 6 * SECOND)
    assert refused.value.reason is Reason.TOKEN_EXPIRED


@pytest.mark.parametrize("life_s", [301, 0, -1])
def test_no_token_is_issued_for_longer_than_five_minutes(life_s):
    """The bound holds at both ends."""
    with pytest.raises(TokenRefused):
        issue_access_token(made(expires_at=AT + timedelta(seconds=life_s)), key=P256, issuer=ISSUER, audience=GATE)


def test_a_key_set_names_each_key_by_its_thumbprint():
    """RFC 7517 5: the set comes back as it went; a kid that someone chose, a copy or a private key is refused."""
    keys = [P256.public, ED25519.public]
    encoded = encode_key_set(keys)
    assert parse_key_set(encoded) == {key.thumbprint: key for key in keys}
    first = encoded["keys"][0]
    for listed in ([], [first, first], [{**first, "kid": "mine"}], [{**first, "d": "AA"}], [None], "x", None):
        with pytest.raises(KeyRefused):
            parse_key_set({"keys": listed})
    with pytest.raises(KeyRefused):
        parse_key_set([first])
