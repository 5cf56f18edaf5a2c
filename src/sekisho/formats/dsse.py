"""DSSE envelopes (secure-systems-lab/dsse, protocol 1.0.0) with Ed25519, as our signed documents travel.

Ours differs in one thing: each signature names its party beside the key id, and the key id is computed, never
chosen. Who is allowed to sign, and how signatures are counted, is for `trust/` to say; this file knows shapes.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sekisho.core.errors import SekishoError
from sekisho.formats import jcs

# A charter of a hundred parties signed by all of them stays well below.
MAX_SIGNATURES = 256
_KIND = re.compile(r"[a-z][a-z0-9-]{0,40}", re.ASCII)
_TYPE = re.compile(r"application/vnd\.sekisho\.([a-z][a-z0-9-]{0,40})\.v1\+json", re.ASCII)
_PARTY = re.compile(r"[a-z][a-z0-9-]{0,40}", re.ASCII)
_KEY_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


class EnvelopeRefused(SekishoError):
    """The bytes are not an envelope of ours, or a signature in it is false."""

    code: ClassVar[str] = "SKS-FORMATS-002"
    hint = "Sign the payload again with `sekisho document sign`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One party's signature. `key_id`: SHA-256 of the SubjectPublicKeyInfo, 64 hex digits."""

    party: str
    key_id: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload (RFC 8785 bytes), its kind such as `charter`, and the signatures over both."""

    kind: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the payload, 64 hex digits: what people compare and the ledger records."""
        return hashlib.sha256(self.payload).hexdigest()


def key_id_of(public_key: Ed25519PublicKey) -> str:
    """Return the key id: SHA-256 of the DER SubjectPublicKeyInfo (RFC 8410), 64 hex digits."""
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def pae(kind: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding: `DSSEv1 SP len SP type SP len SP payload` (DSSE protocol.md)."""
    media_type = _media_type(kind).encode()
    return b"DSSEv1 %d %s %d %s" % (len(media_type), media_type, len(payload), payload)


def seal(kind: str, value: jcs.Json) -> Envelope:
    """Return an unsigned envelope of `value`, its payload canonical."""
    _media_type(kind)
    return Envelope(kind=kind, payload=jcs.canonical(value), signatures=())


def sign(envelope: Envelope, *, party: str, key: Ed25519PrivateKey) -> Envelope:
    """Return `envelope` with `party`'s signature by `key` added."""
    if not _PARTY.fullmatch(party):
        raise EnvelopeRefused(f"not a party's name: {party[:40]!r}")
    signature = Signature(
        party=party,
        key_id=key_id_of(key.public_key()),
        value=key.sign(pae(envelope.kind, envelope.payload)),
    )
    return replace(envelope, signatures=(*envelope.signatures, signature))


def verify_signature(envelope: Envelope, signature: Signature, public_key: Ed25519PublicKey) -> None:
    """Raise EnvelopeRefused unless `signature` is `public_key`'s over `envelope`."""
    if signature.key_id != key_id_of(public_key):
        raise EnvelopeRefused("the key id is not this key's")
    try:
        public_key.verify(signature.value, pae(envelope.kind, envelope.payload))
    except InvalidSignature as error:
        raise EnvelopeRefused(f"the signature of party {signature.party} is false") from error


def encode(envelope: Envelope) -> bytes:
    """Return `envelope` as RFC 8785 JSON."""
    return jcs.canonical(
        {
            "payload": base64.b64encode(envelope.payload).decode(),
            "payloadType": _media_type(envelope.kind),
            "signatures": [
                {"keyid": s.key_id, "party": s.party, "sig": base64.b64encode(s.value).decode()}
                for s in envelope.signatures
            ],
        }
    )


def decode(data: bytes) -> Envelope:
    """Return the envelope in `data` (strict JSON), or raise EnvelopeRefused or JsonRefused.

    Steps: (1) strict JSON; (2) exactly the names of an envelope; (3) a payload type of ours; (4) a canonical
    payload; (5) well-formed signatures, no key twice. The caller MUST still verify and count the signatures.
    """
    # (1)
    value = jcs.parse(data)
    # (2)
    fields = _object(value, {"payload", "payloadType", "signatures"})
    # (3)
    match = _TYPE.fullmatch(_text(fields["payloadType"]))
    if match is None:
        raise EnvelopeRefused("not a payload type of ours")
    # (4)
    payload = _base64(fields["payload"])
    jcs.parse_canonical(payload)
    # (5)
    listed = fields["signatures"]
    if not isinstance(listed, list) or len(listed) > MAX_SIGNATURES:
        raise EnvelopeRefused(f"signatures are a list of at most {MAX_SIGNATURES}")
    signatures = tuple(_signature(item) for item in listed)
    if len({s.key_id for s in signatures}) != len(signatures):
        raise EnvelopeRefused("one key signed twice", hint="Each key signs a document once; remove the copy.")
    return Envelope(kind=match[1], payload=payload, signatures=signatures)


def _media_type(kind: str) -> str:
    if not _KIND.fullmatch(kind):
        raise EnvelopeRefused(f"not a kind of document: {kind[:40]!r}")
    return f"application/vnd.sekisho.{kind}.v1+json"


def _signature(value: jcs.Json) -> Signature:
    fields = _object(value, {"keyid", "party", "sig"})
    party, key_id = _text(fields["party"]), _text(fields["keyid"])
    if not _PARTY.fullmatch(party) or not _KEY_ID.fullmatch(key_id):
        raise EnvelopeRefused("a signature names its party and a key id of 64 hex digits")
    return Signature(party=party, key_id=key_id, value=_base64(fields["sig"]))


def _object(value: jcs.Json, names: set[str]) -> Mapping[str, jcs.Json]:
    if not isinstance(value, Mapping) or set(value) != names:
        raise EnvelopeRefused(f"expected an object with exactly {', '.join(sorted(names))}")
    return value


def _text(value: jcs.Json) -> str:
    if not isinstance(value, str):
        raise EnvelopeRefused("expected text")
    return value


def _base64(value: jcs.Json) -> bytes:
    text = _text(value)
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error, or text that is not ASCII
        raise EnvelopeRefused("not base64") from error
    # RFC 4648 3.5: spare bits could carry a second spelling of the same signature.
    if base64.b64encode(data).decode() != text:
        raise EnvelopeRefused("not canonical base64")
    return data
