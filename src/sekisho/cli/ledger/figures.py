"""`sekisho ledger figures`: monthly figures for those who may not read the calls logs."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.place import Place, progress, require_verified
from sekisho.cli.ledger.verify import verdict
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.ledger import (
    Entry,
    Report,
    Source,
    decode_entry,
    locate_log,
    open_source,
    read_entries,
    verify_ledger,
)
from sekisho.ledger.figures import WITHHELD, figures, to_dict
from sekisho.ledger.heads import DECISIONS
from sekisho.server.system import SystemClock
from sekisho.tlog.checkpoint import Checkpoint


def figures_command(path: Place, charter: CharterFile = None, as_json: AsJson = False) -> None:
    """Print monthly figures that may be given to outsiders: delayed, of at least five institutions each.

    The ledger is verified first. What is withheld is said with them; docs/ledger-audiences.md says why.
    """
    pinned = read_charter(charter)
    source = open_source(path)
    with progress() as on_progress:
        report = verify_ledger(source, vkey=vkey_of(pinned), charter=pinned, on_progress=on_progress)
    told = to_dict(figures(_calls_logs(source, require_verified(report, path)), at=SystemClock().now()))
    if as_json:
        print(json.dumps(told, ensure_ascii=True, indent=2, sort_keys=True))
    else:
        show([_row(month) for month in told["months"]], as_json=False)
        print("withheld:", *WITHHELD, sep="\n  ", file=sys.stderr)
    print(verdict(report), file=sys.stderr)


def _calls_logs(source: Source, report: Report) -> Iterator[Iterator[Entry]]:
    for log in report.logs:
        if log.log != DECISIONS:
            head = Checkpoint(origin=log.origin, size=log.size, root=log.root)
            yield (decode_entry(data) for _, data in read_entries(locate_log(source, log.log)[1], head))


def _row(month: dict[str, Any]) -> dict[str, Any]:
    calls, denials = month["calls"], month["denials"]
    return {
        "month": month["month"],
        "calls": calls["total"],
        "institutions": calls["institutions"],
        "calls by model": _parts(calls),
        "denials": denials["total"],
        "denials by reason": _parts(denials),
    }


def _parts(table: dict[str, Any]) -> dict[str, int]:
    parts: dict[str, int] = table["parts"]
    return parts if table["rest"] is None else {**parts, "all others": table["rest"]}
