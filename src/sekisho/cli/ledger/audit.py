"""`sekisho ledger audit`: an accord held against a verified ledger, clause by clause."""

import json
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from sekisho.cli.ledger.charter_file import require_charter
from sekisho.cli.ledger.place import Place
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.core import SekishoError, format_utc
from sekisho.ledger import open_source
from sekisho.ledger.audit import (
    Audit,
    Language,
    Mark,
    Result,
    audit_ledger,
    limits_of,
    page_of,
    summary_names,
    summary_rows,
    to_html,
    to_markdown,
    why_of,
    words,
)

EXIT_NOT_MET = 1


class ReportUnwritable(SekishoError):
    """The report cannot be written to this file."""

    code: ClassVar[str] = "SKS-CLI-221"
    hint = "Give a file ending in .html or .md, in a folder that you may write to: -o report.html."


def audit(
    accord: Annotated[str, typer.Argument(help="The accord's id: acc_…")],
    path: Place,
    charter: Annotated[
        Path, typer.Option("--charter", help="The pinned charter, as you received it from the parties.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a report there too: .html or .md.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="The language of the report.")] = Language.EN,
    as_json: AsJson = False,
) -> None:
    """Hold an accord against a verified ledger. Exit 1: a clause is not met, or the ledger does not verify."""
    pinned = require_charter(charter)
    if output is not None and output.suffix not in (".html", ".md"):
        raise ReportUnwritable(f"{output.name} is neither .html nor .md")
    made = audit_ledger(open_source(path), accord, pinned)
    if output is not None:
        _write(output, made, lang)
    if as_json:
        print(json.dumps(made.to_dict(), ensure_ascii=True, indent=2, sort_keys=True))
    else:
        _print(made, lang)
    if made.result is Result.NOT_MET:
        raise typer.Exit(EXIT_NOT_MET)


def _write(file: Path, made: Audit, lang: Language) -> None:
    blocks = page_of(made, lang)
    try:
        file.write_text(to_html(blocks, lang) if file.suffix == ".html" else to_markdown(blocks), encoding="utf-8")
    except OSError as error:
        raise ReportUnwritable(f"{file}: {error.strerror or error}") from error


def _print(made: Audit, lang: Language) -> None:
    names = summary_names(lang)
    show([dict(zip(names, row, strict=True)) for row in summary_rows(made, lang)], as_json=False)
    against = [_entry_row(number, mark, lang) for number, mark in _speaking_against(made)]
    if against:
        print()
        show(against, as_json=False)
    print(f"\n{words.LIMIT.in_(lang)}:")
    for limit in limits_of(made):
        print(f"* {words.LIMITS[limit].in_(lang)}")
    print(f"\n{words.ACCORD.in_(lang)} {made.accord}: {words.RESULTS[made.result].in_(lang)}")


def _speaking_against(made: Audit) -> list[tuple[int, Mark]]:
    numbered = enumerate(made.rulings, 1)
    return [(number, mark) for number, ruling in numbered for mark in (*ruling.against.listed, *ruling.open.listed)]


def _entry_row(number: int, mark: Mark, lang: Language) -> dict[str, str]:
    return {
        words.CLAUSE.in_(lang): str(number),
        words.ENTRY.in_(lang): f"{mark.log} {mark.index}",
        words.KIND.in_(lang): mark.kind,
        words.TIME.in_(lang): format_utc(mark.at),
        words.WHY.in_(lang): why_of(mark, lang),
    }
