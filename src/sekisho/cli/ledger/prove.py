"""`sekisho ledger prove`: a file that shows a stranger that an entry is in the log."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sekisho.cli.ledger.place import Place
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.ledger import open_source, prove_entry
from sekisho.tlog.proof import encode_proof


def prove(
    index: Annotated[int, typer.Argument(help="The entry's index, from 0.", min=0)],
    path: Place,
    log: Annotated[str | None, typer.Option(help="Which log: decisions (as without it), or calls/gate-0.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the proof to this new file, named NAME.tlog-proof.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the proof that an entry is in a log (C2SP tlog-proof), the entry itself in it. `check-proof` reads it."""
    proof = prove_entry(open_source(path), log, index)
    data = encode_proof(proof)
    if output is not None:
        with output.open("xb") as file:
            file.write(data)
    if as_json:
        show({"index": index, "proof": data.decode(), "file": None if output is None else str(output)}, as_json=True)
    elif output is None:
        sys.stdout.write(data.decode())
    else:
        print(f"{output}: {len(data)} bytes, entry {index} and {len(proof.path)} hashes", file=sys.stderr)
