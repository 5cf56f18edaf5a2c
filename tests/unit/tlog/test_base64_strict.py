"""One value has one spelling."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.tlog.base64_strict import decode_base64, encode_base64


@given(st.binary(max_size=100))
def test_what_is_written_is_read(data: bytes) -> None:
    """Decoding undoes encoding."""
    assert decode_base64(encode_base64(data)) == data


@given(st.text(alphabet="ABCab01+/=-_ \n\u00e9", max_size=12))
def test_whatever_is_read_is_what_would_be_written(text: str) -> None:
    """No text but the canonical one is taken, whatever a lax decoder would make of it."""
    data = decode_base64(text)
    assert data is None or base64.b64encode(data).decode() == text


@pytest.mark.parametrize("text", ["QQ", "QR==", "Q Q==", "QQ==\n", "QQ-_", "\u00e9\u00e9\u00e9\u00e9", "="])
def test_missing_padding_spare_bits_and_other_alphabets_are_refused(text: str) -> None:
    """The known ways to spell a value twice."""
    assert decode_base64(text) is None
