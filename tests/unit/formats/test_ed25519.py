"""Which 32 bytes are an Ed25519 key: held against RFC 8032 and the published edge cases."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sekisho.formats.ed25519 import PublicKeyRefused, check_public_key

_P = 2**255 - 19


@given(seed=st.binary(min_size=32, max_size=32))
def test_every_key_that_is_made_honestly_is_taken(seed):
    """A generated key is a canonical point of large order."""
    check_public_key(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


@pytest.mark.parametrize("sign_bit", [0, 1])
@pytest.mark.parametrize("y", [*range(_P, 2**255), 0, 1, _P - 1])
def test_a_second_spelling_or_a_small_order_is_refused(y, sign_bit):
    """RFC 8032 5.1.3: y is below the prime; y of 0, 1 and -1 belong to the orders 4, 1 and 2."""
    with pytest.raises(PublicKeyRefused):
        check_public_key((y | sign_bit << 255).to_bytes(32, "little"))


@pytest.mark.parametrize("sign_bit", [0, 128])
@pytest.mark.parametrize(
    "encoded",
    [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ],
)
def test_a_point_of_order_eight_is_refused(encoded, sign_bit):
    """Four points of the curve have order 8: two y, each with both signs of x."""
    raw = bytearray.fromhex(encoded)
    raw[31] |= sign_bit
    with pytest.raises(PublicKeyRefused, match="small order"):
        check_public_key(bytes(raw))


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33), (2).to_bytes(32, "little")])
def test_what_is_no_point_is_refused(raw):
    """A wrong length, or a y that no x goes with, could never sign."""
    with pytest.raises(PublicKeyRefused):
        check_public_key(raw)


def test_no_weak_key_of_the_published_edge_cases_can_be_enrolled(vectors):
    """C2SP CCTV: the flags low_order_A and non_canonical_A are exactly the keys that are refused."""
    for case in json.loads((vectors / "cctv" / "ed25519vectors.json").read_text()):
        is_weak = bool({"low_order_A", "non_canonical_A"} & set(case["flags"] or ()))
        if is_weak:
            with pytest.raises(PublicKeyRefused):
                check_public_key(bytes.fromhex(case["key"]))
        else:
            check_public_key(bytes.fromhex(case["key"]))
