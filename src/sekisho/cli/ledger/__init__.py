"""`sekisho ledger`: verify and read the transparency log. One file a command."""

import typer

from sekisho.cli.ledger import audit, entries, verify

app = typer.Typer(name="ledger", help="Verify and read the transparency log.", no_args_is_help=True)
app.command("verify")(verify.verify)
app.command("entries")(entries.entries)
app.command("audit")(audit.audit)


@app.callback()
def ledger() -> None:
    """Verify and read the transparency log."""
