"""`sekisho ledger verify`: every file of a ledger, offline and from files alone."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.ledger import Report, Trust, verify_ledger

EXIT_FAILED = 1


def verify(
    path: Annotated[Path, typer.Argument(help="The data directory, its ledger/ folder, or one log in it.")],
    charter: CharterFile = None,
    as_json: AsJson = False,
) -> None:
    """Verify every file of a ledger. Exit 0: verified; 1: something is wrong, and the output says what and where."""
    pinned = read_charter(charter)
    report = verify_ledger(path, vkey=vkey_of(pinned), charter=pinned)
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, sort_keys=True))
    else:
        _print(report)
    if not report.is_verified:
        raise typer.Exit(EXIT_FAILED)


def _print(report: Report) -> None:
    console = Console(highlight=False, soft_wrap=True)
    rows = [
        {"log": log.log, "entries": log.size, "anchored": log.anchored_size, "root": log.root.hex()}
        for log in report.logs
    ]
    show(rows, as_json=False)
    for log in report.logs:
        for kind, count in log.counts:
            console.print(Text(f"{log.log}: {count} × {kind}"))
    if report.gap_count:
        console.print(f"{report.gap_count} calls without an outcome yet (under way, or their outcome was lost):")
        for gap in report.gaps:
            console.print(Text(f"  {gap.log} entry {gap.index}: request {gap.request_id}"))
    for problem in report.problems:
        console.print(Text(f"{problem.fault.value}: {problem.where}: {problem.message}", style="red"))
    console.print(verdict(report))


def verdict(report: Report) -> str:
    """Say in a sentence what a verification came to."""
    if not report.is_verified:
        return f"NOT VERIFIED: {report.problem_count} problems"
    if report.trust is Trust.PINNED:
        return "verified, with the key of the pinned charter"
    return "self-consistent only: the key came from beside the log; give --charter FILE to verify whose log it is"
