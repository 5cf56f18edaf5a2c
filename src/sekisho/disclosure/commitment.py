"""The public promise that a finding was known: SHA3-512 over canonical JSON with a random nonce inside.

The form is that of the published ledgers (facts of ANT-2026-P23DVQM2: sorted names, no white space, UTF-8, unknown =
null), so that their rows verify here. Theirs hides behind a short id alone: who knows id and time can test
guesses. Ours holds 256 random bits; without them the hash says nothing.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from sekisho.disclosure.errors import CommitmentRefused
from sekisho.formats import jcs

PREIMAGE_VERSION = 1
NONCE_BYTES = 32
_DIGEST = re.compile(r"[0-9a-f]{128}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A digest for everybody (128 hex digits) and the preimage that opens it, which stays with the owner."""

    sha3_512: str
    preimage: bytes = field(repr=False)


def commit(facts: dict[str, jcs.Json], *, nonce: bytes) -> Commitment:
    """Return the commitment to `facts`. `nonce`: 32 random bytes, never used before."""
    if len(nonce) != NONCE_BYTES:
        raise CommitmentRefused(f"a nonce has {NONCE_BYTES} bytes")
    if {"nonce", "preimage_version"} & set(facts):
        raise CommitmentRefused("the nonce and the version are added here")
    preimage = jcs.canonical({**facts, "nonce": nonce.hex(), "preimage_version": PREIMAGE_VERSION})
    return Commitment(sha3_512=hashlib.sha3_512(preimage).hexdigest(), preimage=preimage)


def verify_commitment(preimage: bytes, sha3_512: str) -> jcs.Json:
    """Return what `preimage` says if it opens the digest (128 hex digits), or raise CommitmentRefused or JsonRefused.

    A preimage that is not canonical is refused though its hash may fit: one promise has one spelling.
    """
    if not _DIGEST.fullmatch(sha3_512):
        raise CommitmentRefused("a commitment is 128 hex digits")
    value = jcs.parse_canonical(preimage)
    if not hmac.compare_digest(hashlib.sha3_512(preimage).hexdigest(), sha3_512):
        raise CommitmentRefused("the preimage does not open this commitment")
    return value
