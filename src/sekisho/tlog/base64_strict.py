"""Base64 of RFC 4648 section 4 in which one value has one spelling (section 3.5)."""

import base64
import binascii


def encode_base64(data: bytes) -> str:
    """Return `data` in standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes | None:
    """Return the bytes that `text` says, or None unless it is exactly what `encode_base64` would write."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Spare bits at the end could carry a second spelling of the same value.
    return data if encode_base64(data) == text else None
