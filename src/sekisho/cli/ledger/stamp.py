"""`sekisho ledger stamp`: have an authority say that a log's tree existed by now, and check what was said before."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.place import EXIT_FAILED, Place
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.core import SekishoError
from sekisho.ledger import LogReport, locate_log, open_source
from sekisho.ledger.errors import LogDamaged
from sekisho.ledger.reading import read_key, read_note
from sekisho.ledger.source import Source
from sekisho.ledger.stamp_folder import StampFolder
from sekisho.server.system import SystemClock
from sekisho.tlog.checkpoint import CheckpointRefused
from sekisho.tlog.note import NoteRefused, NoteVerifier


class StampUnclear(SekishoError):
    """The command line does not say what to do."""

    code: ClassVar[str] = "SKS-CLI-209"
    hint = "Give --tsa URL to get a stamp, or --check to check those that are there."


class NoStamp(SekishoError):
    """Nothing is there to check."""

    code: ClassVar[str] = "SKS-CLI-210"
    exit_code: ClassVar[int] = EXIT_FAILED
    hint = "Get one with --tsa URL. If there were stamps, ask whoever keeps a copy of the ledger: none is ever removed."


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStamps:
    """The good stamps beside the logs, as the command line prints them, and why others are refused."""

    stamps: tuple[dict[str, Any], ...]
    refused: tuple[str, ...]


def stamp(
    path: Place,
    tsa_root: Annotated[Path, typer.Option(help="The authority's root certificate (PEM), pinned by you.")],
    tsa: Annotated[str | None, typer.Option(help="The authority's address (RFC 3161 over HTTP).")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check every stamp that is beside the log; ask nobody.")
    ] = False,
    log: Annotated[str | None, typer.Option(help="Which log: decisions (as without it), or calls/gate-0.")] = None,
    charter: CharterFile = None,
    as_json: AsJson = False,
) -> None:
    """Get a time stamp (RFC 3161) on a log's checkpoint and keep it beside the log, or check what is kept."""
    # Here and not above: certificates take longer to import than most commands to run.
    from sekisho.ledger.timestamps import ask_by_http, check_stamps, read_roots, request_stamp

    if check == (tsa is not None):
        raise StampUnclear("one of --tsa and --check is needed")
    name, source = locate_log(open_source(path), log)
    # The charter pins the key of the decisions log; another log's lies beside it.
    verifier = read_key(source, vkey_of(read_charter(charter)) if name == "decisions" else None)
    roots = read_roots(tsa_root)
    if tsa is not None:
        if source.folder is None:
            raise StampUnclear("a stamp is kept beside the log: give its folder, not an address")
        note = read_note(source) or b""
        made, answer = request_stamp(note, verifier, roots, ask_by_http(tsa), clock=SystemClock())
        StampFolder(source.folder).add(note, answer, made.size)
    found = check_stamps(source, verifier, roots)
    if not found:
        raise NoStamp("no time stamp is kept beside this log")
    show([one.to_dict() | {"file": file.name} for file, one in found], as_json=as_json)


def check_kept(source: Source, logs: Iterable[LogReport], tsa_root: Path) -> CheckedStamps:
    """Return what the stamps beside the verified `logs` of the ledger at `source` say, under the roots in a PEM file.

    Steps: (1) stamps lie in a folder; (2) each stamp beside each log is good; (3) there is one: who names an authority
    relies on its word, and files that were taken away must show. Raises StampUnclear, RootsRefused or
    LedgerUnavailable.
    """
    # Here and not above, as in `stamp`.
    from sekisho.ledger.timestamps import StampRefused, check_stamps, read_roots

    # (1)
    if source.folder is None:
        raise StampUnclear(
            "stamps are read from a folder, not from an address", hint="Fetch the ledger's folder first."
        )
    roots = read_roots(tsa_root)
    # (2)
    stamps: list[dict[str, Any]] = []
    refused: list[str] = []
    for log in logs:
        try:
            found = check_stamps(locate_log(source, log.log)[1], NoteVerifier.parse(log.vkey), roots)
        except (StampRefused, NoteRefused, CheckpointRefused, LogDamaged) as error:
            refused.append(f"{log.log}: {error.message}")
        else:
            stamps.extend({"log": log.log, **one.to_dict(), "file": file.name} for file, one in found)
    # (3)
    if not stamps and not refused:
        refused.append("no time stamp is kept beside any log")
    return CheckedStamps(stamps=tuple(stamps), refused=tuple(refused))
