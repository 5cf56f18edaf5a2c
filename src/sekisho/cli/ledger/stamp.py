"""`sekisho ledger stamp`: have an authority say that a log's tree existed by now, and check what was said before."""

from pathlib import Path
from typing import Annotated, ClassVar

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.place import Place
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.core import SekishoError
from sekisho.ledger import locate_log, open_source
from sekisho.ledger.reading import read_key, read_note
from sekisho.ledger.stamp_folder import StampFolder
from sekisho.server.system import SystemClock


class StampUnclear(SekishoError):
    """The command line does not say what to do."""

    code: ClassVar[str] = "SKS-CLI-209"
    hint = "Give --tsa URL to get a stamp, or --check to check those that are there."


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
    show([one.to_dict() | {"file": file.name} for file, one in found], as_json=as_json)
