"""`sekisho ledger`: verify and read the transparency log, offline and from files alone."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from rich.console import Console
from rich.text import Text

from sekisho.cli.options import AsJson
from sekisho.cli.output import one_line, show
from sekisho.core import SekishoError
from sekisho.ledger import LogReport, Report, Trust, verify_ledger
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.tile import parse_bundle, tiles_of
from sekisho.trust import PinnedCharter, read_pinned_charter

EXIT_FAILED = 1

app = typer.Typer(name="ledger", help="Verify and read the transparency log.", no_args_is_help=True)


class CharterUnreadable(SekishoError):
    """The charter's file cannot be read."""

    code: ClassVar[str] = "SKS-CLI-201"
    hint = "Give the charter as you received it from the parties: --charter FILE."


class LedgerNotVerified(SekishoError):
    """What does not verify is not shown as if it had happened."""

    code: ClassVar[str] = "SKS-CLI-202"
    exit_code: ClassVar[int] = 1
    hint = "Run `sekisho ledger verify` with the same arguments: it says what is wrong and in which file."


class NoSuchLog(SekishoError):
    """The ledger has no log of this name."""

    code: ClassVar[str] = "SKS-CLI-203"


@app.callback()
def ledger() -> None:
    """Verify and read the transparency log."""


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="The data directory, its ledger/ folder, or one log in it.")],
    charter: Annotated[
        Path | None, typer.Option("--charter", help="The pinned charter, which names the log's key.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify every file of a ledger. Exit 0: verified; 1: something is wrong, and the output says what and where."""
    pinned = None if charter is None else _read_charter(charter)
    report = verify_ledger(path, vkey=None if pinned is None else pinned.charter.decisions.vkey, charter=pinned)
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, sort_keys=True))
    else:
        _print(report)
    if not report.is_verified:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def entries(
    path: Annotated[Path, typer.Argument(help="The data directory, or its ledger/ folder.")],
    charter: Annotated[
        Path | None, typer.Option("--charter", help="The pinned charter, which names the log's key.")
    ] = None,
    log: Annotated[str, typer.Option(help="Which log: decisions, or calls/gate-0.")] = "decisions",
    kind: Annotated[str | None, typer.Option(help="Only entries of this kind, such as grant-issued/v1.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each entry whole, as JSON on a line of its own.")
    ] = False,
) -> None:
    """Verify a ledger, then print the entries of one log in their order. docs/specs/ledger-entries.md has the kinds."""
    pinned = None if charter is None else _read_charter(charter)
    report = verify_ledger(path, vkey=None if pinned is None else pinned.charter.decisions.vkey, charter=pinned)
    if not report.is_verified:
        raise LedgerNotVerified(f"{path} does not verify: {report.problem_count} problems")
    verified = next((one for one in report.logs if one.log == log), None)
    if verified is None:
        raise NoSuchLog(f"no log {log}", hint=f"One of: {', '.join(one.log for one in report.logs)}.")
    # In the order in which `verify_ledger` looks: what was named comes before what lies in it.
    place = path if (path / log).is_dir() else path / "ledger"
    if not (place / log).is_dir():
        raise NoSuchLog(f"{path} is one log", hint="Give the data directory or its ledger/ folder, and --log.")
    for index, data in _read_entries(place / log, verified):
        entry = json.loads(data)
        if kind in (None, entry["kind"]):
            print(json.dumps({"index": index, **entry}, ensure_ascii=True) if as_json else _entry_line(index, entry))
    print(_verdict(report), file=sys.stderr)


def _read_entries(folder: Path, verified: LogReport) -> Iterator[tuple[int, bytes]]:
    """Yield the entries below `folder`; raise LedgerNotVerified at the end if they are not those that were verified."""
    tree = Frontier()
    for bundle in tiles_of(verified.size):
        if bundle.level is None:
            for data in parse_bundle((folder / bundle.path).read_bytes(), bundle.width):
                yield tree.size, data
                tree.append(hash_leaf(data))
    if tree.root() != verified.root:
        raise LedgerNotVerified("the files changed while they were read")


def _entry_line(index: int, entry: Mapping[str, Any]) -> str:
    # A signed document is longer than all else together: --json has it.
    body = {name: item for name, item in entry["body"].items() if name != "envelope"}
    return f"{index}  {entry['at']}  {entry['kind']}  {one_line(body)}"


def _read_charter(path: Path) -> PinnedCharter:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CharterUnreadable(f"{path}: {error.strerror or error}") from error
    return read_pinned_charter(data)


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
    console.print(_verdict(report))


def _verdict(report: Report) -> str:
    if not report.is_verified:
        return f"NOT VERIFIED: {report.problem_count} problems"
    if report.trust is Trust.PINNED:
        return "verified, with the key of the pinned charter"
    return "self-consistent only: the key came from beside the log; give --charter FILE to verify whose log it is"
