"""The public folder of one log on disk: files appear whole or not at all, and stay. Private to the ledger.

A file is written under a temporary name, flushed, renamed into place, and its folder flushed. Temporary names lie in
one folder of their own, so that what a crash leaves behind is found and removed on opening.
"""

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from errno import ELOOP
from pathlib import Path
from typing import Final

from sekisho.ledger.errors import LedgerUnavailable, LogLocked
from sekisho.ledger.steps import AtStep, Step

STAGING: Final = ".staging"
CHECKPOINT: Final = "checkpoint"
VKEY: Final = "vkey"
TILES: Final = "tile"
# A full bundle of the largest entries is 16.8 MB; a reader of the folder must not be made to hold more.
_MAX_FILE_SIZE_BYTES: Final = 17_000_000


class PublicFolder:
    """The public files of one log. Whoever writes in it MUST hold its lock, which goes with the process."""

    def __init__(self, root: Path, at_step: AtStep) -> None:
        self._root = root
        self._staging = root / STAGING
        self._at_step = at_step
        self._lock: FileLock | None = None

    def lock(self) -> None:
        """Take the folder, made if there is none, for this process alone; or raise LogLocked, LedgerUnavailable."""
        with _reported(self._root):
            make_folder(self._root)
        self._lock = FileLock(self._root, os.O_RDONLY | os.O_DIRECTORY)

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def clear_staging(self) -> None:
        """Remove what a crash or a failing disk left under temporary names."""
        with _reported(self._root):
            shutil.rmtree(self._staging, ignore_errors=True)

    def read(self, path: str) -> bytes | None:
        """Return the bytes at `path` below the log's folder, or None if there is no such file.

        Of what is too large for any file of a log a part is returned, of what is no regular file (a link, a pipe)
        nothing: neither is what belongs there.
        """
        with _reported(self._root):
            try:
                descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno == ELOOP:
                    return b""
                raise
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                return b""
            with open(descriptor, "rb") as file:
                return file.read(_MAX_FILE_SIZE_BYTES + 1)

    def place(self, files: Iterable[tuple[str, bytes]], *, staged: Step, placed: Step) -> None:
        """Make every file of `files` (path below the log's folder, bytes) durable at its path, in that order.

        Raises LedgerUnavailable; then any number of them may be in place, each whole.
        """
        with _reported(self._root):
            touched: dict[Path, None] = {}
            for path, data in files:
                target = self._root / path
                touched.update(dict.fromkeys(_make_folder(target.parent)))
                temporary = self._stage(path.replace("/", "~"), data)
                self._at_step(staged)
                temporary.replace(target)
                self._at_step(placed)
                touched[target.parent] = None
            for folder in touched:
                sync_folder(folder)

    def remove_partials(self, paths: Iterable[str]) -> None:
        """Remove the partial tiles beside each full tile of `paths`. What a crash leaves of them goes on opening."""
        with _reported(self._root):
            for path in paths:
                shutil.rmtree(self._root / f"{path}.p", ignore_errors=True)

    def tile_files(self) -> Iterator[str]:
        """Yield the path of every file below `tile/`, sorted."""
        return walk_files(self._root, TILES)

    def _stage(self, name: str, data: bytes) -> Path:
        self._staging.mkdir(exist_ok=True)
        temporary = self._staging / name
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return temporary


class FileLock:
    """The right to write what lies at `path`: for one process, and gone with it."""

    def __init__(self, path: Path, flags: int) -> None:
        with _reported(path):
            self._descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            raise LogLocked(f"another process writes the log at {path}") from error

    def release(self) -> None:
        os.close(self._descriptor)


def walk_files(root: Path, below: str) -> Iterator[str]:
    """Yield the path, relative to `root`, of everything below `root/below` that is not a folder, sorted by folder.

    A symbolic link is yielded, never followed.
    """
    for folder, folders, names in os.walk(root / below, onerror=_raise):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted([*names, *links]):
            yield os.path.relpath(os.path.join(folder, name), root)


def sync_folder(folder: Path) -> None:
    """Flush the entries of `folder`, so that a new name in it outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make `folder` with its parents, durably."""
    for touched in _make_folder(folder):
        sync_folder(touched)


def _make_folder(folder: Path) -> list[Path]:
    """Make `folder` with its parents and return the folders that have a new name in them, deepest last."""
    if folder.is_dir():
        return []
    touched = _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    return [*touched, folder.parent]


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


@contextlib.contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerUnavailable(f"{path}: {error.strerror or error}") from error
