"""`sekisho hunt PATH`: look for flaws in code on this machine. Nothing leaves it; recording is `sekisho campaign`."""

import os
import sys
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

from sekisho.findings import Campaign, Mode, Severity, encode_campaign
from sekisho.hunt import (
    Cache,
    HuntEngine,
    TaintEngine,
    render_table,
    survey_target,
    to_sarif,
    user_cache_folder,
    write_report,
)
from sekisho.hunt import hunt as run_hunt
from sekisho.hunt.display import shown_progress
from sekisho.server.system import RandomIds, SystemClock

EXIT_FOUND = 1
# More processes than eight wait for the disk and for the one that collects.
DEFAULT_JOBS = min(os.cpu_count() or 1, 8)
# A report in a file has no terminal to ask for its width.
_FILE_WIDTH = 160


class Format(Enum):
    """How the result is written."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"


Target: TypeAlias = Annotated[Path, typer.Argument(help="A folder, a Python or Java file, or a wheel.")]
WhoseInput: TypeAlias = Annotated[
    Mode, typer.Option(help="Whose input is hostile: callers of the public API, users of an application, or both.")
]
Form: TypeAlias = Annotated[Format, typer.Option("--format", help="How to write the result.")]
Output: TypeAlias = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write to this file, readable by you alone.")
]
Jobs: TypeAlias = Annotated[int, typer.Option(min=1, max=256, help="How many processes parse; with 1, this one does.")]
NoCache: TypeAlias = Annotated[
    bool, typer.Option("--no-cache", help="Work everything out anew, and keep nothing for the next run.")
]


def hunt(
    path: Target,
    mode: WhoseInput = Mode.BOTH,
    form: Form = Format.TABLE,
    output: Output = None,
    jobs: Jobs = DEFAULT_JOBS,
    no_cache: NoCache = False,
    fail_on: Annotated[
        Severity, typer.Option(help="End with 1 if there is a finding at least this severe.")
    ] = Severity.LOW,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="End with 0 whatever is found.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Look for flaws in code on this machine, without running it.

    Ends with 0 if nothing is found, 1 if something is, 2 if the hunt failed, 3 if there is no source to read. With
    --format sarif findings do not change the 0: the reader of the file decides.
    """
    form = Format.JSON if as_json else form
    campaign = search(path, engine=TaintEngine(jobs=jobs, cache=cache_unless(no_cache)), mode=mode)
    write(campaign, form, output)
    found = any(finding.severity.rank >= fail_on.rank for finding in campaign.findings)
    if found and not exit_zero and form is not Format.SARIF:
        raise typer.Exit(EXIT_FOUND)


def cache_unless(no_cache: bool) -> Cache | None:
    """Return this user's cache, unless it is not wanted."""
    return None if no_cache else Cache(user_cache_folder(os.environ))


def search(path: Path, *, engine: HuntEngine, mode: Mode) -> Campaign:
    """Run `engine` over what is at `path`, with progress on the error stream. Nothing is recorded."""
    with shown_progress(Console(stderr=True)) as on_progress:
        return run_hunt(
            survey_target(path),
            engine=engine,
            mode=mode,
            asset_id=None,
            clock=SystemClock(),
            ids=RandomIds(),
            on_progress=on_progress,
        )


def write(campaign: Campaign, form: Format, output: Path | None) -> None:
    """Write `campaign` as `form` to the file `output`, readable by its owner alone, or to the terminal."""
    if form is Format.TABLE and output is None:
        render_table(campaign, Console())
        return
    data = _encoded(campaign, form)
    if output is not None:
        write_report(output, data)
        return
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _encoded(campaign: Campaign, form: Format) -> bytes:
    if form is Format.JSON:
        return encode_campaign(campaign) + b"\n"
    if form is Format.SARIF:
        return to_sarif(campaign, version=metadata.version("sekisho"))
    console = Console(file=None, width=_FILE_WIDTH, no_color=True, force_terminal=False)
    with console.capture() as capture:
        render_table(campaign, console)
    return capture.get().encode()
