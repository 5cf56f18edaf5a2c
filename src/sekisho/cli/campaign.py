"""`sekisho campaign`: hunts that an institution puts on record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show

app = typer.Typer(help="Hunts that an institution puts on record.", no_args_is_help=True)


@app.command()
def submit(
    file: Annotated[
        Path, typer.Argument(help="What `sekisho hunt --json -o FILE` wrote.", exists=True, dir_okay=False)
    ],
    data: Data,
    institution: Annotated[str, typer.Option(help="The institution's id: ins_ and its LEI in lower case.")],
    asset: Annotated[str, typer.Option(help="The declared asset that was hunted in.")],
    as_json: AsJson = False,
) -> None:
    """Record a hunt and its findings; the ledger gets commitments, never details."""
    from urllib.parse import urlencode

    from sekisho.api.client import OfficeClient

    query = urlencode({"institution_id": institution, "asset_id": asset})
    show(OfficeClient.of(data).post(f"/campaigns?{query}", file.read_bytes()), as_json=as_json)


@app.command()
def findings(
    data: Data,
    institution: Annotated[str, typer.Option(help="The institution's id: ins_ and its LEI in lower case.")],
    as_json: AsJson = False,
) -> None:
    """List the findings that an institution has on record: their ids, states and places."""
    from urllib.parse import urlencode

    from sekisho.api.client import OfficeClient

    listed = OfficeClient.of(data).get(f"/findings?{urlencode({'institution_id': institution})}")
    show(listed if as_json else [_brief(finding) for finding in listed], as_json=as_json)


def _brief(finding: Mapping[str, Any]) -> Mapping[str, Any]:
    place = finding["location"]
    named = {name: finding[name] for name in ("id", "state", "severity", "cwe")}
    return {
        **named,
        "place": f"{place['path']}:{place['line']}",
        "function": place["function"],
        "asset": finding["asset_id"],
    }
