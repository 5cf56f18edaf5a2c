"""`sekisho inventory`: what an institution runs."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="What an institution runs, from its SBOM.", no_args_is_help=True)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="A CycloneDX SBOM in JSON.", exists=True, dir_okay=False)],
    data: Data,
    institution: Annotated[str, typer.Option(help="The institution's id: ins_ and its LEI in lower case.")],
    as_json: AsJson = False,
) -> None:
    """Record an SBOM as the institution's inventory."""
    from urllib.parse import urlencode

    from sekisho.api.client import OfficeClient

    query = urlencode({"institution_id": institution})
    show(OfficeClient.of(data).post(f"/inventories?{query}", file.read_bytes()), as_json=as_json)
