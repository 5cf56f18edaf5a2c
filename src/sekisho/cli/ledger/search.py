"""`sekisho ledger search`: entries of all logs by what they are about, those of one call together."""

import json
import sys
from datetime import datetime
from typing import Annotated, Any, ClassVar

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.lines import entry_line
from sekisho.cli.ledger.place import EXIT_FAILED, Place, progress, require_verified
from sekisho.cli.ledger.verify import verdict
from sekisho.core import SekishoError, parse_utc
from sekisho.ledger import (
    Found,
    Query,
    Report,
    Source,
    VerifiedLog,
    encode_entry,
    locate_log,
    open_source,
    search_entries,
    search_request,
    verify_ledger,
)
from sekisho.tlog.checkpoint import Checkpoint


class NothingAsked(SekishoError):
    """A search without anything to look for."""

    code: ClassVar[str] = "SKS-CLI-206"
    hint = "Give one of --request, --institution, --grant, --kind, --since, --until; `entries` prints them all."


def search(
    path: Place,
    request: Annotated[str | None, typer.Option(help="Of this request, with the decisions it rests on.")] = None,
    institution: Annotated[str | None, typer.Option(help="Of this institution: ins_…")] = None,
    grant: Annotated[str | None, typer.Option(help="Of this grant: grt_…")] = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind, such as call-denied/v1.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on: 2026-11-22T09:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    log: Annotated[list[str] | None, typer.Option(help="Only in this log; again for more.")] = None,
    charter: CharterFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one line for what belongs together.")] = False,
) -> None:
    """Verify a ledger, then print the entries that match, an outcome with its intent. Exit 1: none, or not verified."""
    query = Query(
        request=request, institution=institution, grant=grant, kind=kind, since=_time(since), until=_time(until)
    )
    if query == Query():
        raise NothingAsked("nothing to look for")
    pinned = read_charter(charter)
    source = open_source(path)
    with progress() as on_progress:
        report = verify_ledger(source, vkey=vkey_of(pinned), charter=pinned, on_progress=on_progress)
    logs = _logs(source, require_verified(report, path), log)
    count = 0
    for group in (search_entries if request is None else search_request)(logs, query):
        count += 1
        print(_json(group) if as_json else _lines(group))
    print(f"{count} found; {verdict(report)}", file=sys.stderr)
    if not count:
        raise typer.Exit(EXIT_FAILED)


def _logs(source: Source, report: Report, chosen: list[str] | None) -> list[VerifiedLog]:
    for name in chosen or ():
        locate_log(source, name)
    return [
        VerifiedLog(
            name=one.log,
            source=locate_log(source, one.log)[1],
            head=Checkpoint(origin=one.origin, size=one.size, root=one.root),
        )
        for one in report.logs
        if not chosen or one.log in chosen
    ]


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_utc(text)


def _lines(group: tuple[Found, ...]) -> str:
    """Return one line an entry; those that belong to the first are indented."""
    first, *rest = (entry_line(found.index, _plain(found), log=found.log) for found in group)
    return "\n".join([first, *(f"    {line}" for line in rest)])


def _json(group: tuple[Found, ...]) -> str:
    entries = [{"log": found.log, "index": found.index, **_plain(found)} for found in group]
    return json.dumps({"entries": entries}, ensure_ascii=True)


def _plain(found: Found) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(encode_entry(found.entry))
    return plain
