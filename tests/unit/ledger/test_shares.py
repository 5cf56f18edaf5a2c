"""Shamir's sharing: any m shares make the secret, and m - 1 fit every secret there is."""

import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.ledger.errors import SharesRefused
from sekisho.ledger.shares import _INVERSE, _TIMES, combine_shares, split_secret


@st.composite
def splits(draw):
    """A secret, a threshold and a count, and the shares drawn from the system's randomness."""
    count = draw(st.integers(1, 12))
    threshold = draw(st.integers(1, count))
    secret = draw(st.binary(min_size=1, max_size=40))
    shares = split_secret(secret, threshold=threshold, count=count, randomness=os.urandom)
    return secret, threshold, dict(enumerate(shares, start=1))


@given(split=splits(), data=st.data())
def test_any_m_shares_make_the_secret(split, data):
    """In any order, and so do more than m."""
    secret, threshold, shares = split
    numbers = data.draw(st.permutations(sorted(shares)))
    for taken in (threshold, len(shares)):
        assert combine_shares({number: shares[number] for number in numbers[:taken]}) == secret


@given(
    secret=st.binary(min_size=1, max_size=4),
    other=st.binary(min_size=1, max_size=4),
    count=st.integers(2, 6),
    data=st.data(),
)
def test_fewer_than_m_shares_fit_every_secret(secret, other, count, data):
    """Perfect secrecy: for m - 1 shares of one secret and any other secret one polynomial goes through both,
    so the shares that are missing could be those of the other."""
    other = other.ljust(len(secret), b"\0")[: len(secret)]
    threshold = data.draw(st.integers(2, count))
    shares = split_secret(secret, threshold=threshold, count=count, randomness=os.urandom)
    held = data.draw(st.permutations(range(1, count + 1)))[: threshold - 1]
    known = {number: shares[number - 1] for number in held}
    # A share that makes the other secret together with those that are held: found by trying all bytes.
    missing = next(number for number in range(1, count + 1) if number not in known)
    fitting = bytes(
        next(
            byte
            for byte in range(256)
            if combine_shares(
                {number: share[at : at + 1] for number, share in known.items()} | {missing: bytes([byte])}
            )
            == other[at : at + 1]
        )
        for at in range(len(secret))
    )
    assert combine_shares(known | {missing: fitting}) == other


def test_one_share_below_the_threshold_is_spread_evenly():
    """Over all draws of the randomness a share of a fixed secret takes every value equally often."""
    seen = [split_secret(b"\x2a", threshold=2, count=3, randomness=lambda _, b=b: bytes([b])) for b in range(256)]
    for number in range(3):
        assert sorted(shares[number][0] for shares in seen) == list(range(256))


@given(split=splits(), data=st.data())
def test_a_changed_share_makes_another_secret(split, data):
    """Which the key's commitment then shows."""
    secret, threshold, shares = split
    numbers = data.draw(st.permutations(sorted(shares)))[:threshold]
    at = data.draw(st.integers(0, len(secret) - 1))
    bent = {number: bytearray(shares[number]) for number in numbers}
    bent[numbers[0]][at] ^= data.draw(st.integers(1, 255))
    assert combine_shares({number: bytes(share) for number, share in bent.items()}) != secret


def test_the_field_is_a_field():
    """Every byte but 0 has one inverse; FIPS 197 4.2's own example holds."""
    assert _TIMES[0x57][0x13] == 0xFE
    assert all(_TIMES[x][_INVERSE[x]] == 1 for x in range(1, 256))
    for a, b, c in itertools.product((2, 3, 0x57, 0xFF), repeat=3):
        assert _TIMES[a][b ^ c] == _TIMES[a][b] ^ _TIMES[a][c]
        assert _TIMES[_TIMES[a][b]][c] == _TIMES[a][_TIMES[b][c]]


@pytest.mark.parametrize(("threshold", "count"), [(0, 1), (2, 1), (1, 0), (1, 256), (-1, 3)])
def test_what_cannot_be_split_is_refused(threshold, count):
    """The field has 255 places for shares."""
    with pytest.raises(SharesRefused):
        split_secret(b"x", threshold=threshold, count=count, randomness=os.urandom)


@pytest.mark.parametrize("shares", [{}, {0: b"x"}, {256: b"x"}, {1: b"x", 2: b"xy"}])
def test_what_cannot_be_shares_is_refused(shares):
    """Number 0 would be the secret itself."""
    with pytest.raises(SharesRefused):
        combine_shares(shares)
