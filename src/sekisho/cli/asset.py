"""`sekisho asset`: what an institution declares as its own."""

from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="What an institution declares as its own to hunt in.", no_args_is_help=True)


@app.command()
def declare(
    data: Data,
    institution: Annotated[str, typer.Option(help="The institution's id: ins_ and its LEI in lower case.")],
    kind: Annotated[str, typer.Option(help="repository, package, host or account.")],
    name: Annotated[str, typer.Option(help="Its name, such as pkg:pypi/example@1.0.")],
    basis: Annotated[str, typer.Option(help="On what grounds the institution controls it.")],
    as_json: AsJson = False,
) -> None:
    """Declare an asset."""
    from sekisho.api.client import OfficeClient

    body = {"institution_id": institution, "kind": kind, "name": name, "basis": basis}
    show(OfficeClient.of(data).post("/assets", body), as_json=as_json)


@app.command("list")
def list_all(data: Data, as_json: AsJson = False) -> None:
    """List the declared assets."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).get("/assets"), as_json=as_json)
