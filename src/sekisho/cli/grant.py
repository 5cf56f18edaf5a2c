"""`sekisho grant`: an accord made specific, and its end."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="Who may use which model, on which assets, how much and until when.", no_args_is_help=True)


@app.command()
def submit(
    file: Annotated[
        Path,
        typer.Argument(
            help="The grant with its signatures. docs/operating.md has one to copy.", exists=True, dir_okay=False
        ),
    ],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Issue a grant that the quorum signed."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).post("/grants", file.read_bytes()), as_json=as_json)


@app.command()
def revoke(
    file: Annotated[
        Path,
        typer.Argument(
            help="The revocation with its signatures. docs/operating.md has one to copy.", exists=True, dir_okay=False
        ),
    ],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """End a grant for good, as the quorum signed. To stop at once with one party, use `sekisho hold place`."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).post("/revocations", file.read_bytes()), as_json=as_json)


@app.command("list")
def list_all(data: Data, as_json: AsJson = False) -> None:
    """List the grants with their state."""
    from sekisho.api.client import OfficeClient

    listed = OfficeClient.of(data).get("/grants")
    # For people the state stands beside the grant's own fields, id first.
    show(listed if as_json else [{**row.pop("grant"), **row} for row in listed], as_json=as_json)
