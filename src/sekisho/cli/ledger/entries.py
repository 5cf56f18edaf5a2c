"""`sekisho ledger entries`: what a verified log holds, in its order."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.verify import verdict
from sekisho.cli.output import one_line
from sekisho.core import SekishoError
from sekisho.ledger import LogReport, verify_ledger
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.tile import parse_bundle, tiles_of


class LedgerNotVerified(SekishoError):
    """What does not verify is not shown as if it had happened."""

    code: ClassVar[str] = "SKS-CLI-202"
    exit_code: ClassVar[int] = 1
    hint = "Run `sekisho ledger verify` with the same arguments: it says what is wrong and in which file."


class NoSuchLog(SekishoError):
    """The ledger has no log of this name."""

    code: ClassVar[str] = "SKS-CLI-203"


def entries(
    path: Annotated[Path, typer.Argument(help="The data directory, or its ledger/ folder.")],
    charter: CharterFile = None,
    log: Annotated[str, typer.Option(help="Which log: decisions, or calls/gate-0.")] = "decisions",
    kind: Annotated[str | None, typer.Option(help="Only entries of this kind, such as grant-issued/v1.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each entry whole, as JSON on a line of its own.")
    ] = False,
) -> None:
    """Verify a ledger, then print the entries of one log in their order. docs/specs/ledger-entries.md has the kinds."""
    pinned = read_charter(charter)
    report = verify_ledger(path, vkey=vkey_of(pinned), charter=pinned)
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
    print(verdict(report), file=sys.stderr)


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
