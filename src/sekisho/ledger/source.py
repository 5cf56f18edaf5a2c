"""Where the files of a log are read from: a folder on this machine, or an address on the web.

Nothing here trusts a file name, a length or a link. What is read is bounded by the caller, and judged by the caller.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sekisho.ledger.errors import LedgerUnavailable


class Source(Protocol):
    """The files below one place."""

    @property
    def place(self) -> str:
        """The place as a person would name it."""
        ...

    @property
    def name(self) -> str:
        """The last part of the place."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder, if it can be listed. The web cannot: a log there is what its checkpoint says."""
        ...

    def below(self, path: str) -> "Source":
        """Return the place at `path` (parts divided by slashes, none of them `..`) below this one."""
        ...

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """Return the file at `path` below this place, or None if there is none that can be read.

        Of a file that is longer than the limit, one byte more than the limit is returned: its reader refuses it.
        Raises a SekishoError if the place itself does not serve.
        """
        ...


class Folder:
    """A folder on this machine. No link is followed in the last part of a path, and no device is opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        return str(self._folder)

    @property
    def name(self) -> str:
        return self._folder.name

    @property
    def folder(self) -> Path | None:
        return self._folder

    def below(self, path: str) -> Source:
        return Folder(self._folder / path)

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        try:
            descriptor = os.open(self._folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return _read_regular(descriptor, limit_bytes)
        except OSError as error:
            # A disk that fails is no verdict on the log.
            raise LedgerUnavailable(f"{self._folder / path}: {error.strerror or error}") from error
        finally:
            os.close(descriptor)


def list_files(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield path below `folder`, and whether it is a regular file, of everything that is not a folder.

    A symbolic link is yielded, never followed. What goes while it is listed (a running writer drops partial tiles) is
    passed over. Raises OSError if a folder cannot be listed.
    """
    # Not os.walk, which calls itself once a level: folders a thousand deep would end the reader.
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(folder / below) as listing:
                found = sorted(listing, key=lambda one: one.name)
        except FileNotFoundError:
            continue
        for one in found:
            if one.is_dir(follow_symlinks=False):
                waiting.append(f"{below}{one.name}/")
            else:
                yield f"{below}{one.name}", one.is_file(follow_symlinks=False)


def _read_regular(descriptor: int, limit_bytes: int) -> bytes | None:
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        return None
    # By the size that it claims, in one go; a file that lies about it is read on below.
    data = os.read(descriptor, min(state.st_size, limit_bytes) + 1)
    if not data:
        return data
    parts = [data]
    left = limit_bytes + 1 - len(data)
    while left > 0 and (data := os.read(descriptor, left)):
        parts.append(data)
        left -= len(data)
    return b"".join(parts)
