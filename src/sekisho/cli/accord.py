"""`sekisho accord`: the terms that the parties sign."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="The terms that the parties sign.", no_args_is_help=True)


@app.command()
def submit(
    file: Annotated[
        Path,
        typer.Argument(
            help="The accord with its signatures. docs/operating.md has one to copy.", exists=True, dir_okay=False
        ),
    ],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Bring a signed accord into force, if its signatures meet the charter's rule."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).post("/accords", file.read_bytes()), as_json=as_json)


@app.command("list")
def list_all(data: Data, as_json: AsJson = False) -> None:
    """List the accords."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).get("/accords"), as_json=as_json)
