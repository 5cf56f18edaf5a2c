import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.formats import dsse
from sekisho.formats.dsse import EnvelopeRefused
from sekisho.formats.jcs import JsonRefused

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
SIGNED = dsse.sign(dsse.seal("grant", {"a": 1, "b": "二"}), party="home-gov", key=KEY)


def test_the_signed_bytes_are_dsse_s():
    """DSSE protocol.md: `DSSEv1 SP len SP type SP len SP payload`, lengths in bytes and in decimal."""
    assert dsse.pae("grant", "é".encode()) == "DSSEv1 37 application/vnd.sekisho.grant.v1+json 2 é".encode()


def test_no_two_documents_share_their_signed_bytes():
    """The lengths keep a payload from reaching into the type: signing one document signs no other."""
    assert len({dsse.pae("grant", b""), dsse.pae("grant", b" "), dsse.pae("hold", b"")}) == 3


def test_an_envelope_reads_back_and_verifies():
    """decode(encode(e)) is e, and its signature is true."""
    again = dsse.decode(dsse.encode(SIGNED))
    assert again == SIGNED
    dsse.verify_signature(again, again.signatures[0], KEY.public_key())


@settings(deadline=None)
@given(data=st.data())
def test_with_any_bit_flipped_an_envelope_is_refused(data):
    """A flipped bit breaks the form, names another key, names another party, or makes the signature false."""
    encoded = bytearray(dsse.encode(SIGNED))
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    try:
        envelope = dsse.decode(bytes(encoded))
    except (EnvelopeRefused, JsonRefused):
        return
    [signature] = envelope.signatures
    if signature.party == "home-gov":
        with pytest.raises(EnvelopeRefused):
            dsse.verify_signature(envelope, signature, KEY.public_key())
    else:
        # Trust compares this name with the key's owner.
        assert replace(signature, party="home-gov") == SIGNED.signatures[0]


def test_a_signature_is_one_keys_over_one_document():
    """Another key, another payload and another kind all fail; so does a key id that is not computed from the key."""
    [signature] = SIGNED.signatures
    for envelope, made, key in (
        (SIGNED, signature, OTHER),
        (SIGNED, replace(signature, key_id=dsse.key_id_of(OTHER.public_key())), OTHER),
        (SIGNED, replace(signature, key_id="0" * 64), KEY),
        (replace(SIGNED, kind="hold"), signature, KEY),
        (replace(SIGNED, payload=b"{}"), signature, KEY),
        (SIGNED, replace(signature, value=b""), KEY),
        (SIGNED, replace(signature, value=signature.value + b"\x00"), KEY),
    ):
        with pytest.raises(EnvelopeRefused):
            dsse.verify_signature(envelope, made, key.public_key())


def _mutated(change):
    value = json.loads(dsse.encode(SIGNED))
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.pop("signatures"),
        lambda v: v.update(extra=1),
        lambda v: v.update(payloadType="application/json"),
        lambda v: v.update(payloadType="application/vnd.sekisho.grant.v2+json"),
        lambda v: v.update(payloadType="application/vnd.sekisho.Grant.v1+json"),
        lambda v: v.update(payloadType="application/vnd.sekisho.grant.v1+json\n"),
        lambda v: v.update(payload=base64.b64encode(b'{"b":"\xe4\xba\x8c", "a":1}').decode()),
        lambda v: v.update(payload=base64.b64encode(b"{}").decode().rstrip("=")),
        lambda v: v.update(payload="e30"),
        lambda v: v.update(payload="e31="),  # spare bits set: a second spelling of `{}`
        lambda v: v.update(payload="e30=\n"),
        lambda v: v.update(payload="二"),
        lambda v: v.update(payload=1),
        lambda v: v.update(signatures={}),
        lambda v: v.update(signatures=[1]),
        lambda v: v["signatures"].append(v["signatures"][0]),
        lambda v: v["signatures"].append({**v["signatures"][0], "party": "lab-a"}),
        lambda v: v["signatures"][0].pop("party"),
        lambda v: v["signatures"][0].update(party="Home-Gov"),
        lambda v: v["signatures"][0].update(party="home-gov\n"),
        lambda v: v["signatures"][0].update(keyid=v["signatures"][0]["keyid"].upper()),
        lambda v: v["signatures"][0].update(keyid="00"),
        lambda v: v["signatures"][0].update(sig="!"),
    ],
)
def test_an_envelope_has_one_form(change):
    """Names, types, base64 and hex are exact, the payload canonical, no key twice."""
    with pytest.raises((EnvelopeRefused, JsonRefused)):
        dsse.decode(_mutated(change))


def test_signatures_are_bounded():
    """A signature costs a verification; a list beyond the limit is refused before any."""
    value = json.loads(dsse.encode(SIGNED))
    [first] = value["signatures"]
    value["signatures"] = [{**first, "keyid": f"{n:064x}"} for n in range(dsse.MAX_SIGNATURES + 1)]
    with pytest.raises(EnvelopeRefused):
        dsse.decode(json.dumps(value).encode())
    value["signatures"].pop()
    assert len(dsse.decode(json.dumps(value).encode()).signatures) == dsse.MAX_SIGNATURES


@pytest.mark.parametrize("kind", ["", "Grant", "a/b", "grant v1", "x" * 42])
def test_a_kind_is_a_plain_word(kind):
    """What goes into the signed type cannot hold a separator."""
    with pytest.raises(EnvelopeRefused):
        dsse.seal(kind, {})


@pytest.mark.parametrize("party", ["", "Home", "home gov", "-home", "x" * 42])
def test_a_partys_name_is_a_plain_word(party):
    """Signing as a name that could never be read back fails at once."""
    with pytest.raises(EnvelopeRefused):
        dsse.sign(SIGNED, party=party, key=OTHER)
