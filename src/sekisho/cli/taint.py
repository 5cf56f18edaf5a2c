"""`sekisho taint PATH`: the data-flow engine alone, whatever other engines a hunt has."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.hunt import (
    DEFAULT_JOBS,
    EXIT_FOUND,
    Form,
    Format,
    Jobs,
    NoCache,
    Output,
    Target,
    WhoseInput,
    cache_unless,
    search,
    write,
)
from sekisho.findings import Mode
from sekisho.hunt import TaintEngine, read_rules


def taint(
    path: Target,
    mode: WhoseInput = Mode.BOTH,
    form: Form = Format.TABLE,
    output: Output = None,
    jobs: Jobs = DEFAULT_JOBS,
    no_cache: NoCache = False,
    knowledge: Annotated[
        list[Path] | None, typer.Option(help="A file of rules beside those that ship; may be given again.")
    ] = None,
) -> None:
    """Follow data from outside to where it does harm, in code on this machine, without running it.

    Ends with 0 if nothing is found, 1 if something is, 2 if the analysis failed, 3 if there is no source to read. With
    --format sarif findings do not change the 0: the reader of the file decides.
    """
    engine = TaintEngine(jobs=jobs, cache=cache_unless(no_cache), rules=read_rules(knowledge or []))
    campaign = search(path, engine=engine, mode=mode)
    write(campaign, form, output)
    if campaign.findings and form is not Format.SARIF:
        raise typer.Exit(EXIT_FOUND)
