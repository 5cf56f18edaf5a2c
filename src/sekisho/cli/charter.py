"""`sekisho charter`: the trust root of a programme."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="The trust root: parties, keys and the rule that a quorum must meet.", no_args_is_help=True)


@app.command()
def pin(
    file: Annotated[
        Path, typer.Argument(help="The signed charter. docs/operating.md has one to copy.", exists=True, dir_okay=False)
    ],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Pin the programme's first charter."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).post("/charter", file.read_bytes()), as_json=as_json)


@app.command("show")
def show_pinned(data: Data, as_json: AsJson = False) -> None:
    """Show the pinned charter."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).get("/charter"), as_json=as_json)
