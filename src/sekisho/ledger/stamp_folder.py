"""The stamps of one log on disk, in `stamps/` of its public folder: names, and files that appear whole or not at all.

Another process than the log's writer adds them, so they keep out of the folders that the writer tidies.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sekisho.ledger.errors import LedgerUnavailable, LogDamaged
from sekisho.ledger.files import make_folder, sync_folder
from sekisho.ledger.source import Folder
from sekisho.tlog.note import MAX_NOTE_SIZE_BYTES

STAMPS: Final = "stamps"
# `<size>.<note>.note` and `<size>.<note>.<answer>.tsr`, with the first 16 hex digits of the SHA-256 of each.
_NAME = re.compile(r"(?:0|[1-9][0-9]{0,18})\.[0-9a-f]{16}\.(?:note|[0-9a-f]{16}\.tsr)", re.ASCII)


class StampFolder:
    """The stamps of one log, in `stamps/` of its public folder. Stamps are added, never replaced or removed."""

    def __init__(self, log: Path) -> None:
        self._folder = log / STAMPS

    def add(self, note: bytes, answer: bytes, size: int) -> Path:
        """Keep the stamp `answer` on `note` (of `size` entries) durably and return its file, or LedgerUnavailable."""
        kept = f"{size}.{_digest(note)}"
        path = self._folder / f"{kept}.{_digest(answer)}.tsr"
        try:
            make_folder(self._folder)
            # The note first: a stamp whose note is missing could not be checked.
            self._place(self._folder / f"{kept}.note", note)
            self._place(path, answer)
            sync_folder(self._folder)
        except OSError as error:
            raise LedgerUnavailable(f"{path}: {error.strerror or error}") from error
        return path

    def __iter__(self) -> Iterator[tuple[Path, bytes, bytes]]:
        """Yield each stamp: its file, the note and the authority's answer. Raises LogDamaged or LedgerUnavailable."""
        if self._folder.is_symlink():
            raise LogDamaged(f"{self._folder} is a link")
        try:
            for path in sorted(self._folder.glob("*.tsr"), key=_by_size):
                note = path.with_name(path.name.rsplit(".", 2)[0] + ".note")
                yield path, _read(note), _read(path)
        except OSError as error:
            raise LedgerUnavailable(f"{error.filename}: {error.strerror or error}") from error

    def _place(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def is_stamp_file(path: str) -> bool:
    """Say whether `path`, below a log's folder, is a name that a stamp or its note may have."""
    folder, slash, name = path.partition("/")
    return folder == STAMPS and bool(slash) and _NAME.fullmatch(name) is not None


def _by_size(path: Path) -> tuple[int, str]:
    if not _NAME.fullmatch(path.name):
        raise LogDamaged(f"{path.name[:120]!r} is not the name of a stamp")
    # By number: the oldest stamp is the one that says most.
    return int(path.name.partition(".")[0]), path.name


def _read(path: Path) -> bytes:
    """Return the bytes of the regular file `path`: what a link leads to is not the log's, and would be handed on."""
    data = Folder(path.parent).read(path.name, MAX_NOTE_SIZE_BYTES)
    if data is None:
        raise LogDamaged(f"{path.name[:120]!r} is missing or no regular file, so a stamp cannot be checked")
    if len(data) > MAX_NOTE_SIZE_BYTES:
        raise LogDamaged(f"{path.name}: more than {MAX_NOTE_SIZE_BYTES} bytes")
    return data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
