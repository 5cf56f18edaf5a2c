"""Compact JWS: one spelling, one algorithm, no header parameter that nobody asked for."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.tokens import KeyRefused, ProofRefused, parse_jwk
from sekisho.tokens.jws import MAX_COMPACT_BYTES, Unverified, open_compact, sign_compact, verify_compact

from .conftest import ED25519, P256

NAMES = frozenset({"alg", "typ"})


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def take(text: str, key) -> object:
    return verify_compact(open_compact(text, names=NAMES, refused=ProofRefused), key.public, refused=ProofRefused)


def test_wycheproof_agrees_about_es256(vectors):
    """Wycheproof json_web_signature: of the P-256 cases exactly the valid ones pass the signature check."""
    suite = json.loads((vectors / "wycheproof" / "json_web_signature_test.json").read_bytes())
    groups = [group for group in suite["testGroups"] if group.get("public", {}).get("crv") == "P-256"]
    verdicts = {
        case["tcId"]: (passes(group["public"], case["jws"]), case) for group in groups for case in group["tests"]
    }
    assert len(verdicts) == 41
    wrong = {
        number: case["comment"] for number, (passed, case) in verdicts.items() if passed != (case["result"] == "valid")
    }
    assert wrong == {}


def passes(jwk: dict[str, object], text: str) -> bool:
    # Their payloads are no JSON objects, so that the claims are put in by hand.
    try:
        header = json.loads(base64.urlsafe_b64decode(text.split(".")[0] + "=="))
        verify_compact(Unverified(text=text, header=header, claims={}), parse_jwk(jwk), refused=ProofRefused)
    except (KeyRefused, ProofRefused, ValueError):
        return False
    return True


@settings(deadline=None, max_examples=150)
@given(key=st.sampled_from([P256, ED25519]), data=st.data())
def test_any_flipped_bit_is_refused(key, data):
    """A JWS is good as it is, and only as it is: spare bits, case and padding included."""
    text = sign_compact({"a": 1}, header={"typ": "x"}, key=key)
    assert take(text, key) == {"a": 1}
    bit = data.draw(st.integers(0, 8 * len(text) - 1))
    raw = bytearray(text.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProofRefused):
        take(raw.decode("latin-1"), key)


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "EdDSA", "ES384", "", None, 7, ["ES256"]])
def test_the_algorithm_is_the_keys_and_no_other(key, alg):
    """RFC 8725 3.1: what a header says about the algorithm is compared, never obeyed."""
    _, claims, signature = sign_compact({"a": 1}, header={}, key=key).split(".")
    text = ".".join((encode(json.dumps({"alg": alg}).encode()), claims, signature))
    with pytest.raises(ProofRefused):
        take(text, key)


def test_a_signature_by_another_key_is_refused(key, other_key):
    """The key decides, whatever the header says."""
    with pytest.raises(ProofRefused):
        take(sign_compact({"a": 1}, header={}, key=other_key), key)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"ES256","crit":["b64"],"b64":false}',
        b'{"alg":"ES256","jku":"https://attacker.example"}',
        b'{"alg":"none","alg":"ES256"}',
        b'["ES256"]',
        b'{"alg":"ES256"',
        b'{"alg":1.0}',
        b"\xff\xfe",
        b"[" * 2000,
        b"",
    ],
)
def test_a_header_that_says_more_or_less_than_asked_is_refused(header):
    """RFC 7515 4.1.11: an extension that changes what is signed never gets as far as the signature."""
    with pytest.raises(ProofRefused):
        open_compact(f"{encode(header)}.e30.AA", names=NAMES, refused=ProofRefused)


@given(text=st.text(max_size=200) | st.text(alphabet="AQgw09-_.=+/ \n", max_size=200))
def test_what_is_no_jws_is_refused_with_our_own_error(text):
    """No parser's exception crosses the room's border, whatever the text."""
    with pytest.raises(ProofRefused):
        open_compact(text, names=NAMES, refused=ProofRefused)


def test_size_is_checked_before_anything_is_parsed():
    """A megabyte of well-formed base64url costs one comparison."""
    with pytest.raises(ProofRefused, match="more than"):
        open_compact(f"e30.{'A' * MAX_COMPACT_BYTES}.AA", names=NAMES, refused=ProofRefused)
