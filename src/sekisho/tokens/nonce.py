"""Nonces that a server gives out and knows again without storing them (RFC 9449 8 and 9).

A nonce is an HMAC over a slot of time, so a proof made in advance, on a stolen machine or with a turned-back
clock, dies with its slot. All callers of one process share a nonce; it is no secret.
"""

import base64
import hashlib
import hmac
from datetime import datetime

from sekisho.tokens.errors import NonceStale

# A proof is good for 60 s by its own time; a nonce for one to two of these. Shorter slots cost busy callers extra
# 401 rounds, longer ones widen the span in which a proof can be made in advance.
SLOT_S = 60
_SECRET_BYTES = 32
_LENGTH = 22  # base64url characters of 132 bits


class Nonces:
    """Gives out and checks the nonces of one process. `secret`: 32 random bytes, new at each start, never stored."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _SECRET_BYTES:
            raise ValueError(f"the secret has {_SECRET_BYTES} bytes")
        self._secret = secret

    def __repr__(self) -> str:
        return "Nonces()"

    def current(self, at: datetime) -> str:
        """Return the nonce to send with an answer at `at` (aware UTC)."""
        return self._of_slot(_slot(at))

    def check(self, nonce: str, *, at: datetime) -> None:
        """Raise NonceStale unless `nonce` is that of the slot of `at` or of the one before."""
        slot = _slot(at)
        now = hmac.compare_digest(nonce.encode(), self._of_slot(slot).encode())
        before = hmac.compare_digest(nonce.encode(), self._of_slot(slot - 1).encode())
        if not (now or before):
            raise NonceStale("not a current nonce of this server")

    def _of_slot(self, slot: int) -> str:
        digest = hmac.new(self._secret, b"sekisho-dpop-nonce/v1\0%d" % slot, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode()[:_LENGTH]


def _slot(at: datetime) -> int:
    return int(at.timestamp()) // SLOT_S
