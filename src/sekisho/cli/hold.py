"""`sekisho hold`: an immediate stop by one party."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="An immediate stop by one party, with a stated basis and an end.", no_args_is_help=True)


@app.command()
def place(
    file: Annotated[
        Path,
        typer.Argument(
            help="The hold with its signature. docs/operating.md has one to copy.", exists=True, dir_okay=False
        ),
    ],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Place a hold, and say what it stops."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).post("/holds", file.read_bytes()), as_json=as_json)


@app.command("list")
def list_all(data: Data, as_json: AsJson = False) -> None:
    """List the holds with their ends."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).get("/holds"), as_json=as_json)
