"""The published sealed transcript, opened by our code, and by a reader that was written from the page alone."""

import base64
import hashlib
import json
import struct
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

from sekisho.ledger import check_commitment
from sekisho.ledger.auditor_key import AuditorKey
from sekisho.ledger.sealing import unseal
from sekisho.ledger.share_file import collect_shares, open_own_share

PAGE = Path(__file__).parents[3] / "docs" / "specs" / "sealed-transcript.md"
VECTOR = PAGE.parent / "vectors" / "sealed-transcript.json"


@pytest.fixture(scope="module")
def vector() -> dict[str, Any]:
    return dict(json.loads(VECTOR.read_text(encoding="ascii")))


def test_any_two_auditors_open_it_with_our_code(vector: dict[str, Any]) -> None:
    """What was published stays readable."""
    sealed = base64.b64decode(vector["sealed"])
    assert hashlib.sha256(sealed).hexdigest() == vector["sealed_sha256"]
    keys = {
        name: AuditorKey(mlkem=bytes.fromhex(key["mlkem768_seed_hex"]), x25519=bytes.fromhex(key["x25519_hex"]))
        for name, key in vector["auditors"].items()
    }
    for names in combinations(keys, 2):
        transcript = unseal(sealed, collect_shares(sealed, [open_own_share(sealed, n, keys[n]) for n in names]))
        assert transcript.request.decode() == vector["request"]
        assert transcript.response.decode() == vector["response"]
        check_commitment(vector["request_commitment"], transcript.request, transcript.request_salt)
        check_commitment(vector["response_commitment"], transcript.response, transcript.response_salt)


def times(a: int, b: int) -> int:
    """GF(2^8) as FIPS 197 4.2 has it, by shift and add: nothing of ours."""
    product = 0
    for bit in range(8):
        product ^= (a << bit) if b >> bit & 1 else 0
    for bit in range(14, 7, -1):
        product ^= (0x11B << (bit - 8)) if product >> bit & 1 else 0
    return product


def inverse(a: int) -> int:
    """a^254, since a^255 is 1."""
    power = 1
    for _ in range(254):
        power = times(power, a)
    return power


def at_zero(shares: dict[int, int]) -> int:
    """Lagrange's value at 0."""
    value = 0
    for x, y in shares.items():
        for other in shares:
            if other != x:
                y = times(y, times(other, inverse(other ^ x)))
        value ^= y
    return value


def test_a_reader_written_from_the_page_opens_it_too(vector: dict[str, Any]) -> None:
    """docs/specs/sealed-transcript.md is enough, with a library for HPKE and ChaCha20-Poly1305."""
    sealed = base64.b64decode(vector["sealed"])
    magic = b"sekisho-sealed-transcript/v1\n"
    assert sealed.startswith(magic)
    (size,) = struct.unpack_from(">I", sealed, len(magic))
    start = len(magic) + 4 + size
    encoded = sealed[len(magic) + 4 : start]
    head = json.loads(encoded)
    shares: dict[int, bytes] = {}
    for share in head["shares"][1:]:
        private = vector["auditors"][share["auditor"]]
        key = MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(private["mlkem768_seed_hex"])),
            X25519PrivateKey.from_private_bytes(bytes.fromhex(private["x25519_hex"])),
        )
        names = ("log", "request_id", "request_commitment", "threshold", "key_commitment")
        bound = {name: head[name] for name in names} | {name: share[name] for name in ("auditor", "number")}
        info = b"sekisho-sealed-share/v1\0" + json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()
        suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
        opened = suite.decrypt(base64.b64decode(share["sealed"]), key, info=info)
        assert hashlib.sha256(b"sekisho-transcript-share/v1\0" + opened).hexdigest() == share["commitment"]
        shares[share["number"]] = opened
    content_key = bytes(at_zero({x: share[at] for x, share in shares.items()}) for at in range(32))
    assert hashlib.sha256(b"sekisho-transcript-key/v1\0" + content_key).hexdigest() == head["key_commitment"]
    nonce = (0).to_bytes(11, "big") + b"\x01"
    content = ChaCha20Poly1305(content_key).decrypt(nonce, sealed[start:], hashlib.sha256(encoded).digest())
    (length,) = struct.unpack_from(">Q", content, 64)
    assert content[72 : 72 + length].decode() == vector["request"]
    assert content[72 + length :].decode() == vector["response"]


def test_the_page_names_the_vector() -> None:
    """Whoever implements it must find it."""
    assert "vectors/sealed-transcript.json" in PAGE.read_text(encoding="utf-8")
