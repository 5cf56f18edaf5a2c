"""Time stamps (RFC 3161) on checkpoints: that a tree existed before a time, said by somebody who holds no key of ours.

A stamp is kept beside the log as two files, the note that was stamped and the authority's answer with its
certificates, because the log's own checkpoint moves on. Both can be checked without network, by this package or by
`openssl ts -verify`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from sekisho.core.clock import Clock
from sekisho.core.errors import SekishoError
from sekisho.core.utc import format_utc
from sekisho.ledger.http_post import Address, Answer, Poster
from sekisho.ledger.reading import read_note, tile_reader
from sekisho.ledger.source import Source
from sekisho.ledger.stamp_folder import StampFolder
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import ConsistencyRefused, verify_consistency
from sekisho.tlog.note import NoteVerifier
from sekisho.tlog.tile import TileRefused
from sekisho.tlog.tile_tree import prove_consistency

# An authority's clock and ours may differ by this much; beyond it one of them is not to be trusted.
MAX_SKEW: Final = timedelta(minutes=5)
_MAX_ROOTS_SIZE_BYTES: Final = 1_048_576
_TIMEOUT_S: Final = 20.0
_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"
# Takes the bytes of a request and returns the authority's answer.
AskAuthority: TypeAlias = Callable[[bytes], bytes]


class StampRefused(SekishoError):
    """The time stamp is not one of a trusted authority over this checkpoint."""

    code: ClassVar[str] = "SKS-LEDGER-082"
    exit_code: ClassVar[int] = 1
    hint = "Check that the root certificate is the authority's, and ask for a new stamp; keep the old one as it is."


class RootsRefused(SekishoError):
    """The file holds no certificate of an authority."""

    code: ClassVar[str] = "SKS-LEDGER-083"
    hint = "Give the authority's root certificate in PEM, as you received it by a way that you trust."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a time stamp says: the tree of `size` entries with this root existed before `at` (aware UTC).

    `authority`: the subject of the certificate that signed, as RFC 4514 text.
    """

    origin: str
    size: int
    root: bytes
    at: datetime
    authority: str

    def to_dict(self) -> dict[str, object]:
        """Return the stamp as the JSON that the command line prints."""
        return {
            "origin": self.origin,
            "size": self.size,
            "root": self.root.hex(),
            "at": format_utc(self.at),
            "authority": self.authority,
        }


def request_stamp(
    note: bytes, verifier: NoteVerifier, roots: Sequence[x509.Certificate], ask: AskAuthority, *, clock: Clock
) -> tuple[Stamp, bytes]:
    """Ask an authority for a stamp on the checkpoint `note`, and return it with the answer's bytes.

    Steps: (1) the note is a checkpoint of the log; (2) ask, with a fresh nonce; (3) the stamp is good; (4) it answers
    this request, not an older one; (5) its time is now. Raises StampRefused, NoteRefused, CheckpointRefused and what
    `ask` raises.
    """
    # (1)
    open_checkpoint(note, verifier)
    # (2)
    request = _request(note)
    asked_at = clock.now()
    answer = ask(request.as_bytes())
    # (3)
    stamp = check_stamp(note, answer, verifier, roots)
    # (4)
    if _decode(answer).tst_info.nonce != request.nonce:
        raise StampRefused("the authority answered another request: its nonce differs")
    # (5)
    if not asked_at - MAX_SKEW <= stamp.at <= clock.now() + MAX_SKEW:
        raise StampRefused(f"the authority's clock says {format_utc(stamp.at)}; ours differs by more than five minutes")
    return stamp, answer


def check_stamp(note: bytes, answer: bytes, verifier: NoteVerifier, roots: Sequence[x509.Certificate]) -> Stamp:
    """Return what the authority's `answer` says of the checkpoint `note` of the log of `verifier`.

    `roots`: the authority's pinned root certificates. Steps: (1) the note is a checkpoint of the log; (2) the answer
    is a granted stamp (RFC 3161 2.4.2); (3) signed under a chain to a pinned root, by a certificate for time stamping
    alone, all valid at the time of the stamp, over the SHA-256 or SHA-512 of the note. Raises StampRefused,
    NoteRefused or CheckpointRefused.
    """
    # (1)
    checkpoint = open_checkpoint(note, verifier)
    # (2)
    response = _decode(answer)
    # (3)
    try:
        VerifierBuilder(roots=list(roots)).build().verify_message(response, note)
        authority = _signer(response)
    except (VerificationError, ValueError, TypeError, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise StampRefused(f"the time stamp of size {checkpoint.size} is not good: {error}") from error
    at = response.tst_info.gen_time.astimezone(UTC)
    return Stamp(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, at=at, authority=authority)


def check_stamps(
    source: Source, verifier: NoteVerifier, roots: Sequence[x509.Certificate]
) -> tuple[tuple[Path, Stamp], ...]:
    """Return file and meaning of every stamp beside the log at `source`, oldest tree first.

    Steps: (1) the log's checkpoint; (2) each stamp is good; (3) today's tree begins with the one that was stamped.
    Raises StampRefused, NoteRefused, CheckpointRefused, LogDamaged or LedgerUnavailable.
    """
    folder = source.folder
    if folder is None:
        raise StampRefused(
            "stamps are read from a folder", hint="Fetch the log's folder first; the web has no listing."
        )
    # (1)
    head = open_checkpoint(read_note(source) or b"", verifier)
    stamps: list[tuple[Path, Stamp]] = []
    for path, note, answer in StampFolder(folder):
        # (2)
        stamp = check_stamp(note, answer, verifier, roots)
        # (3)
        _require_beginning(stamp, head, source)
        stamps.append((path, stamp))
    return tuple(stamps)


def read_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """Return the root certificates in the PEM file at `path`, or raise RootsRefused."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_ROOTS_SIZE_BYTES + 1)
        if len(data) > _MAX_ROOTS_SIZE_BYTES:
            raise RootsRefused(f"{path}: more than {_MAX_ROOTS_SIZE_BYTES} bytes")
        return tuple(x509.load_pem_x509_certificates(data))
    except OSError as error:
        raise RootsRefused(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise RootsRefused(f"{path}: no certificates in PEM") from error


def ask_by_http(url: str) -> AskAuthority:
    """Return what asks the authority at `url` (RFC 3161 3.4). It raises StampRefused or PostFailed."""
    address = Address.parse(url)

    def ask(request: bytes) -> bytes:
        poster = Poster(address, timeout_s=_TIMEOUT_S)
        try:
            return _body_of(poster.post("", request, content_type=_QUERY))
        finally:
            poster.close()

    return ask


def _request(note: bytes) -> TimeStampRequest:
    builder = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA512)
    return builder.nonce(nonce=True).cert_request(cert_request=True).build()


def _require_beginning(stamp: Stamp, head: Checkpoint, source: Source) -> None:
    if stamp.size > head.size:
        raise StampRefused(f"{stamp.size} entries were stamped, the log has {head.size}: it lost entries")
    try:
        path = prove_consistency(stamp.size, head.size, tile_reader(source, head.size))
        verify_consistency(stamp.size, stamp.root, head.size, head.root, path)
    except (ConsistencyRefused, TileRefused) as error:
        raise StampRefused(
            f"the log does not begin with the {stamp.size} entries that were stamped: {error.message}",
            hint="Keep log and stamp: if the tiles are whole (`ledger fsck`), two histories were signed.",
        ) from error


def _decode(answer: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(answer)
    except ValueError as error:
        raise StampRefused("the answer is no time stamp (RFC 3161 2.4.2, DER)") from error


def _signer(response: TimeStampResponse) -> str:
    """Return the subject of the certificate that the signature names. The caller MUST have verified the response."""
    (info,) = response.signed_data.signer_infos
    for der in response.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) == (info.issuer, info.serial_number):
            return certificate.subject.rfc4514_string()
    raise StampRefused("the answer does not carry the authority's certificate")


def _body_of(answer: Answer) -> bytes:
    if answer.status != 200 or answer.content_type != _REPLY:
        raise StampRefused(f"the authority answered {answer.status} {answer.content_type[:60]!r}, not a time stamp")
    return answer.body
