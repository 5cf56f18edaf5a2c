"""`sekisho case`: coordinated disclosure of a finding outside the institution."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="Coordinated disclosure of a finding, under embargo.", no_args_is_help=True)


@app.command("open")
def open_case(
    file: Annotated[
        Path, typer.Argument(help="The case in JSON; docs/disclosure.md shows one.", exists=True, dir_okay=False)
    ],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Open a case for a finding and put it under embargo."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).post("/cases", file.read_bytes()), as_json=as_json)


@app.command()
def notify(
    case: Annotated[str, typer.Argument(help="The case's id.")],
    data: Data,
    institution: Annotated[str, typer.Option(help="The id of the institution that opened the case.")],
    as_json: AsJson = False,
) -> None:
    """Send each affected institution its notice; running it again sends nothing twice."""
    from urllib.parse import quote

    from sekisho.api.client import OfficeClient

    show(
        OfficeClient.of(data).post(f"/cases/{quote(case, safe='')}/notices", {"institution_id": institution}),
        as_json=as_json,
    )
