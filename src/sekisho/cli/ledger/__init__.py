"""`sekisho ledger`: verify and read the transparency log. One file a command."""

import typer

from sekisho.cli.ledger import (
    audit,
    check_fork,
    check_proof,
    check_receipt,
    entries,
    export,
    figures,
    fsck,
    prove,
    search,
    stamp,
    tail,
    verify,
)

app = typer.Typer(name="ledger", help="Verify and read the transparency log.", no_args_is_help=True)
app.command("verify")(verify.verify)
app.command("entries")(entries.entries)
app.command("prove")(prove.prove)
app.command("check-proof")(check_proof.check_proof)
app.command("fsck")(fsck.fsck)
app.command("tail")(tail.tail)
app.command("search")(search.search)
app.command("export")(export.export)
app.command("audit")(audit.audit)
app.command("check-fork")(check_fork.check_evidence)
app.command("stamp")(stamp.stamp)
app.command("check-receipt")(check_receipt.check_receipt_command)
app.command("figures")(figures.figures_command)


@app.callback()
def ledger() -> None:
    """Verify and read the transparency log."""
