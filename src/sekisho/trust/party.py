"""Parties and their keys: who they are, which keys are theirs and when, and which keys are no keys at all."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sekisho.core import Window
from sekisho.formats import jcs
from sekisho.formats.ed25519 import PublicKeyRefused, check_public_key
from sekisho.trust.errors import DocumentRefused, KeyRefused
from sekisho.trust.payload import read_list, read_name, read_object, read_window, window_payload

# RFC 8410 section 4: SubjectPublicKeyInfo of an Ed25519 key is these twelve bytes and the 32 of the key.
_SPKI_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
_KEY_FIELDS = frozenset({"public_key", "opens", "closes"})
_PARTY_FIELDS = frozenset({"name", "role", "keys"})


class Role(Enum):
    """What a party is in the programme; the value is its spelling in documents."""

    LAB = "lab"
    HOME = "home"
    PARTNER = "partner"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyKey:
    """A party's Ed25519 key. `raw`: the 32 bytes of RFC 8032. `window`: when its signatures count."""

    raw: bytes
    window: Window

    @property
    def key_id(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo, 64 hex digits, as in `formats.dsse`."""
        return hashlib.sha256(_SPKI_PREFIX + self.raw).hexdigest()

    @property
    def public_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A signatory of the charter, by the name that its signatures carry."""

    name: str
    role: Role
    keys: tuple[PartyKey, ...]


def raw_key(public_key: Ed25519PublicKey) -> bytes:
    """Return the 32 bytes of `public_key`, as PartyKey holds them."""
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def read_party(value: jcs.Json) -> Party:
    """Return the party that a charter lists, or raise DocumentRefused or KeyRefused."""
    fields = read_object(value, _PARTY_FIELDS, "party")
    name = read_name(fields["name"], "party.name")
    try:
        role = Role(fields["role"])
    except ValueError as error:
        raise DocumentRefused(f"party {name}: role is one of {', '.join(r.value for r in Role)}") from error
    return Party(name=name, role=role, keys=read_list(fields["keys"], _read_key, f"party {name}: keys"))


def party_payload(party: Party) -> dict[str, jcs.Json]:
    """Return `party` as `read_party` reads it."""
    return {"name": party.name, "role": party.role.value, "keys": [key_payload(key) for key in party.keys]}


def key_payload(key: PartyKey) -> dict[str, jcs.Json]:
    """Return `key` as a charter lists it under its party."""
    encoded = base64.b64encode(_SPKI_PREFIX + key.raw).decode()
    return {"public_key": encoded, **window_payload(key.window)}


def check_party_name(name: str) -> None:
    """Raise DocumentRefused unless `name` is one that a party can have."""
    read_name(name, "party")


def check_key(raw: bytes) -> None:
    """Raise KeyRefused unless `raw` is an Ed25519 key that only its holder can sign under."""
    try:
        check_public_key(raw)
    except PublicKeyRefused as error:
        raise KeyRefused(error.message) from error


def _read_key(value: jcs.Json) -> PartyKey:
    fields = read_object(value, _KEY_FIELDS, "key")
    window = read_window({"opens": fields["opens"], "closes": fields["closes"]}, "key")
    return PartyKey(raw=_read_spki(fields["public_key"]), window=window)


def _read_spki(value: jcs.Json) -> bytes:
    if not isinstance(value, str):
        raise KeyRefused("a public key is base64 text")
    try:
        der = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyRefused("a public key is base64 text") from error
    # Compared whole: DER has one spelling of this structure, and base64 one of these bytes.
    if der[:12] != _SPKI_PREFIX or base64.b64encode(der).decode() != value:
        raise KeyRefused("not the SubjectPublicKeyInfo of an Ed25519 key (RFC 8410)")
    check_key(der[12:])
    return der[12:]
