"""`sekisho ledger`: verify and read the transparency log. One file a command."""

import typer

from sekisho.cli.ledger.entries import entries
from sekisho.cli.ledger.verify import verify

app = typer.Typer(name="ledger", help="Verify and read the transparency log.", no_args_is_help=True)
app.command()(verify)
app.command()(entries)


@app.callback()
def ledger() -> None:
    """Verify and read the transparency log."""
