"""An auditor's private key: HPKE's MLKEM768-X25519, and the file it is kept in.

The file is JSON, `{"kind", "mlkem768", "x25519"}`: the 64-byte seed of ML-KEM (FIPS 203) and the 32 bytes of X25519
(RFC 7748), base64. No standard names one file for both yet.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from sekisho.core.errors import SekishoError
from sekisho.formats import jcs
from sekisho.ledger.errors import AuditorKeyFileRefused
from sekisho.trust import check_auditor_key
from sekisho.trust.auditors import MLKEM_SIZE_BYTES

# Hybrid: content that is taken today must stay closed when a quantum computer comes, and if ML-KEM should fall before.
SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_KIND: Final = "sekisho-auditor-key/v1"
# A kind and 96 bytes as base64; more is no key.
_MAX_FILE_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditorKey:
    """An auditor's private key. `mlkem`: its 64-byte seed; `x25519`: its 32 bytes."""

    mlkem: bytes = field(repr=False)
    x25519: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "AuditorKey":
        """Return a new key from the system's randomness."""
        mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        return cls(mlkem=mlkem.private_bytes_raw(), x25519=x25519.private_bytes_raw())

    @property
    def private_key(self) -> MLKEM768X25519PrivateKey:
        return MLKEM768X25519PrivateKey(*self._halves())

    @property
    def public(self) -> bytes:
        """The 1216 bytes that a charter lists."""
        mlkem, x25519 = self._halves()
        return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

    def _halves(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        return MLKEM768PrivateKey.from_seed_bytes(self.mlkem), X25519PrivateKey.from_private_bytes(self.x25519)


@lru_cache(maxsize=64)
def public_key_of(raw: bytes) -> MLKEM768X25519PublicKey:
    """Return the public key whose 1216 bytes are `raw`, or raise AuditorKeyRefused. Kept: a gate asks at every call."""
    check_auditor_key(raw)
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:MLKEM_SIZE_BYTES]),
        X25519PublicKey.from_public_bytes(raw[MLKEM_SIZE_BYTES:]),
    )


def encode_auditor_key(key: AuditorKey) -> bytes:
    """Return the bytes of the file that keeps `key`. They are the secret."""
    fields = {"kind": _KIND, "mlkem768": _encode(key.mlkem), "x25519": _encode(key.x25519)}
    return json.dumps(fields, indent=1).encode() + b"\n"


def decode_auditor_key(data: bytes) -> AuditorKey:
    """Return the key that the file's bytes `data` keep, or raise AuditorKeyFileRefused. Never repeats what it read."""
    try:
        value = jcs.parse(data, max_size_bytes=_MAX_FILE_BYTES)
        if not isinstance(value, Mapping) or set(value) != {"kind", "mlkem768", "x25519"} or value["kind"] != _KIND:
            raise AuditorKeyFileRefused("the file is no auditor's key")
        key = AuditorKey(mlkem=_decode(value["mlkem768"], 64), x25519=_decode(value["x25519"], 32))
        check_auditor_key(key.public)
    except AuditorKeyFileRefused:
        raise
    except (SekishoError, ValueError) as error:
        raise AuditorKeyFileRefused("the file is no auditor's key, or is damaged") from error
    return key


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(value: jcs.Json, size_bytes: int) -> bytes:
    try:
        data = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except binascii.Error as error:
        raise AuditorKeyFileRefused("a part of the key is not base64") from error
    if len(data) != size_bytes:
        raise AuditorKeyFileRefused("a part of the key has another length")
    return data
