"""The auditors of a charter: to whose keys the content of calls is sealed, and how many of them can open it."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from sekisho.formats import jcs
from sekisho.trust.errors import AuditorKeyRefused, DocumentRefused
from sekisho.trust.payload import read_integer, read_name, read_object, read_set

# Every call is sealed to each of them, every snapshot lists their keys, and the charter with its signatures must fit
# into one entry of the ledger.
MAX_AUDITORS: Final = 12
# HPKE's MLKEM768-X25519: the encapsulation key of ML-KEM-768 (FIPS 203), then the one of X25519 (RFC 7748).
MLKEM_SIZE_BYTES: Final = 1184
KEY_SIZE_BYTES: Final = MLKEM_SIZE_BYTES + 32

_FIELDS = frozenset({"threshold", "members"})
_MEMBER_FIELDS = frozenset({"name", "key"})
_X25519_PRIME: Final = 2**255 - 19
# A scalar is clamped to a multiple of 8, so any one takes every point of small order to zero.
_PROBE: Final = X25519PrivateKey.from_private_bytes(bytes(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditor:
    """One who holds a share of every sealed transcript. `key`: 1216 bytes, ML-KEM-768 then X25519."""

    name: str
    key: bytes

    @property
    def key_id(self) -> str:
        """SHA-256 of the key, 64 hex digits."""
        return hashlib.sha256(self.key).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditors:
    """The auditors, in the charter's order; any `threshold` of them open a transcript, fewer learn nothing."""

    threshold: int
    members: tuple[Auditor, ...]


def read_auditors(value: jcs.Json) -> Auditors:
    """Return the auditors that a charter names, or raise AuditorKeyRefused or DocumentRefused.

    Steps: (1) exact fields; (2) each key can be sealed to; (3) no name and no half of a key twice; (4) the threshold
    can be met.
    """
    # (1), (2)
    fields = read_object(value, _FIELDS, "auditors")
    members = read_set(fields["members"], _read_member, "auditors.members")
    if len(members) > MAX_AUDITORS:
        raise DocumentRefused(f"auditors: at most {MAX_AUDITORS}")
    # (3)
    _check_distinct(members)
    # (4)
    threshold = read_integer(fields["threshold"], "auditors.threshold", least=1, most=len(members))
    return Auditors(threshold=threshold, members=members)


def auditors_payload(auditors: Auditors) -> dict[str, jcs.Json]:
    """Return `auditors` as `read_auditors` reads them."""
    return {"threshold": auditors.threshold, "members": [auditor_payload(member) for member in auditors.members]}


def auditor_payload(auditor: Auditor) -> dict[str, jcs.Json]:
    """Return `auditor` as a charter lists it."""
    return {"name": auditor.name, "key": base64.b64encode(auditor.key).decode()}


def check_auditor_key(raw: bytes) -> None:
    """Raise AuditorKeyRefused unless `raw` is the one spelling of a key that can be sealed to."""
    if len(raw) != KEY_SIZE_BYTES:
        raise AuditorKeyRefused(f"an auditor's key has {KEY_SIZE_BYTES} bytes: ML-KEM-768, then X25519")
    try:
        MLKEM768PublicKey.from_public_bytes(raw[:MLKEM_SIZE_BYTES])
    except ValueError as error:
        raise AuditorKeyRefused(
            "the ML-KEM half of an auditor's key is not in canonical form (FIPS 203 7.2)"
        ) from error
    # RFC 7748 5 reads a coordinate modulo the prime and without its top bit: other spellings of the same key.
    if int.from_bytes(raw[MLKEM_SIZE_BYTES:], "little") >= _X25519_PRIME:
        raise AuditorKeyRefused("the X25519 half of an auditor's key is not in canonical form")
    try:
        _PROBE.exchange(X25519PublicKey.from_public_bytes(raw[MLKEM_SIZE_BYTES:]))
    except ValueError as error:
        raise AuditorKeyRefused("the X25519 half of an auditor's key is a point of small order") from error


def _read_member(value: jcs.Json) -> Auditor:
    fields = read_object(value, _MEMBER_FIELDS, "auditor")
    return Auditor(name=read_name(fields["name"], "auditor.name"), key=_read_key(fields["key"]))


def _read_key(value: jcs.Json) -> bytes:
    try:
        raw = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError) as error:
        raise AuditorKeyRefused("an auditor's key is base64 text") from error
    if base64.b64encode(raw).decode() != value:
        raise AuditorKeyRefused("an auditor's key is base64 text in its one spelling")
    check_auditor_key(raw)
    return raw


def _check_distinct(members: tuple[Auditor, ...]) -> None:
    """Compare each half on its own: who holds one half of two keys would be two auditors to anybody else."""
    for what, values in (
        ("name", [member.name.encode() for member in members]),
        ("ML-KEM key", [member.key[:MLKEM_SIZE_BYTES] for member in members]),
        ("X25519 key", [member.key[MLKEM_SIZE_BYTES:] for member in members]),
    ):
        if len(set(values)) != len(values):
            raise AuditorKeyRefused(f"two auditors have one {what}")
