"""Client assertions: one client, one issuer, one minute."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.tokens import AssertionRefused, ClientAssertion, SigningKey, make_client_assertion, verify_client_assertion
from sekisho.tokens.jws import sign_compact

from .conftest import ED25519, P256

ISSUER = "http://127.0.0.1:8440"
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
JTI = "jti_0123456789abcdef"
SECOND_KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
ENROLLED = {"wkl_1": P256.public, "wkl_2": ED25519.public}


def verify(text: str, at: datetime = AT) -> ClientAssertion:
    return verify_client_assertion(text, find_key=ENROLLED.get, issuer=ISSUER, at=at)


def claims_of(**changes) -> dict[str, object]:
    claims = {"iss": "wkl_1", "sub": "wkl_1", "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": JTI}
    return {name: value for name, value in {**claims, **changes}.items() if value is not ...}


@pytest.mark.parametrize(("client_id", "key"), [("wkl_1", P256), ("wkl_2", ED25519)])
def test_a_client_is_who_its_enrolled_key_says(client_id, key):
    """RFC 7523 3: verified, with what the caller needs to take it only once."""
    text = make_client_assertion(client_id=client_id, issuer=ISSUER, key=key, jti=JTI, at=AT)
    expected = ClientAssertion(client_id=client_id, jti=JTI, replay_until=AT + timedelta(seconds=60))
    assert verify(text) == expected
    for late in (60, 600):
        with pytest.raises(AssertionRefused):
            verify(text, at=AT + timedelta(seconds=late))
    with pytest.raises(AssertionRefused):
        verify(text, at=AT - timedelta(seconds=31))


def test_unknown_clients_and_false_signatures_read_the_same():
    """A guess teaches nothing about who is enrolled."""
    unknown = make_client_assertion(client_id="wkl_9", issuer=ISSUER, key=P256, jti=JTI, at=AT)
    false = make_client_assertion(client_id="wkl_2", issuer=ISSUER, key=SECOND_KEY, jti=JTI, at=AT)
    messages = set()
    for text in (unknown, false):
        with pytest.raises(AssertionRefused) as refused:
            verify(text)
        messages.add(str(refused.value))
    assert len(messages) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "wkl_2"},
        {"sub": "wkl_2"},
        {"sub": "", "iss": ""},
        {"aud": "http://attacker.example"},
        {"aud": ISSUER + "/oauth/token"},
        {"aud": [ISSUER]},
        {"exp": NOW + 61},
        {"exp": NOW},
        {"exp": True},
        {"iat": NOW - 3600},
        {"iat": NOW + 31, "exp": NOW + 60},
        {"jti": "short"},
        {"scope": "admin"},
        *({name: ...} for name in claims_of()),
    ],
    ids=str,
)
def test_an_assertion_for_someone_or_something_else_is_refused(changes):
    """FAPI 2.0: the audience is the issuer alone, the life at most a minute, every claim is there."""
    assert verify(sign_compact(claims_of(), header={}, key=P256)).client_id == "wkl_1"
    with pytest.raises(AssertionRefused):
        verify(sign_compact(claims_of(**changes), header={}, key=P256))


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", ""])
def test_another_kind_of_jwt_is_refused(typ):
    """RFC 8725 3.11: a proof that a client made is no assertion."""
    with pytest.raises(AssertionRefused):
        verify(sign_compact(claims_of(), header={"typ": typ}, key=P256))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_flipped_bit_is_refused(data):
    """An assertion is good as it is, and only as it is."""
    raw = bytearray(make_client_assertion(client_id="wkl_1", issuer=ISSUER, key=P256, jti=JTI, at=AT).encode())
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(AssertionRefused):
        verify(raw.decode("latin-1"))
