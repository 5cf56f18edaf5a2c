"""`sekisho serve`: the whole programme on one machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer


def serve(
    data: Annotated[Path, typer.Option("--data", envvar="SEKISHO_DATA", help="Where everything lies; made if absent.")],
    programme: Annotated[
        str, typer.Option(help="The programme's name, a host name that you own. Fixed when the data directory is made.")
    ] = "sekisho.example",
    control_port: Annotated[int, typer.Option(help="Port of the control plane; 0 lets the system choose.")] = 8440,
    gate_port: Annotated[int, typer.Option(help="Port of the gate; 0 lets the system choose.")] = 8441,
    gate_admin_port: Annotated[int, typer.Option(help="Port of the gate's health and metrics.")] = 8442,
) -> None:
    """Serve the control plane and the gate as separate processes, until stopped."""
    from dataclasses import replace

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
    prepare(places, wanted)

    def tell(processes: Mapping[str, Mapping[str, object]]) -> None:
        for name, process in processes.items():
            typer.echo(f"{name}: http://{process['host']}:{process['port']}", err=True)
        typer.echo(f"data: {data.resolve()}\nstop with Ctrl-C", err=True)

    supervise(places, on_ready=tell)
