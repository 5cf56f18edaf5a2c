"""The folder of one gate's sealed transcripts: files appear whole, before the ledger names them, and go for good.

    under-way/<request id>          written as the call goes on; a mark, until the outcome is in the ledger
    <last two letters>/<request id>.sealed    the finished file

A file gets its place, durably, before the outcome that names its digest is written, and its mark goes after that. What
a crash leaves under a mark is judged by the log on the next start. One process works in a folder.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

from sekisho.ledger.errors import NotSealed, TranscriptMissing
from sekisho.ledger.files import sync_folder
from sekisho.ledger.sealed_header import check_request_id, is_request_id
from sekisho.ledger.sealing import Sealer

UNDER_WAY: Final = "under-way"
# Request ids end in random letters: a thousand folders, so that none holds millions of files.
_SHARD_LETTERS: Final = 2
_SUFFIX: Final = ".sealed"
# A large request or answer is sealed piece by piece: what it takes besides is this much, a few times over.
_SLICE_BYTES: Final = 1_048_576
_ZEROS: Final = bytes(65_536)


class TranscriptStep(Enum):
    """A moment in the life of a transcript, each a place where a crash test pulls the plug."""

    BEGUN = "the request is sealed, nothing is in the ledger"
    FLUSHED = "the file is whole and durable under its mark, it has no place yet"
    PLACED = "the file is at its place, no outcome names it"
    OVERWRITTEN = "an erased file holds zeros"
    UNLINKED = "an erased file has no name, its folder is not yet flushed"


AtTranscriptStep: TypeAlias = Callable[[TranscriptStep], None]


def pass_by(step: TranscriptStep) -> None:
    """Do nothing at `step`: the hook of every folder in service."""


class TranscriptFolder:
    """Holds the transcripts below `root`. Its methods block on the disk; each may be called on any thread."""

    def __init__(self, root: Path, at_step: AtTranscriptStep = pass_by) -> None:
        self._root = root
        self._at_step = at_step

    def prepare(self) -> None:
        """Make the folder, closed to others, or raise NotSealed."""
        try:
            self._root.mkdir(mode=0o700, exist_ok=True)
            (self._root / UNDER_WAY).mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._root)
            sync_folder(self._root.parent)
        except OSError as error:
            raise NotSealed(f"{self._root}: {error.strerror}") from error

    def begin(self, request_id: str, sealer: Sealer, request: bytes) -> "OpenTranscript":
        """Return a new transcript with the request sealed into it. Raises NotSealed; then nothing is left of it."""
        check_request_id(request_id)
        begun = OpenTranscript(self._mark(request_id), self._place(request_id), sealer, self._at_step)
        begun.begin(request)
        return begun

    def path_of(self, request_id: str) -> Path:
        """Return where the finished transcript of `request_id` lies, or raise TranscriptMissing."""
        check_request_id(request_id)
        path = self._place(request_id)
        if not path.is_file():
            raise TranscriptMissing(f"no transcript of {request_id} is kept")
        return path

    def recover(self, is_recorded: Callable[[str], bool]) -> None:
        """Finish what a crash left: a transcript whose outcome the log has keeps its place, any other is destroyed.

        `is_recorded`: says whether the log has an outcome with the digest of a transcript for a request id. Raises
        NotSealed.
        """
        try:
            marks = sorted((self._root / UNDER_WAY).iterdir())
        except OSError as error:
            raise NotSealed(f"{self._root}: {error.strerror}") from error
        for mark in marks:
            if not is_request_id(mark.name):
                # No file of ours; nothing of a call is in it.
                continue
            if is_recorded(mark.name):
                _unlink(mark)
            else:
                self.destroy(mark.name)

    def destroy(self, request_id: str) -> None:
        """Destroy the transcript of `request_id`, if there is one; running it again changes nothing. Raises NotSealed.

        Steps: (1) its bytes are overwritten and flushed; (2) it loses its names; (3) the folders are flushed. On disks
        that write elsewhere what is overwritten (SSDs, snapshots) the old bytes are as safe as their sealing.
        """
        check_request_id(request_id)
        names = [self._mark(request_id), self._place(request_id)]
        try:
            # (1)
            for name in names:
                _overwrite(name)
            self._at_step(TranscriptStep.OVERWRITTEN)
            # (2)
            for name in names:
                name.unlink(missing_ok=True)
            self._at_step(TranscriptStep.UNLINKED)
            # (3)
            for name in names:
                if name.parent.is_dir():
                    sync_folder(name.parent)
        except OSError as error:
            raise NotSealed(f"the transcript of {request_id} cannot be destroyed: {error.strerror}") from error

    def _mark(self, request_id: str) -> Path:
        return self._root / UNDER_WAY / request_id

    def _place(self, request_id: str) -> Path:
        return self._root / request_id[-_SHARD_LETTERS:] / f"{request_id}{_SUFFIX}"


class OpenTranscript:
    """A transcript that is being written: one call's, one thread at a time.

    No file stays open between two writes: a gate has thousands of calls under way.
    """

    def __init__(self, mark: Path, place: Path, sealer: Sealer, at_step: AtTranscriptStep) -> None:
        self._mark = mark
        self._place = place
        self._sealer = sealer
        self._at_step = at_step

    def begin(self, request: bytes) -> None:
        """Seal and write `request`, or raise NotSealed; then nothing is left of it."""
        try:
            self._write(self._sealer.begin(len(request)), os.O_CREAT | os.O_EXCL)
            self._take(request)
            self._at_step(TranscriptStep.BEGUN)
        except OSError as error:
            self.discard()
            raise NotSealed(f"the transcript cannot be begun: {error.strerror}") from error

    def add(self, data: bytes) -> None:
        """Seal and write the next bytes of the answer, or raise NotSealed."""
        try:
            self._take(data)
        except OSError as error:
            raise NotSealed(f"the transcript cannot be written: {error.strerror}") from error

    def finish(self, data: bytes) -> str:
        """Seal and write the last bytes, and return the file's SHA-256 (hex) once it is durable at its place.

        Raises NotSealed; then the transcript is under its mark, and `discard` removes it.
        """
        try:
            self._take(data)
            self._write(self._sealer.finish(), 0, flush=True)
            self._at_step(TranscriptStep.FLUSHED)
            self._take_place()
            self._at_step(TranscriptStep.PLACED)
        except OSError as error:
            raise NotSealed(f"the transcript cannot be finished: {error.strerror}") from error
        return self._sealer.digest

    def settle(self) -> None:
        """Take the mark away: the outcome is in the ledger. If that fails, the next start does it."""
        _unlink(self._mark)

    def discard(self) -> None:
        """Remove what there is of it. What cannot be removed is destroyed on the next start."""
        _unlink(self._place)
        _unlink(self._mark)

    def _take(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(view), _SLICE_BYTES):
            if sealed := self._sealer.add(view[start : start + _SLICE_BYTES]):
                self._write(sealed, 0)

    def _take_place(self) -> None:
        folder = self._place.parent
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder.parent)
        # A second name, not another one: until the outcome is in the ledger, the mark says that it may have to go.
        os.link(self._mark, self._place)
        sync_folder(folder)

    def _write(self, data: bytes, flags: int, *, flush: bool = False) -> None:
        with open(os.open(self._mark, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | flags, 0o600), "wb") as file:
            file.write(data)
            if flush:
                file.flush()
                os.fsync(file.fileno())


def copy_transcript(source: Path, target: Path) -> None:
    """Copy the sealed file `source` to the new file `target`, readable by its owner alone, or raise NotSealed."""
    try:
        with (
            source.open("rb") as sealed,
            open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        ):
            shutil.copyfileobj(sealed, out)
    except OSError as error:
        raise NotSealed(f"cannot copy to {target}: {error.strerror}") from error


def _overwrite(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with open(descriptor, "wb") as file:
        for data in _zeros(os.fstat(descriptor).st_size):
            file.write(data)
        file.flush()
        os.fsync(descriptor)


def _zeros(size_bytes: int) -> Iterable[bytes]:
    while size_bytes > 0:
        yield _ZEROS[:size_bytes]
        size_bytes -= len(_ZEROS)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # Still under its mark, or at a place that nothing names: the next start sees it again.
        return
