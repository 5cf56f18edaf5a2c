"""A commitment binds, hides, and verifies what others published."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.disclosure import CommitmentRefused, commit, verify_commitment
from sekisho.formats.jcs import JsonRefused

facts = st.dictionaries(st.sampled_from(["id", "title", "found"]), st.none() | st.sampled_from(["a", "b"]), max_size=3)
nonces = st.binary(min_size=32, max_size=32)


def test_the_published_commitment_verifies(vectors: Path) -> None:
    """The row of a public ledger (ANT-2026-P23DVQM2): no nonce, same form."""
    published = json.loads((vectors / "commitments" / "anthropic-ant-2026-p23dvqm2.json").read_text())
    value = verify_commitment(published["preimage"].encode(), published["sha3_512"])
    assert isinstance(value, dict)
    assert value["ant_id"] == "ANT-2026-P23DVQM2"


@given(facts, nonces)
def test_the_preimage_opens_its_commitment_and_no_other(known: dict, nonce: bytes) -> None:
    """Binding: one changed byte anywhere opens nothing."""
    made = commit(known, nonce=nonce)
    assert verify_commitment(made.preimage, made.sha3_512) == {**known, "nonce": nonce.hex(), "preimage_version": 1}
    for place in range(0, len(made.preimage), 7):
        changed = bytearray(made.preimage)
        changed[place] ^= 1
        with pytest.raises((CommitmentRefused, JsonRefused)):
            verify_commitment(bytes(changed), made.sha3_512)


@given(facts, nonces, nonces)
def test_the_nonce_hides(known: dict, one: bytes, other: bytes) -> None:
    """The same facts under two nonces have nothing in common: a guess cannot be tested."""
    assert (commit(known, nonce=one).sha3_512 == commit(known, nonce=other).sha3_512) is (one == other)


def test_a_preimage_in_another_spelling_is_refused_though_its_hash_fits() -> None:
    """One promise, one spelling."""
    preimage = b'{"b":1, "a":2}'
    with pytest.raises(JsonRefused):
        verify_commitment(preimage, hashlib.sha3_512(preimage).hexdigest())


@pytest.mark.parametrize("digest", ["", "0" * 64, "0" * 127 + "G", "A" * 128])
def test_a_digest_is_128_lower_case_hex_digits(digest: str) -> None:
    """A digest of another hash or spelling is refused before anything is compared."""
    with pytest.raises(CommitmentRefused):
        verify_commitment(b"{}", digest)


@pytest.mark.parametrize(
    ("known", "nonce"), [({}, b""), ({"nonce": "x"}, bytes(32)), ({"preimage_version": 2}, bytes(32))]
)
def test_a_short_nonce_and_a_chosen_one_are_refused(known: dict, nonce: bytes) -> None:
    """The nonce comes from the caller's randomness alone."""
    with pytest.raises(CommitmentRefused):
        commit(known, nonce=nonce)


def test_a_commitment_does_not_print_its_preimage() -> None:
    """A log line shows the digest alone."""
    assert "secret" not in repr(commit({"title": "secret"}, nonce=bytes(32)))
