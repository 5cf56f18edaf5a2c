"""`sekisho ledger verify`: every file of a ledger, from files alone: a folder, or an address on the web."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.place import EXIT_FAILED, Place, PolicyFile, progress, read_policy
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.ledger import Report, Trust, open_source, verify_ledger


def verify(
    path: Place,
    charter: CharterFile = None,
    policy: PolicyFile = None,
    log: Annotated[
        list[str] | None, typer.Option(help="Only these logs beside decisions: calls/gate-0; again for more.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify every file of a ledger. Exit 0: verified; 1: something is wrong, and the output says what and where."""
    pinned = read_charter(charter)
    with progress() as on_progress:
        report = verify_ledger(
            open_source(path),
            vkey=vkey_of(pinned),
            charter=pinned,
            policy=read_policy(policy),
            logs=log or None,
            on_progress=on_progress,
        )
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
        if log.cosigned:
            console.print(Text(f"{log.log}: cosigned by {', '.join(witness for witness, _ in log.cosigned)}"))
    if report.gap_count:
        console.print(f"{report.gap_count} calls without an outcome yet (under way, or their outcome was lost):")
        for gap in report.gaps:
            console.print(Text(f"  {gap.log} entry {gap.index}: request {gap.request_id}"))
    print_problems(report, console)
    console.print(verdict(report))


def print_problems(report: Report, console: Console) -> None:
    """Print what is wrong, one problem a line."""
    for problem in report.problems:
        console.print(Text(f"{problem.fault.value}: {problem.where}: {problem.message}", style="red"))


def verdict(report: Report) -> str:
    """Say in a sentence what a verification came to."""
    if not report.is_verified:
        count = "1 problem" if report.problem_count == 1 else f"{report.problem_count} problems"
        return f"NOT VERIFIED: {count}. Keep this copy as it is; docs/ledger-reading.md says what each word means"
    if report.trust is Trust.LISTED:
        return "verified, with a key that the policy lists"
    if report.trust is Trust.PINNED:
        return "verified, with the key of the pinned charter"
    return "self-consistent only: the key came from beside the log; give --charter FILE to verify whose log it is"
