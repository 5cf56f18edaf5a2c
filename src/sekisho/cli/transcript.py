"""`sekisho transcript`: the sealed content of calls: listed, handed out, opened by m auditors together, erased."""

import base64
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.place import Place, progress, require_verified
from sekisho.cli.ledger.verify import verdict
from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show
from sekisho.core import SekishoError
from sekisho.ledger import Report, VerifiedLog, locate_log, open_source, verify_ledger
from sekisho.ledger.auditor_key import AuditorKey, decode_auditor_key, encode_auditor_key
from sekisho.ledger.sealed_calls import SealedCall, read_sealed_calls
from sekisho.ledger.sealing import Transcript, check_transcript, unseal
from sekisho.ledger.share_file import OpenedShare, collect_shares, decode_share, encode_share, open_own_share
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.trust import Auditor, auditor_payload, check_party_name

# The largest request and answer that a gate carries, and more than a stream of hours.
MAX_TRANSCRIPT_BYTES = 1 << 30
# An auditor's key file and a share file are a few hundred bytes.
_MAX_SMALL_BYTES = 65_536

app = typer.Typer(help="The sealed content of calls: list, hand out, open together, erase.", no_args_is_help=True)

Sealed = Annotated[Path, typer.Argument(help="The sealed transcript.", exists=True, dir_okay=False)]
Out = Annotated[Path, typer.Option("--out", help="Where it goes: a new file, readable by you alone.")]


class NotWritten(SekishoError):
    """The file cannot be written; one that exists is never written over."""

    code: ClassVar[str] = "SKS-CLI-301"
    hint = "Give --out the name of a new file, on a disk with room."


class NoSuchTranscript(SekishoError):
    """The ledger names no such transcript, or it was erased."""

    code: ClassVar[str] = "SKS-CLI-302"
    exit_code: ClassVar[int] = 1
    hint = "`sekisho transcript list` says which calls were sealed, and which of them were erased."


class FileTooLarge(SekishoError):
    """The file is larger than any of its kind."""

    code: ClassVar[str] = "SKS-CLI-303"
    hint = "Check that it is the file you mean."


@app.command("new-key")
def new_key(
    name: Annotated[str, typer.Option(help="The auditor's name in the charter, such as auditor-a.")],
    out: Out,
) -> None:
    """Make an auditor's key, and print its entry for `auditors.members` of the charter (JSON; public)."""
    check_party_name(name)
    key = AuditorKey.generate()
    _write_new(out, encode_auditor_key(key))
    auditor = Auditor(name=name, key=key.public)
    print(json.dumps(auditor_payload(auditor)))
    print(f"made key {auditor.key_id} of {name} in {out}", file=sys.stderr)


@app.command("list")
def list_all(path: Place, charter: CharterFile = None, as_json: AsJson = False) -> None:
    """Verify a ledger, then list the calls whose content was sealed."""
    report, logs = _verified(path, charter)
    rows = [
        {
            "request": call.belonging.request_id,
            "log": call.log,
            "intent": call.intent_index,
            "erased": call.erased_index,
            "sealed sha256": call.sealed_sha256,
        }
        for call in read_sealed_calls(logs)
    ]
    show(rows, as_json=as_json)
    print(verdict(report), file=sys.stderr)


@app.command()
def release(
    request: Annotated[str, typer.Argument(help="The request id of the call: req_…")],
    requested_by: Annotated[str, typer.Option(help="Who asked for it, as the charter names them. It goes on record.")],
    basis: Annotated[str, typer.Option(help="Why, in a sentence. It goes on record.")],
    out: Out,
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Hand out a sealed transcript: an entry of the ledger first, then a copy of the sealed file."""
    from sekisho.api.client import OfficeClient
    from sekisho.ledger.transcripts import TranscriptFolder, copy_transcript

    _require_free(out)
    body = {"request_id": request, "requested_by": requested_by, "basis": basis}
    released = OfficeClient.of(data).post("/transcripts/releases", body)
    copy_transcript(TranscriptFolder(data / released["slot"] / "transcripts").path_of(request), out)
    show(released, as_json=as_json)


@app.command("open-share")
def open_share(
    sealed: Sealed,
    auditor: Annotated[str, typer.Option(help="Your name in the charter.")],
    key: Annotated[Path, typer.Option(help="Your key file.", exists=True, dir_okay=False)],
    out: Out,
) -> None:
    """Open your own share of a sealed transcript, for whoever puts the shares together. Keep the file secret."""
    opened = open_own_share(_read_sealed(sealed), auditor, decode_auditor_key(_read(key, _MAX_SMALL_BYTES)))
    _write_new(out, encode_share(opened))
    print(f"share {opened.number} of {opened.request_id}, of {auditor}, in {out}", file=sys.stderr)


@app.command("unseal")
def unseal_transcript(
    sealed: Sealed,
    shares: Annotated[list[Path], typer.Argument(help="The share files, each of another auditor.")],
    ledger: Annotated[str, typer.Option(help="The ledger to hold it against: a path, or an http(s) address.")],
    out: Out,
    charter: CharterFile = None,
) -> None:
    """Put a transcript together from its shares, hold it against the verified ledger, and write it to a file.

    Nothing of it is printed. Exit 1: the ledger does not verify, or commits to other content.
    """
    _require_free(out)
    data = _read_sealed(sealed)
    opened = unseal(data, collect_shares(data, _read_shares(shares)))
    report, logs = _verified(ledger, charter)
    call = _find_call(read_sealed_calls(logs), opened, hashlib.sha256(data).hexdigest())
    check_transcript(
        opened,
        call.belonging,
        response_commitment=call.response_commitment,
        response_size_bytes=call.response_size_bytes,
    )
    _write_new(out, _encode(opened, call))
    print(f"{call.belonging.request_id} in {out}: what the ledger commits to; {verdict(report)}", file=sys.stderr)


@app.command()
def erase(
    requests: Annotated[list[str], typer.Argument(help="The request ids of the calls: req_…")],
    basis: Annotated[str, typer.Option(help="Why, in a sentence. It goes on record.")],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Erase the content of calls for good: an entry of the ledger first, then salts and sealed file are destroyed."""
    from sekisho.api.client import OfficeClient

    body = {"request_ids": requests, "basis": basis}
    show(OfficeClient.of(data).post("/transcripts/erasures", body), as_json=as_json)


def _verified(path: str, charter: Path | None) -> tuple[Report, list[VerifiedLog]]:
    pinned, source = read_charter(charter), open_source(path)
    with progress() as on_progress:
        report = verify_ledger(source, vkey=vkey_of(pinned), charter=pinned, on_progress=on_progress)
    return report, [
        VerifiedLog(
            name=log.log,
            source=locate_log(source, log.log)[1],
            head=Checkpoint(origin=log.origin, size=log.size, root=log.root),
        )
        for log in require_verified(report, path).logs
    ]


def _find_call(calls: Iterator[SealedCall], opened: Transcript, digest: str) -> SealedCall:
    """Return the call whose outcome names the file of this digest, or raise NoSuchTranscript."""
    for call in calls:
        if call.sealed_sha256 == digest:
            if call.erased_index is not None:
                raise NoSuchTranscript(f"its content was erased: decisions entry {call.erased_index}")
            return call
    raise NoSuchTranscript(f"the ledger does not name this file for {opened.belonging.request_id} or any other call")


def _encode(opened: Transcript, call: SealedCall) -> bytes:
    told = {
        "log": opened.belonging.log,
        "request_id": opened.belonging.request_id,
        "intent_index": call.intent_index,
        "request": _content(opened.request, opened.request_salt),
        "response": _content(opened.response, opened.response_salt),
    }
    return json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n"


def _content(content: bytes, salt: bytes) -> dict[str, str]:
    """Return content with the salt that opens its commitment: text where it is UTF-8, else base64."""
    try:
        shown = {"text": content.decode("utf-8")}
    except UnicodeDecodeError:
        shown = {"base64": base64.b64encode(content).decode()}
    return {**shown, "salt": salt.hex()}


def _read_shares(paths: list[Path]) -> list[OpenedShare]:
    return [decode_share(_read(path, _MAX_SMALL_BYTES)) for path in paths]


def _read_sealed(path: Path) -> bytes:
    return _read(path, MAX_TRANSCRIPT_BYTES)


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise FileTooLarge(f"{path} is larger than {most} bytes")
    return data


def _require_free(path: Path) -> None:
    """Raise NotWritten for a file that is there, before anything is done that stays."""
    if path.exists() or not path.parent.is_dir():
        raise NotWritten(f"{path} exists, or its folder does not")


def _write_new(path: Path, data: bytes) -> None:
    """Write `data` to the new file `path`, readable by its owner alone, or raise NotWritten; then nothing is left."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotWritten(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise NotWritten(f"cannot write {path}: {error.strerror}") from error
