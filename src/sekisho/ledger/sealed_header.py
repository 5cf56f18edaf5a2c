"""The head of a sealed transcript: what it belongs to, and the content key in shares, each sealed to one auditor.

docs/specs/sealed-transcript.md has the bytes. Nothing here is trusted before the content opens: whoever writes a blob
writes its head too, and the ledger's entries are what it is held against.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sekisho.core.errors import SekishoError
from sekisho.formats import jcs
from sekisho.ledger.auditor_key import SUITE, AuditorKey, public_key_of
from sekisho.ledger.errors import SharesRefused, TranscriptRefused
from sekisho.ledger.shares import combine_shares, split_secret
from sekisho.trust import Auditors
from sekisho.trust.auditors import MAX_AUDITORS

MAGIC: Final = b"sekisho-sealed-transcript/v1\n"
KEY_SIZE_BYTES: Final = 32
# Twelve auditors, each with a sealed share of 1.6 kB, and room to spare.
MAX_HEADER_BYTES: Final = 65_536
_LENGTH: Final = struct.Struct(">I")
# HPKE with MLKEM768-X25519: 1120 bytes encapsulated, the share, and a tag of 16.
_SEALED_SHARE_BYTES: Final = 1120 + KEY_SIZE_BYTES + 16
_KEY_TAG: Final = b"sekisho-transcript-key/v1\x00"
_SHARE_TAG: Final = b"sekisho-transcript-share/v1\x00"
_INFO_TAG: Final = b"sekisho-sealed-share/v1\x00"
_NAMES = frozenset({"key_commitment", "log", "request_commitment", "request_id", "shares", "threshold"})
_SHARE_NAMES = frozenset({"auditor", "commitment", "key_id", "number", "sealed"})
_REQUEST_ID: Final = re.compile(r"[a-z]{2,8}_[0-9a-z]{26}", re.ASCII)
_ORIGIN: Final = re.compile(r"[a-z0-9.-]{1,82}/calls/[a-z0-9-]{1,40}", re.ASCII)
_COMMITMENT: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """Which call a transcript is of. `log`: the origin of the calls log; `request_commitment`: as in the intent."""

    log: str
    request_id: str
    request_commitment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedShare:
    """A share as the head carries it. `commitment`: hex, of the share itself, so that a false one has a name to it."""

    auditor: str
    number: int
    key_id: str
    commitment: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The head of a sealed transcript. `encoded`: its canonical JSON."""

    belonging: Belonging
    threshold: int
    key_commitment: str
    shares: tuple[SealedShare, ...]
    encoded: bytes

    @property
    def digest(self) -> bytes:
        """What every chunk of the content is bound to."""
        return hashlib.sha256(self.encoded).digest()

    def share_of(self, auditor: str) -> SealedShare:
        """Return the share that is sealed to `auditor`, or raise SharesRefused."""
        for share in self.shares:
            if share.auditor == auditor:
                return share
        names = ", ".join(share.auditor for share in self.shares)
        raise SharesRefused(f"this transcript is not sealed to {auditor}", hint=f"It is sealed to: {names}.")


def seal_key(key: bytes, belonging: Belonging, auditors: Auditors, randomness: Callable[[int], bytes]) -> Header:
    """Return the head that seals the content key `key` (32 bytes) to `auditors`."""
    members = auditors.members
    shares = split_secret(key, threshold=auditors.threshold, count=len(members), randomness=randomness)
    key_commitment = _commit(_KEY_TAG, key)
    sealed = []
    for number, (member, share) in enumerate(zip(members, shares, strict=True), start=1):
        info = _info(belonging, auditors.threshold, key_commitment, member.name, number)
        sealed.append(
            SealedShare(
                auditor=member.name,
                number=number,
                key_id=member.key_id,
                commitment=_commit(_SHARE_TAG, share),
                sealed=SUITE.encrypt(share, public_key_of(member.key), info=info),
            )
        )
    return _make_header(belonging, auditors.threshold, key_commitment, tuple(sealed))


def open_share(header: Header, auditor: str, key: AuditorKey) -> bytes:
    """Return the share of `auditor`, opened with its private key, or raise SharesRefused.

    Steps: (1) the share is sealed to this key; (2) it opens, and was made for this call, auditor and number; (3) it is
    the one that the head commits to.
    """
    share = header.share_of(auditor)
    # (1)
    if not hmac.compare_digest(hashlib.sha256(key.public).hexdigest(), share.key_id):
        raise SharesRefused(f"the share of {auditor} is sealed to another key", hint="Give this auditor's own key.")
    # (2)
    info = _info(header.belonging, header.threshold, header.key_commitment, share.auditor, share.number)
    try:
        opened = SUITE.decrypt(share.sealed, key.private_key, info=info)
    except Exception as error:  # cryptography raises InvalidTag or ValueError, and says no more on purpose
        raise SharesRefused(
            f"the share of {auditor} does not open: it was changed, or made for another call"
        ) from error
    # (3)
    check_share(share, opened)
    return opened


def check_share(sealed: SealedShare, share: bytes) -> None:
    """Raise SharesRefused unless `share` is the one that `sealed` commits to."""
    if not hmac.compare_digest(_commit(_SHARE_TAG, share), sealed.commitment):
        raise SharesRefused(f"the share of {sealed.auditor} is not the one of this transcript")


def require_key(header: Header, shares: Mapping[str, bytes]) -> bytes:
    """Return the content key that `shares` (auditor → share) make, or raise SharesRefused.

    Steps: (1) each is the share of that auditor; (2) they are enough; (3) they make the key that the head commits to.
    """
    # (1)
    numbered: dict[int, bytes] = {}
    for auditor, share in shares.items():
        sealed = header.share_of(auditor)
        check_share(sealed, share)
        numbered[sealed.number] = share
    # (2)
    if len(numbered) < header.threshold:
        raise SharesRefused(f"{len(numbered)} shares; this transcript needs {header.threshold}")
    # (3)
    key = combine_shares(numbered)
    if not hmac.compare_digest(_commit(_KEY_TAG, key), header.key_commitment):
        raise SharesRefused("the shares do not make the key: the gate sealed false ones", hint="Keep the file.")
    return key


def encode_header(header: Header) -> bytes:
    """Return the bytes that a sealed transcript begins with."""
    return MAGIC + _LENGTH.pack(len(header.encoded)) + header.encoded


def decode_header(data: bytes) -> tuple[Header, int]:
    """Return the head at the beginning of `data` and where the content begins, or raise TranscriptRefused."""
    start = len(MAGIC) + _LENGTH.size
    if data[: len(MAGIC)] != MAGIC or len(data) < start:
        raise TranscriptRefused("the file does not begin like a sealed transcript")
    (size,) = _LENGTH.unpack_from(data, len(MAGIC))
    if size > MAX_HEADER_BYTES or len(data) < start + size:
        raise TranscriptRefused("the head of the transcript is cut off or too large")
    try:
        header = _read_header(data[start : start + size])
    except TranscriptRefused:
        raise
    except SekishoError as error:
        raise TranscriptRefused(f"the head of the transcript is not canonical JSON: {error.message}") from error
    return header, start + size


def check_request_id(request_id: str) -> None:
    """Raise TranscriptRefused unless `request_id` is one; it becomes the name of a file."""
    _match(request_id, _REQUEST_ID, "request_id")


def is_request_id(text: str) -> bool:
    """Say whether `text` has the form of a request id."""
    return _REQUEST_ID.fullmatch(text) is not None


def _make_header(belonging: Belonging, threshold: int, key_commitment: str, shares: tuple[SealedShare, ...]) -> Header:
    encoded = jcs.canonical(
        {
            **_belonging_fields(belonging),
            "threshold": threshold,
            "key_commitment": key_commitment,
            "shares": [
                {
                    "auditor": share.auditor,
                    "number": share.number,
                    "key_id": share.key_id,
                    "commitment": share.commitment,
                    "sealed": base64.b64encode(share.sealed).decode(),
                }
                for share in shares
            ],
        }
    )
    return Header(
        belonging=belonging, threshold=threshold, key_commitment=key_commitment, shares=shares, encoded=encoded
    )


def _read_header(encoded: bytes) -> Header:
    fields = _object(jcs.parse_canonical(encoded), _NAMES)
    shares = fields["shares"]
    if not isinstance(shares, list) or not 1 <= len(shares) <= MAX_AUDITORS:
        raise TranscriptRefused(f"a transcript has 1 to {MAX_AUDITORS} shares")
    header = Header(
        belonging=Belonging(
            log=_match(fields["log"], _ORIGIN, "log"),
            request_id=_match(fields["request_id"], _REQUEST_ID, "request_id"),
            request_commitment=_match(fields["request_commitment"], _COMMITMENT, "request_commitment"),
        ),
        threshold=_count(fields["threshold"], most=len(shares)),
        key_commitment=_match(fields["key_commitment"], _DIGEST, "key_commitment"),
        shares=tuple(_read_share(share, number) for number, share in enumerate(shares, start=1)),
        encoded=encoded,
    )
    if len({share.auditor for share in header.shares}) != len(shares):
        raise TranscriptRefused("two shares have one auditor")
    return header


def _read_share(value: jcs.Json, number: int) -> SealedShare:
    fields = _object(value, _SHARE_NAMES)
    if _count(fields["number"], most=MAX_AUDITORS) != number:
        raise TranscriptRefused("the shares are numbered from 1 on, in order")
    try:
        sealed = base64.b64decode(str(fields["sealed"]), validate=True)
    except binascii.Error as error:
        raise TranscriptRefused("a sealed share is not base64") from error
    if len(sealed) != _SEALED_SHARE_BYTES or base64.b64encode(sealed).decode() != fields["sealed"]:
        raise TranscriptRefused("a sealed share has another length or spelling")
    return SealedShare(
        auditor=_match(fields["auditor"], _NAME, "auditor"),
        number=number,
        key_id=_match(fields["key_id"], _DIGEST, "key_id"),
        commitment=_match(fields["commitment"], _DIGEST, "commitment"),
        sealed=sealed,
    )


def _info(belonging: Belonging, threshold: int, key_commitment: str, auditor: str, number: int) -> bytes:
    """Return HPKE's `info`: a share taken from one transcript and put into another does not open there."""
    fields: dict[str, jcs.Json] = {
        **_belonging_fields(belonging),
        "threshold": threshold,
        "key_commitment": key_commitment,
        "auditor": auditor,
        "number": number,
    }
    return _INFO_TAG + jcs.canonical(fields)


def _belonging_fields(belonging: Belonging) -> dict[str, jcs.Json]:
    return {
        "log": belonging.log,
        "request_id": belonging.request_id,
        "request_commitment": belonging.request_commitment,
    }


def _commit(tag: bytes, secret: bytes) -> str:
    # Of 32 random bytes: there is nothing to guess, so no salt.
    return hashlib.sha256(tag + secret).hexdigest()


def _object(value: jcs.Json, names: frozenset[str]) -> Mapping[str, jcs.Json]:
    if not isinstance(value, Mapping) or set(value) != names:
        raise TranscriptRefused(f"expected an object with exactly {', '.join(sorted(names))}")
    return value


def _match(value: jcs.Json, pattern: re.Pattern[str], name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise TranscriptRefused(f"{name} is not of its form")
    return value


def _count(value: jcs.Json, *, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise TranscriptRefused(f"expected a whole number from 1 to {most}")
    return value
