"""`sekisho institution`: the legal entities of a programme."""

from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="The legal entities of a programme, known by their LEI.", no_args_is_help=True)


@app.command()
def enrol(
    data: Data,
    lei: Annotated[str, typer.Option(help="Legal Entity Identifier (ISO 17442), 20 characters.")],
    kind: Annotated[str, typer.Option(help="bank, joint-centre, fintech, vendor, lab or authority.")],
    name: Annotated[str, typer.Option(help="The legal name in Latin script.")],
    name_ja: Annotated[str | None, typer.Option(help="The legal name in Japanese.")] = None,
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2.")] = "JP",
    as_json: AsJson = False,
) -> None:
    """Enrol an institution."""
    from sekisho.api.client import OfficeClient

    body = {"lei": lei, "kind": kind, "name": name, "name_ja": name_ja, "country": country}
    show(OfficeClient.of(data).post("/institutions", body), as_json=as_json)


@app.command("list")
def list_all(data: Data, as_json: AsJson = False) -> None:
    """List the institutions."""
    from sekisho.api.client import OfficeClient

    show(OfficeClient.of(data).get("/institutions"), as_json=as_json)
