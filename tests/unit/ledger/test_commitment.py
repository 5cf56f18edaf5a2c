"""Salted commitments: one content, one salt, one text."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.ledger import CommitmentRefused, Committer, check_commitment, commit

salts = st.binary(min_size=32, max_size=32)


@given(content=st.binary(max_size=200), salt=salts, cut=st.integers(0, 200))
def test_pieces_and_whole_commit_to_the_same(content: bytes, salt: bytes, cut: int) -> None:
    """The commitment is SHA-256 over tag, salt and content, however the content arrives."""
    committer = Committer(salt)
    committer.update(content[:cut])
    committer.update(content[cut:])
    expected = hashlib.sha256(b"sekisho-commitment/v1\x00" + salt + content).hexdigest()
    assert committer.text() == commit(content, salt) == f"sha256:{expected}"
    check_commitment(committer.text(), content, salt)


@given(content=st.binary(max_size=50), salt=salts, bit=st.integers(0, 255))
def test_other_content_or_salt_is_refused(content: bytes, salt: bytes, bit: int) -> None:
    """A commitment opens to its content and salt alone."""
    other = bytearray(salt)
    other[bit // 8] ^= 1 << bit % 8
    made = commit(content, salt)
    for bad_content, bad_salt, text in (
        (content + b"x", salt, made),
        (content, bytes(other), made),
        (content, salt, made.upper()),
        (content, salt, made.removeprefix("sha256:")),
        (content, salt, "\u00e9"),
    ):
        with pytest.raises(CommitmentRefused):
            check_commitment(text, bad_content, bad_salt)


@given(st.binary(max_size=64).filter(lambda salt: len(salt) != 32))
def test_a_salt_of_another_length_is_refused(salt: bytes) -> None:
    """A short salt could be guessed; one length leaves no doubt where salt ends and content begins."""
    with pytest.raises(CommitmentRefused):
        commit(b"content", salt)
