"""The file in which an auditor hands over its opened share of one transcript. It is secret.

Canonical JSON: docs/specs/sealed-transcript.md. It needs no signature: the sealed transcript commits to every share,
and the ledger to the sealed transcript.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sekisho.core.errors import SekishoError
from sekisho.formats import jcs
from sekisho.ledger.auditor_key import AuditorKey
from sekisho.ledger.errors import SharesRefused
from sekisho.ledger.sealed_header import decode_header, open_share

_KIND: Final = "sekisho-transcript-share/v1"
_NAMES: Final = frozenset({"auditor", "kind", "number", "request_id", "share", "transcript_sha256"})
# A share is a few hundred bytes with its names; more is no share.
_MAX_FILE_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedShare:
    """A share, and the transcript it is of: SHA-256 of the sealed file, hex."""

    transcript_sha256: str
    request_id: str
    auditor: str
    number: int
    share: bytes = field(repr=False)


def open_own_share(sealed: bytes, auditor: str, key: AuditorKey) -> OpenedShare:
    """Return the share of `auditor` in the file `sealed`, opened with its key.

    Raises TranscriptRefused or SharesRefused.
    """
    header, _ = decode_header(sealed)
    return OpenedShare(
        transcript_sha256=hashlib.sha256(sealed).hexdigest(),
        request_id=header.belonging.request_id,
        auditor=auditor,
        number=header.share_of(auditor).number,
        share=open_share(header, auditor, key),
    )


def encode_share(share: OpenedShare) -> bytes:
    """Return the bytes of the file."""
    return jcs.canonical(
        {
            "kind": _KIND,
            "transcript_sha256": share.transcript_sha256,
            "request_id": share.request_id,
            "auditor": share.auditor,
            "number": share.number,
            "share": base64.b64encode(share.share).decode(),
        }
    )


def decode_share(data: bytes) -> OpenedShare:
    """Return the share in the file's bytes `data`, or raise SharesRefused. Never repeats what it read."""
    try:
        fields = jcs.parse_canonical(data) if len(data) <= _MAX_FILE_BYTES else None
        if not isinstance(fields, Mapping) or set(fields) != _NAMES or fields["kind"] != _KIND:
            raise SharesRefused("the file is no share of a transcript")
        return OpenedShare(
            transcript_sha256=_text(fields, "transcript_sha256"),
            request_id=_text(fields, "request_id"),
            auditor=_text(fields, "auditor"),
            number=_number(fields, "number"),
            share=base64.b64decode(_text(fields, "share"), validate=True),
        )
    except SharesRefused:
        raise
    except (SekishoError, ValueError, binascii.Error) as error:
        raise SharesRefused("the file is no share of a transcript, or is damaged") from error


def collect_shares(sealed: bytes, shares: Iterable[OpenedShare]) -> dict[str, bytes]:
    """Return auditor → share for the file `sealed`, or raise SharesRefused for one that is another transcript's, or a
    second one of an auditor.
    """
    digest, collected = hashlib.sha256(sealed).hexdigest(), dict[str, bytes]()
    for share in shares:
        if share.transcript_sha256 != digest:
            raise SharesRefused(f"the share of {share.auditor} is of another transcript, of {share.request_id}")
        if share.auditor in collected:
            raise SharesRefused(f"two shares of {share.auditor}", hint="Each share comes from another auditor.")
        collected[share.auditor] = share.share
    return collected


def _text(fields: Mapping[str, jcs.Json], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise SharesRefused(f"{name} is text")
    return value


def _number(fields: Mapping[str, jcs.Json], name: str) -> int:
    value = fields[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise SharesRefused(f"{name} is a whole number")
    return value
