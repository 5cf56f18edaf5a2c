"""`sekisho serve`: the whole programme on one machine."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sekisho.server.setup import Settings


def serve(
    data: Annotated[Path, typer.Option("--data", envvar="SEKISHO_DATA", help="Where everything lies; made if absent.")],
    programme: Annotated[
        str, typer.Option(help="The programme's name, a host name that you own. Fixed when the data directory is made.")
    ] = "sekisho.example",
    control_port: Annotated[
        int, typer.Option(help="Port of the control plane; 0 lets the system choose. Fixed like the name.")
    ] = 8440,
    gate_port: Annotated[int, typer.Option(help="Port of the gate; likewise.")] = 8441,
    gate_admin_port: Annotated[int, typer.Option(help="Port of the gate's health and metrics; likewise.")] = 8442,
) -> None:
    """Serve the control plane and the gate as separate processes, until stopped."""
    from sekisho.server.places import DataDir
    from sekisho.server.setup import DEFAULT_SETTINGS, prepare
    from sekisho.server.supervise import serve as supervise

    places = DataDir(data)
    wanted = replace(
        DEFAULT_SETTINGS,
        programme=programme,
        control_port=control_port,
        gate_port=gate_port,
        gate_admin_port=gate_admin_port,
    )
    for name, kept in _kept(wanted, prepare(places, wanted)):
        option = name.replace("_", "-")
        typer.echo(f"note: --{option} is {kept} since this data directory was made, and stays so", err=True)
    typer.echo("starting; this takes a few seconds", err=True)

    def tell(processes: Mapping[str, Mapping[str, object]]) -> None:
        for name, process in processes.items():
            typer.echo(f"{name}: http://{process['host']}:{process['port']}", err=True)
        typer.echo(f"data: {data.resolve()}\nstop with Ctrl-C", err=True)

    supervise(places, on_ready=tell)


def _kept(wanted: "Settings", in_force: "Settings") -> Iterator[tuple[str, object]]:
    """Yield the name and value in force of each setting that the caller chose, and that an earlier start had fixed."""
    from sekisho.server.setup import DEFAULT_SETTINGS

    for field in fields(wanted):
        kept, default = getattr(in_force, field.name), getattr(DEFAULT_SETTINGS, field.name)
        if getattr(wanted, field.name) not in (kept, default):
            yield field.name, kept
