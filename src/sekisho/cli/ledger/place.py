"""What the reading commands share: the place of a ledger, the trust policy, how far a long reading has come."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from sekisho.core import SekishoError
from sekisho.ledger import OnProgress, Report
from sekisho.tlog.policy import MAX_POLICY_SIZE_BYTES, Policy

Place: TypeAlias = Annotated[
    str, typer.Argument(help="The data directory, its ledger/ folder, or one log; a path, or an http(s) address.")
]
PolicyFile: TypeAlias = Annotated[
    Path | None, typer.Option("--policy", help="A trust policy (C2SP tlog-policy): whose cosignatures are needed.")
]
# An entry that nobody verified is not shown, a proof that does not hold is not believed.
EXIT_FAILED = 1


class PolicyUnreadable(SekishoError):
    """The policy's file cannot be read."""

    code: ClassVar[str] = "SKS-CLI-207"
    hint = "Give the policy as a file: --policy FILE."


class LedgerNotVerified(SekishoError):
    """What does not verify is not shown as if it had happened."""

    code: ClassVar[str] = "SKS-CLI-202"
    exit_code: ClassVar[int] = EXIT_FAILED
    hint = "Run `sekisho ledger verify` with the same arguments: it says what is wrong and in which file."


def read_policy(path: Path | None) -> Policy | None:
    """Return the policy in the file at `path`, or None if none was given."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return Policy.parse(file.read(MAX_POLICY_SIZE_BYTES + 1))
    except OSError as error:
        raise PolicyUnreadable(f"{path}: {error.strerror or error}") from error


def require_verified(report: Report, place: str) -> Report:
    """Return `report` if all is well, or raise LedgerNotVerified."""
    if not report.is_verified:
        raise LedgerNotVerified(f"{place} does not verify: {report.problem_count} problems")
    return report


@contextmanager
def progress() -> Iterator[OnProgress | None]:
    """Yield what shows on a terminal how far a reading has come, or None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(log: str, done: int, total: int) -> None:
            if log not in tasks:
                tasks[log] = bar.add_task(log, total=total)
            bar.update(tasks[log], completed=done, total=total)

        yield tell
