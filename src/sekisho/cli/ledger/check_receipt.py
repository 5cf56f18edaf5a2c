"""`sekisho ledger check-receipt`: what became of the promise in an answer's headers."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.place import Place
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.core import SekishoError, format_utc
from sekisho.ledger import Trust, open_source
from sekisho.ledger.broken_promise import (
    MAX_EVIDENCE_SIZE_BYTES,
    VERSION,
    Breach,
    encode_evidence,
    parse_evidence,
)
from sekisho.ledger.receipt import Broken, Finding, Kept, check_accusation, check_receipt, parse_receipt
from sekisho.server.system import SystemClock
from sekisho.tlog.proof import encode_proof

EXIT_BROKEN = 1
EXIT_NOT_YET_DUE = 3
_BREACHES = {
    Breach.OTHER_LEAF: "another entry stands at this index",
    Breach.OTHER_REQUEST: "the promised entry is not the intent of this request",
    Breach.NOT_COVERED: "no published checkpoint covers the entry, and the time for it is over",
}


class ReceiptUnreadable(SekishoError):
    """The receipt's file cannot be read, or what was found cannot be written."""

    code: ClassVar[str] = "SKS-CLI-231"
    hint = "Save the headers with `curl -D FILE`, and give --out a new file: nothing is overwritten."


def check_receipt_command(
    file: Annotated[str, typer.Argument(help="The answer's headers (curl -D, or JSON), or evidence; - for stdin.")],
    path: Place,
    charter: CharterFile = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the proof or the evidence goes; a new file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Turn a receipt into an inclusion proof, or show that the log broke its promise.

    Exit 0: kept, the proof is written; 3: not yet due; 1: broken, the evidence is written; 2: not a genuine receipt,
    or the files show neither. An evidence file is judged too: 1 if it shows a broken promise, 2 if not.
    """
    vkey = vkey_of(read_charter(charter))
    data, source = _read(file), open_source(path)
    if f'"{VERSION}"'.encode() in data:
        found: Finding = check_accusation(parse_evidence(data), source, vkey=vkey)
        written = None
    else:
        found = check_receipt(parse_receipt(data), source, vkey=vkey, at=SystemClock().now())
        written = _write(found, out)
    told = _tell(found, Trust.SELF_CONSISTENT if vkey is None else Trust.PINNED, written)
    if as_json:
        print(json.dumps(told, ensure_ascii=True, indent=2, sort_keys=True))
    else:
        show(told, as_json=False)
        print(_sentence(found), file=sys.stderr)
    if not isinstance(found, Kept):
        raise typer.Exit(EXIT_BROKEN if isinstance(found, Broken) else EXIT_NOT_YET_DUE)


def _read(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(MAX_EVIDENCE_SIZE_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MAX_EVIDENCE_SIZE_BYTES + 1)
    except OSError as error:
        raise ReceiptUnreadable(f"{file}: {error.strerror or error}") from error


def _write(found: Finding, out: Path | None) -> Path | None:
    """Write the proof or the evidence, if there is any, to a new file, and return its path."""
    # The name holds the index alone: a request's id comes from a header, and could be a path.
    if isinstance(found, Kept):
        path, data = out or Path(f"receipt-{found.promise.index}.tlog-proof"), encode_proof(found.proof)
    elif isinstance(found, Broken):
        path, data = out or Path(f"receipt-{found.promise.index}.broken.json"), encode_evidence(found.evidence)
    else:
        return None
    try:
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise ReceiptUnreadable(f"{path}: {error.strerror or error}") from error
    return path


def _tell(found: Finding, trust: Trust, written: Path | None) -> dict[str, Any]:
    promise = found.promise
    told: dict[str, Any] = {
        "outcome": _outcome(found),
        "trust": trust.value,
        "log": found.log,
        "index": promise.index,
        "request_id": promise.request_id,
        "promised_at": format_utc(promise.at),
        "due_at": format_utc(promise.due_at),
        "file": None if written is None else str(written),
    }
    if isinstance(found, Kept):
        told["entry"] = {"at": format_utc(found.entry.at), **found.entry.body}
    if isinstance(found, Broken):
        told["breach"] = found.evidence.breach.value
        told["seen_at"] = format_utc(found.evidence.seen_at)
    return told


def _outcome(found: Finding) -> str:
    if isinstance(found, Kept):
        return "kept"
    return "broken" if isinstance(found, Broken) else "not-yet-due"


def _sentence(found: Finding) -> str:
    if isinstance(found, Kept):
        return "KEPT: the promised entry is in the published tree. Compare it with the call that you made."
    if isinstance(found, Broken):
        return f"BROKEN: {_BREACHES[found.evidence.breach]}. Keep the evidence, and tell the parties."
    return f"NOT YET DUE: the log has until {format_utc(found.promise.due_at)} to publish the entry."
