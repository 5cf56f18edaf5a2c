"""Keys: two kinds, one spelling each, nothing private."""

import copy
import json
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key

from sekisho.tokens import KeyRefused, SigningKey, parse_jwk, parse_jwk_text


def test_thumbprints_are_those_of_the_rfcs(vectors):
    """RFC 7638 3.1, RFC 8037 A.3, RFC 9449 6.1; the RSA key among them is not of a kind we take."""
    listed = json.loads((vectors / "rfc" / "rfc7638-8037-jwk.json").read_bytes())["thumbprints"]
    for case in listed:
        if case["jwk"]["kty"] == "RSA":
            with pytest.raises(KeyRefused):
                parse_jwk(case["jwk"])
        else:
            assert parse_jwk(case["jwk"]).thumbprint == case["sha256"]
    assert {case["jwk"]["kty"] for case in listed} == {"RSA", "OKP", "EC"}


def test_a_description_does_not_change_a_key(key):
    """RFC 7638 3.2: alg, kid and use are no part of the thumbprint, nor of what we keep."""
    described = {**key.public.to_jwk(), "kid": "mine", "use": "sig", "alg": key.public.alg, "key_ops": ["verify"]}
    assert parse_jwk(described) == key.public
    assert parse_jwk_text(json.dumps(described).encode()) == key.public


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AA"},
        {"d": None},
        {"alg": "RS256"},
        {"alg": "none"},
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"kid": 7},
        {"k": "AA"},
        {"x5c": []},
        {"kty": "RSA"},
        {"kty": "oct"},
        {"kty": None},
        {"crv": "P-384"},
        {"crv": "Ed448"},
        {"x": ""},
        {"x": None},
        {"x": "A" * 43},
        {"x": "A" * 44},
        {"x": "é" * 43},
    ],
    ids=str,
)
def test_a_key_that_is_private_foreign_or_off_its_curve_is_refused(key, change):
    """RFC 7517 9.2 and 4: private members, other uses, other kinds and bad coordinates never enrol."""
    with pytest.raises(KeyRefused):
        parse_jwk({**key.public.to_jwk(), **change})


def test_a_coordinate_has_one_spelling(key):
    """RFC 4648 3.5: padding, another alphabet or spare bits would give one key two thumbprints."""
    jwk = key.public.to_jwk()
    x = jwk["x"]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(x[-1])
    spare = x[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
    for text in (x + "=", x.replace("-", "+").replace("_", "/") + "=", spare, f" {x}", f"{x}\n"):
        with pytest.raises(KeyRefused):
            parse_jwk({**jwk, "x": text})


def test_ed25519_keys_that_fit_any_signature_are_refused(vectors):
    """RFC 8032 5.1: a point of low order, in whatever spelling, verifies what its holder never signed."""
    import base64

    cases = json.loads((vectors / "cctv" / "ed25519vectors.json").read_bytes())
    low = {case["key"] for case in cases if "low_order_A" in (case["flags"] or [])}
    assert len(low) >= 8
    for text in low:
        x = base64.urlsafe_b64encode(bytes.fromhex(text)).rstrip(b"=").decode()
        with pytest.raises(KeyRefused):
            parse_jwk({"kty": "OKP", "crv": "Ed25519", "x": x})


def test_keys_on_other_curves_do_not_sign():
    """One algorithm a key, two kinds of key."""
    with pytest.raises(KeyRefused):
        SigningKey(generate_private_key(SECP384R1()))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"kty":"EC","kty":"OKP"}', b"\xff", b"{}" + b" " * 2000])
def test_enrolment_takes_strict_json_alone(text):
    """A JWK that two parsers read differently would enrol one key and show another."""
    with pytest.raises(KeyRefused):
        parse_jwk_text(text)


def test_a_private_key_is_neither_shown_nor_copied_away(key):
    """Invariant 3: no repr, pickle or deep copy takes the key out of its process."""
    shown = repr(key) + str(key) + repr(key.public)
    assert key.jose.as_dict(private=True)["d"] not in shown
    for leave in (pickle.dumps, copy.deepcopy):
        with pytest.raises(KeyRefused):
            leave(key)
