"""`sekisho ledger export`: one folder for an auditor, which verifies without network."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.ledger.charter_file import CharterFile
from sekisho.cli.ledger.place import Place, PolicyFile
from sekisho.cli.ledger.verify import verdict
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.ledger import DECISIONS, Trusted, export_ledger, open_source


def export(
    path: Place,
    dest: Annotated[Path, typer.Argument(help="The folder to make; it must not exist yet.")],
    charter: CharterFile = None,
    policy: PolicyFile = None,
    log: Annotated[
        list[str] | None, typer.Option(help="Only these calls logs beside decisions; again for more.")
    ] = None,
    without_calls: Annotated[
        bool, typer.Option("--without-calls", help="Decisions alone. Still for members: they tell call volumes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a ledger into a new folder for an auditor, verified, with a README and a manifest: whole or not at all."""
    if log and without_calls:
        raise typer.BadParameter("--log and --without-calls exclude each other")
    trusted = Trusted(charter=_read(charter), policy=_read(policy))
    logs = (DECISIONS,) if without_calls else tuple(log) if log else None
    report = export_ledger(open_source(path), dest, trusted, logs=logs)
    rows = [{"log": one.log, "entries": one.size, "root": one.root.hex()} for one in report.logs]
    show({"folder": str(dest), "trust": report.trust.value, "logs": rows} if as_json else rows, as_json=as_json)
    print(f"{dest}: {verdict(report)}", file=sys.stderr)


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()
