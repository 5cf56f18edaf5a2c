"""Options that several commands share, spelled once."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path,
    typer.Option("--data", envvar="SEKISHO_DATA", help="The data directory that `sekisho serve` serves."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
