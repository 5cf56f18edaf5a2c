"""`sekisho ledger`: verify the transparency log, offline and from files alone."""

import json
from pathlib import Path
from typing import Annotated, ClassVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sekisho.cli.options import AsJson
from sekisho.core import SekishoError
from sekisho.ledger import Report, Trust, verify_ledger

EXIT_FAILED = 1

app = typer.Typer(name="ledger", help="Verify the transparency log.", no_args_is_help=True)


class CharterUnreadable(SekishoError):
    """The charter's file cannot be read."""

    code: ClassVar[str] = "SKS-CLI-201"
    hint = "Give the charter as you received it from the parties: --charter FILE."


@app.callback()
def ledger() -> None:
    """Verify the transparency log."""


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="The data directory, its ledger/ folder, or one log in it.")],
    charter: Annotated[
        Path | None, typer.Option("--charter", help="The pinned charter, which names the log's key.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify every file of a ledger. Exit 0: verified; 1: something is wrong, and the output says what and where."""
    report = verify_ledger(path, vkey=None if charter is None else _pinned_key(charter))
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, sort_keys=True))
    else:
        _print(report)
    if not report.is_verified:
        raise typer.Exit(EXIT_FAILED)


def _pinned_key(charter: Path) -> str:
    # Imported here: a ledger can be verified without knowing charters.
    from sekisho.trust import read_pinned_ledger_key

    try:
        data = charter.read_bytes()
    except OSError as error:
        raise CharterUnreadable(f"{charter}: {error.strerror or error}") from error
    return read_pinned_ledger_key(data)


def _print(report: Report) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for name in ("log", "entries", "anchored", "root"):
        table.add_column(name, overflow="fold")
    for log in report.logs:
        anchored = "–" if log.anchored_size is None else str(log.anchored_size)
        table.add_row(Text(log.log), str(log.size), anchored, log.root.hex())
    console.print(table)
    for log in report.logs:
        for kind, count in log.counts:
            console.print(Text(f"{log.log}: {count} × {kind}"))
    if report.gap_count:
        console.print(f"{report.gap_count} calls without an outcome yet (under way, or their outcome was lost):")
        for gap in report.gaps:
            console.print(Text(f"  {gap.log} entry {gap.index}: request {gap.request_id}"))
    for problem in report.problems:
        console.print(Text(f"{problem.fault.value}: {problem.where}: {problem.message}", style="red"))
    console.print(_verdict(report))


def _verdict(report: Report) -> str:
    if not report.is_verified:
        return f"NOT VERIFIED: {report.problem_count} problems"
    if report.trust is Trust.PINNED:
        return "verified, with the key of the pinned charter"
    return "self-consistent only: the key came from beside the log; give --charter FILE to verify whose log it is"
