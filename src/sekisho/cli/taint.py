"""`sekisho taint PATH`: the data-flow engine alone, whatever other engines a hunt has."""

import typer

from sekisho.cli.hunt import DEFAULT_JOBS, EXIT_FOUND, Form, Format, Jobs, Output, Target, WhoseInput, search, write
from sekisho.findings import Mode
from sekisho.hunt import TaintEngine


def taint(
    path: Target,
    mode: WhoseInput = Mode.BOTH,
    form: Form = Format.TABLE,
    output: Output = None,
    jobs: Jobs = DEFAULT_JOBS,
) -> None:
    """Follow data from outside to where it does harm, in code on this machine, without running it.

    Ends with 0 if nothing is found, 1 if something is, 2 if the analysis failed, 3 if there is no source to read. With
    --format sarif findings do not change the 0: the reader of the file decides.
    """
    campaign = search(path, engine=TaintEngine(jobs=jobs), mode=mode)
    write(campaign, form, output)
    if campaign.findings and form is not Format.SARIF:
        raise typer.Exit(EXIT_FOUND)
