"""The pinned charter as commands take it: `--charter FILE`."""

from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

import typer

from sekisho.core import SekishoError
from sekisho.trust import PinnedCharter, read_pinned_charter

CharterFile: TypeAlias = Annotated[
    Path | None, typer.Option("--charter", help="The pinned charter, which names the log's key.")
]


class CharterUnreadable(SekishoError):
    """The charter's file cannot be read."""

    code: ClassVar[str] = "SKS-CLI-201"
    hint = "Give the charter as you received it from the parties: --charter FILE."


def read_charter(path: Path | None) -> PinnedCharter | None:
    """Return the charter in the file at `path`, or None if none was given."""
    return None if path is None else require_charter(path)


def require_charter(path: Path) -> PinnedCharter:
    """Return the charter in the file at `path`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CharterUnreadable(f"{path}: {error.strerror or error}") from error
    return read_pinned_charter(data)


def vkey_of(pinned: PinnedCharter | None) -> str | None:
    """Return the key of the decisions log that a charter names."""
    return None if pinned is None else pinned.charter.decisions.vkey
