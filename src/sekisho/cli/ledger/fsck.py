"""`sekisho ledger fsck`: whether the files of a ledger are whole, whatever its entries say."""

import json

import typer
from rich.console import Console

from sekisho.cli.ledger.place import EXIT_FAILED, Place, progress
from sekisho.cli.ledger.verify import print_problems
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.ledger import check_files, open_source


def fsck(path: Place, as_json: AsJson = False) -> None:
    """Check every file of a ledger or log against its checkpoint; entries are not read. Exit 1: damaged."""
    with progress() as on_progress:
        report = check_files(open_source(path), on_progress=on_progress)
    logs = [{"log": log.log, "entries": log.size, "root": log.root.hex()} for log in report.logs]
    if as_json:
        problems = [problem.to_dict() for problem in report.problems]
        found = {"intact": report.is_verified, "logs": logs, "problems": problems}
        print(json.dumps(found | {"problem_count": report.problem_count}, ensure_ascii=False, indent=2))
    else:
        show(logs, as_json=False)
        print_problems(report, Console(highlight=False, soft_wrap=True))
        print("intact" if report.is_verified else f"DAMAGED: {report.problem_count} problems")
    if not report.is_verified:
        raise typer.Exit(EXIT_FAILED)
