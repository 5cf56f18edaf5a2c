"""Receipts: from the headers of an answer to an inclusion proof, or to evidence that the log broke its word.

What is needed is the answer's headers and a copy of the ledger: its decisions log, which names the calls log's key,
and the calls log's checkpoint and the few tiles above one entry. No other entry of the calls log is read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

from sekisho.core.errors import SekishoError
from sekisho.core.utc import format_utc
from sekisho.formats import jcs
from sekisho.ledger.broken_promise import Breach, Evidence, check_evidence, is_intent_of
from sekisho.ledger.calls_keys import CallsLog, LedgerUnfit, find_calls_logs
from sekisho.ledger.entries import Entry, decode_entry
from sekisho.ledger.permits import MAX_CLOCK_DIFFERENCE
from sekisho.ledger.promise import Promise, open_promise, parse_promise
from sekisho.ledger.reading import read_note, read_tile, tile_reader
from sekisho.ledger.source import Source
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import InclusionRefused, hash_leaf, verify_inclusion
from sekisho.tlog.proof import Proof
from sekisho.tlog.tile import TILE_WIDTH, Tile, TileRefused, parse_bundle
from sekisho.tlog.tile_tree import prove_inclusion

# Headers of an answer are a few kB; a gate's own bound for them is 64 KiB.
MAX_RECEIPT_SIZE_BYTES: Final = 65_536
_PROMISE: Final = "sekisho-promise"
_REQUEST_ID: Final = "sekisho-request-id"
_INDEX: Final = "sekisho-intent-index"
_LOG: Final = "sekisho-log"
_NAMES: Final = frozenset({_PROMISE, _REQUEST_ID, _INDEX, _LOG})


class ReceiptRefused(SekishoError):
    """The receipt is not a genuine one: no promise of a log that this ledger knows."""

    code: ClassVar[str] = "SKS-LEDGER-031"
    hint = "Give the headers of one answer as the gate sent them (curl -D), and the ledger of that programme."


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an answer's headers say; nothing is verified. `promise`: the line; the others None where they are absent."""

    promise: str
    request_id: str | None
    index: str | None
    log: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The entry is in the published tree. `proof` carries it as extra data."""

    promise: Promise
    log: str
    entry: Entry
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYetDue:
    """The entry is not published, and the log has time until `promise.due_at`."""

    promise: Promise
    log: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The log broke its word; `evidence` shows it to anybody who knows its key."""

    promise: Promise
    log: str
    evidence: Evidence


Finding: TypeAlias = Kept | NotYetDue | Broken


def parse_receipt(data: bytes) -> Receipt:
    """Return the receipt in `data`: headers as `curl -D` saves them, or one JSON object of headers.

    Steps: (1) size; (2) which headers; (3) exactly one promise: with two, two readers could judge different ones.
    Raises ReceiptRefused.
    """
    # (1)
    if len(data) > MAX_RECEIPT_SIZE_BYTES:
        raise ReceiptRefused(f"{len(data)} bytes, more than {MAX_RECEIPT_SIZE_BYTES}")
    # (2)
    answers = [_from_json(data)] if data.lstrip()[:1] == b"{" else list(_from_headers(data))
    # (3)
    found = [answer for answer in answers if _PROMISE in answer]
    if len(found) != 1:
        raise ReceiptRefused(f"{len(found)} answers with a {_PROMISE} header, not one")
    (answer,) = found
    return Receipt(
        promise=answer[_PROMISE], request_id=answer.get(_REQUEST_ID), index=answer.get(_INDEX), log=answer.get(_LOG)
    )


def check_receipt(receipt: Receipt, root: Path | Source, *, vkey: str | None, at: datetime) -> Finding:
    """Return what became of the promise in `receipt` by the ledger at `root`. `at`: now, aware UTC.

    `vkey`: the decisions log's key from a pinned charter; without it the one beside the log is taken, and the finding
    is worth as much. Steps: (1) a well-formed promise that the other headers agree with; (2) of a log that the
    verified decisions log knows, signed by its key, not dated ahead; (3) the calls log's signed checkpoint; (4) what
    stands at the index. Raises ReceiptRefused, LedgerUnfit, LedgerNotFound, LedgerUnavailable or WebUnavailable.
    """
    # (1)
    try:
        claimed = parse_promise(receipt.promise).promise
    except SekishoError as error:
        raise ReceiptRefused(error.message) from error
    _require_agreeing(receipt, claimed)
    # (2)
    place, logs = find_calls_logs(root, vkey=vkey)
    log = _log_of(claimed.origin, receipt, logs)
    promise = _open(receipt.promise, log, at=at)
    # (3)
    note, checkpoint = _read_checkpoint(place.below(log.name), log)
    # (4)
    if checkpoint.size <= promise.index:
        if at - promise.due_at <= MAX_CLOCK_DIFFERENCE:
            return NotYetDue(promise=promise, log=log.name, size=checkpoint.size)
        return _broken(Breach.NOT_COVERED, receipt.promise, log, note, None, (), at)
    entry, path = _read_entry(place.below(log.name), promise.index, checkpoint)
    if hash_leaf(entry) != promise.leaf_hash:
        return _broken(Breach.OTHER_LEAF, receipt.promise, log, note, entry, path, at)
    if not is_intent_of(entry, promise.request_id):
        return _broken(Breach.OTHER_REQUEST, receipt.promise, log, note, entry, path, at)
    proof = Proof(index=promise.index, path=path, checkpoint=note, extra=entry)
    return Kept(promise=promise, log=log.name, entry=decode_entry(entry), proof=proof)


def check_accusation(evidence: Evidence, root: Path | Source, *, vkey: str | None) -> Broken:
    """Return the promise that `evidence` shows to be broken, judged by the key that the ledger at `root` has on record.

    Only the decisions log is needed. Raises EvidenceRefused, ReceiptRefused if no log of the ledger is meant, or what
    reading the ledger raises.
    """
    try:
        origin = parse_promise(evidence.promise).promise.origin
    except SekishoError as error:
        raise ReceiptRefused(error.message) from error
    _, logs = find_calls_logs(root, vkey=vkey)
    log = _find(origin, logs)
    return Broken(promise=check_evidence(evidence, log.verifier), log=log.name, evidence=evidence)


def _from_json(data: bytes) -> dict[str, str]:
    kept = sum(line.startswith(b"{") for line in data.splitlines())
    if kept > 1:
        raise ReceiptRefused(
            f"{kept} receipts, not one",
            hint="Give one line of the file: grep REQUEST-ID FILE | sekisho ledger check-receipt - DATA",
        )
    try:
        fields = jcs.parse(data)
    except SekishoError as error:
        raise ReceiptRefused(error.message) from error
    if not isinstance(fields, Mapping):
        raise ReceiptRefused("not an object of headers")
    return _collect((name.lower(), value) for name, value in fields.items())


def _from_headers(data: bytes) -> Iterator[dict[str, str]]:
    """Yield the headers of each answer in a file of `curl -D`: one more for each redirect, challenge or 100."""
    # Any byte may stand in the headers of others; ours are ASCII.
    text = data.decode("latin-1").replace("\r\n", "\n")
    for block in text.split("\n\n"):
        # A folded line begins with a space, so its name is none of ours.
        lines = (line.partition(":") for line in block.split("\n"))
        yield _collect((name.lower(), value.strip(" \t")) for name, colon, value in lines if colon)


def _collect(fields: Iterable[tuple[str, jcs.Json]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in fields:
        if name in _NAMES:
            if name in found or not isinstance(value, str):
                raise ReceiptRefused(f"{name} is there twice, or is not text")
            found[name] = value
    return found


def _require_agreeing(receipt: Receipt, promise: Promise) -> None:
    """The headers beside it are not signed: what contradicts the promise was put there by somebody else."""
    if receipt.request_id not in (None, promise.request_id):
        raise ReceiptRefused(f"{_REQUEST_ID} names another request than the promise")
    if receipt.index not in (None, str(promise.index)):
        raise ReceiptRefused(f"{_INDEX} names another entry than the promise")


def _log_of(origin: str, receipt: Receipt, logs: Iterable[CallsLog]) -> CallsLog:
    log = _find(origin, logs)
    if receipt.log not in (None, log.name):
        raise ReceiptRefused(f"{_LOG} names another log than the promise")
    return log


def _find(origin: str, logs: Iterable[CallsLog]) -> CallsLog:
    for log in logs:
        if log.verifier.name == origin:
            return log
    raise ReceiptRefused(f"this ledger has no log {origin[:80]!r} on record")


def _open(line: str, log: CallsLog, *, at: datetime) -> Promise:
    try:
        promise = open_promise(line, log.verifier)
    except SekishoError as error:
        raise ReceiptRefused(error.message) from error
    # A log that dates its promises in years to come would never have to keep one.
    if promise.at - at > MAX_CLOCK_DIFFERENCE:
        raise ReceiptRefused(f"dated ahead: {format_utc(promise.at)}, and it is {format_utc(at)} here")
    return promise


def _read_checkpoint(source: Source, log: CallsLog) -> tuple[bytes, Checkpoint]:
    note = read_note(source)
    if note is None:
        raise LedgerUnfit(f"there is no checkpoint of {log.name}")
    try:
        return note, open_checkpoint(note, log.verifier)
    except SekishoError as error:
        raise LedgerUnfit(f"the checkpoint of {log.name} is not signed by its key: {error.message}") from error


def _read_entry(source: Source, index: int, checkpoint: Checkpoint) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the entry at `index` with its path to the signed root, or raise LedgerUnfit."""
    first = index - index % TILE_WIDTH
    bundle = Tile(level=None, index=index // TILE_WIDTH, width=min(TILE_WIDTH, checkpoint.size - first))
    try:
        entry = parse_bundle(read_tile(source, bundle) or b"", bundle.width)[index - first]
        path = prove_inclusion(index, checkpoint.size, tile_reader(source, checkpoint.size))
        verify_inclusion(hash_leaf(entry), index, checkpoint.size, path, checkpoint.root)
    except (TileRefused, InclusionRefused) as error:
        raise LedgerUnfit(f"the files do not show entry {index} under the checkpoint: {error.message}") from error
    return entry, path


def _broken(
    breach: Breach,
    line: str,
    log: CallsLog,
    note: bytes,
    entry: bytes | None,
    path: tuple[bytes, ...],
    at: datetime,
) -> Broken:
    evidence = Evidence(
        breach=breach, vkey=log.verifier.vkey, promise=line, checkpoint=note, entry=entry, path=path, seen_at=at
    )
    # As whoever is shown it will: nobody is accused of what cannot be shown.
    return Broken(promise=check_evidence(evidence, log.verifier), log=log.name, evidence=evidence)
