"""`sekisho principal`: the people and workloads that act for an institution."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from sekisho.cli.options import AsJson, Data
from sekisho.cli.output import show
from sekisho.core import SekishoError

app = typer.Typer(help="The people and workloads of an institution, each known by its key.", no_args_is_help=True)


class KeyNotPublic(SekishoError):
    """The file holds no public key as a JWK."""

    code: ClassVar[str] = "SKS-CLI-015"
    hint = "Give what `sekisho principal keygen` printed (key.jwk); the private key (key.pem) stays on its machine."


@app.command()
def keygen(
    out: Annotated[
        Path, typer.Option(help="Where the private key goes; it never leaves this machine. Keep the output: key.jwk.")
    ],
) -> None:
    """Make a key on the defender's machine, and print its public half (JWK) for enrolment."""
    from sekisho.sidecar import make_key

    show(dict(make_key(out).public.to_jwk()), as_json=True)


@app.command()
def enrol(
    data: Data,
    institution: Annotated[str, typer.Option(help="The institution's id: ins_ and its LEI in lower case.")],
    kind: Annotated[str, typer.Option(help="person or workload.")],
    name: Annotated[str, typer.Option(help="Who or what it is; never written to the ledger.")],
    key: Annotated[Path, typer.Option(help="The public key (JWK file).", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Enrol a person or a workload with its public key."""
    from sekisho.api.client import OfficeClient

    body = {"institution_id": institution, "kind": kind, "name": name, "key": _read_public(key)}
    enrolled = OfficeClient.of(data).post("/principals", body)
    show(enrolled if as_json else _brief(enrolled), as_json=as_json)


@app.command("list")
def list_all(data: Data, as_json: AsJson = False) -> None:
    """List the people and workloads."""
    from sekisho.api.client import OfficeClient

    listed = OfficeClient.of(data).get("/principals")
    show(listed if as_json else [_brief(principal) for principal in listed], as_json=as_json)


def _read_public(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise KeyNotPublic(f"{path} is not a JWK") from error


def _brief(principal: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `principal` with its key's thumbprint in the key's place: what people compare."""
    return {**principal, "key": principal["key"]["kid"]}
