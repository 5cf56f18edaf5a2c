"""`sekisho campaign`: hunts that an institution puts on record."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="Hunts that an institution puts on record.", no_args_is_help=True)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="What `sekisho hunt --format json` wrote.", exists=True, dir_okay=False)],
    data: Data,
    institution: Annotated[str, typer.Option(help="The institution's id.")],
    asset: Annotated[str, typer.Option(help="The declared asset that was hunted in.")],
    as_json: AsJson = False,
) -> None:
    """Record a hunt and its findings; the ledger gets commitments, never details."""
    from urllib.parse import urlencode

    from sekisho.api.client import OfficeClient

    query = urlencode({"institution_id": institution, "asset_id": asset})
    show(OfficeClient.of(data).post(f"/campaigns?{query}", file.read_bytes()), as_json=as_json)
