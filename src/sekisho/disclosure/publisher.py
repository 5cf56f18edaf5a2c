"""Where notices go: a small Protocol, and the one that writes them into a directory.

A reader of the directory sees a file whole or not at all, and after a power cut too: written beside, synced, renamed,
and the directory synced. An issued file is never replaced by another.
"""

import contextlib
import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from sekisho.disclosure.errors import PublishRefused
from sekisho.disclosure.notice import Notice

# The names come from our own ids; a separator in one would leave the directory.
_INSTITUTION = re.compile(r"[a-z]{2,8}_[0-9a-z]{1,40}", re.ASCII)
_FILE = re.compile(r"[a-z0-9][a-z0-9_+-]{0,150}\.(json|html)", re.ASCII)


class Publisher(Protocol):
    """Brings a notice to where its recipient, and nobody else, finds it."""

    def publish(self, notice: Notice) -> tuple[Path, ...]:
        """Return where each file lies now, durably; publishing it again changes nothing."""
        ...


class DirectoryPublisher:
    """Writes each notice into `<root>/<institution>/`, readable by the owner of the process alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def publish(self, notice: Notice) -> tuple[Path, ...]:
        """Write the files of `notice`, or raise PublishRefused if the disk or an earlier file is in the way."""
        _check_name(_INSTITUTION, notice.institution)
        folder = self._root / notice.institution
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return tuple(_write_once(folder, file.name, file.data) for file in notice.files)
        except OSError as error:
            raise PublishRefused(f"cannot write a notice: {error.strerror}") from error


def _write_once(folder: Path, name: str, data: bytes) -> Path:
    _check_name(_FILE, name)
    path = folder / name
    if path.exists():
        if path.read_bytes() != data:
            raise PublishRefused(f"{name} was published with other content")
        return path
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_directory(folder)
    return path


def _sync_directory(folder: Path) -> None:
    """Make the new name durable: a rename is not, until its directory is synced."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_name(pattern: re.Pattern[str], name: str) -> None:
    if not pattern.fullmatch(name):
        raise PublishRefused("not a name of ours")
