"""Salted commitments: they bind to content without telling it, and erasing the salt erases what they say.

A bare hash of guessable text is no secret: whoever can guess a prompt can test the guess. With 32 random bytes of
salt, kept beside the content and never published, the commitment says nothing until the salt is shown.
"""

import hashlib
import hmac
from typing import Final

from sekisho.ledger.errors import CommitmentRefused

SALT_SIZE_BYTES: Final = 32
# The tag keeps a commitment from being read as a hash made for another purpose.
_TAG: Final = b"sekisho-commitment/v1\x00"


class Committer:
    """Makes a commitment to content that arrives in pieces: `sha256:` and SHA-256(tag || salt || content) in hex.

    `salt`: 32 random bytes, new for every content.
    """

    __slots__ = ("_hash",)

    def __init__(self, salt: bytes) -> None:
        if len(salt) != SALT_SIZE_BYTES:
            raise CommitmentRefused(f"a salt is {SALT_SIZE_BYTES} bytes")
        self._hash = hashlib.sha256(_TAG + salt)

    def update(self, data: bytes) -> None:
        """Take the next piece of the content."""
        self._hash.update(data)

    def text(self) -> str:
        """Return the commitment to what was taken so far."""
        return f"sha256:{self._hash.hexdigest()}"


def commit(content: bytes, salt: bytes) -> str:
    """Return the commitment to `content` under `salt`."""
    committer = Committer(salt)
    committer.update(content)
    return committer.text()


def check_commitment(commitment: str, content: bytes, salt: bytes) -> None:
    """Raise CommitmentRefused unless `commitment` is the one to `content` under `salt`."""
    if not hmac.compare_digest(commit(content, salt).encode(), commitment.encode()):
        raise CommitmentRefused("the content does not open this commitment")
