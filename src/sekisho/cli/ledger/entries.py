"""`sekisho ledger entries`: what a verified log holds, in its order."""

import json
import sys
from typing import Annotated

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.lines import entry_json, entry_line
from sekisho.cli.ledger.place import Place, require_verified
from sekisho.cli.ledger.verify import verdict
from sekisho.ledger import NoSuchLog, locate_log, open_source, read_entries, verify_ledger
from sekisho.tlog.checkpoint import Checkpoint


def entries(
    path: Place,
    charter: CharterFile = None,
    log: Annotated[str, typer.Option(help="Which log: decisions, or calls/gate-0.")] = "decisions",
    kind: Annotated[str | None, typer.Option(help="Only entries of this kind, such as grant-issued/v1.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each entry whole, as JSON on a line of its own.")
    ] = False,
) -> None:
    """Verify a ledger, then print the entries of one log in their order. docs/specs/ledger-entries.md has the kinds."""
    pinned = read_charter(charter)
    source = open_source(path)
    report = require_verified(verify_ledger(source, vkey=vkey_of(pinned), charter=pinned), path)
    verified = next((one for one in report.logs if one.log == log), None)
    if verified is None:
        raise NoSuchLog(f"no log {log}", hint=f"One of: {', '.join(one.log for one in report.logs)}.")
    head = Checkpoint(origin=verified.origin, size=verified.size, root=verified.root)
    for index, data in read_entries(locate_log(source, log)[1], head):
        entry = json.loads(data)
        if kind in (None, entry["kind"]):
            print(entry_json(index, entry) if as_json else entry_line(index, entry))
    print(verdict(report), file=sys.stderr)
