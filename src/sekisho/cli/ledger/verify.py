"""`sekisho ledger verify`: every file of a ledger, from files alone: a folder, or an address on the web."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.place import EXIT_FAILED, Place, PolicyFile, progress, read_policy
from sekisho.cli.ledger.stamp import CheckedStamps, check_kept
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
    tsa_root: Annotated[
        Path | None,
        typer.Option(help="An authority's root certificate (PEM): the time stamps beside the logs are checked too."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify every file of a ledger. Exit 0: verified; 1: something is wrong, and the output says what and where."""
    pinned, source = read_charter(charter), open_source(path)
    with progress() as on_progress:
        report = verify_ledger(
            source,
            vkey=vkey_of(pinned),
            charter=pinned,
            policy=read_policy(policy),
            logs=log or None,
            on_progress=on_progress,
        )
    # Of a log that does not verify a stamp would say nothing.
    stamps = check_kept(source, report.logs, tsa_root) if tsa_root is not None and report.is_verified else None
    if as_json:
        print(json.dumps(report.to_dict() | _stamps_told(stamps), ensure_ascii=False, indent=2, sort_keys=True))
    else:
        _print(report)
        _print_stamps(stamps)
        print("NOT VERIFIED: a time stamp is refused" if stamps is not None and stamps.refused else verdict(report))
    if not report.is_verified or (stamps is not None and stamps.refused):
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


def _stamps_told(stamps: CheckedStamps | None) -> dict[str, object]:
    """Return what JSON says of the stamps: nothing if they were not asked for, or could not be judged."""
    if stamps is None:
        return {}
    # Only asked for where the ledger itself verifies.
    return {"verified": not stamps.refused, "stamps": stamps.stamps, "stamps_refused": stamps.refused}


def _print_stamps(stamps: CheckedStamps | None) -> None:
    if stamps is None:
        return
    console = Console(highlight=False, soft_wrap=True)
    for stamp in stamps.stamps:
        console.print(
            Text(f"{stamp['log']}: the first {stamp['size']} entries stamped {stamp['at']} by {stamp['authority']}")
        )
    for reason in stamps.refused:
        console.print(Text(f"stamp refused: {reason}", style="red"))


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
