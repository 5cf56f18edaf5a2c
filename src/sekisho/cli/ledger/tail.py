"""`sekisho ledger tail`: the last entries of a log, and those that come."""

import time
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.lines import entry_json, entry_line, parse_entry
from sekisho.cli.ledger.place import Place
from sekisho.ledger import Follower, open_source

# A log publishes four times a second; a web server is not to be asked more often than a person can read.
_POLL_S: Final = 1.0


def tail(
    path: Place,
    count: Annotated[int, typer.Option("-n", help="How many entries to begin with.", min=0)] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    log: Annotated[str | None, typer.Option(help="Which log: decisions (as without it), or calls/gate-0.")] = None,
    charter: CharterFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each entry as JSON on a line of its own.")] = False,
) -> None:
    """Print the last entries of a log, each shown to be in its signed tree, each tree to continue the one before.

    Exit 1: files or signature are wrong, or the log shows another history than before. What the entries say is not
    judged: `verify` does that.
    """
    follower = Follower.at(open_source(path), log, vkey=vkey_of(read_charter(charter)))
    _print(follower.last(count), as_json=as_json)
    while follow:
        time.sleep(_POLL_S)
        _print(follower.more(), as_json=as_json)


def _print(entries: Iterable[tuple[int, bytes]], *, as_json: bool) -> None:
    for index, data in entries:
        entry = parse_entry(data)
        print(entry_json(index, entry) if as_json else entry_line(index, entry), flush=True)
