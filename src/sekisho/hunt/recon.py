"""Recon: which files a hunt looks at, read into memory once, and which it leaves out and why.

The target may be hostile. Symbolic links are never followed, so nothing outside the root is read; only regular
files are opened; sizes, counts and depth are bounded. What is left out is in the survey: a hunt that is silent
about a file must not look like one that found nothing in it.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from sekisho.findings import FindingRefused, Gap, NotAnalyzed, OtherFiles, check_path, clean_path, clean_text
from sekisho.hunt.errors import NothingToHunt, TargetRefused
from sekisho.taint import is_template_path

SOURCE_SUFFIXES = frozenset({".py", ".java"})
# How they are called where people read it.
SOURCE_NAMES = ".py or .java"

# Tests, documentation and other people's code: patterns for the name of a file or folder below the root.
DEFAULT_EXCLUDES = (
    ".*",
    "__pycache__",
    "*.egg-info",
    "*.dist-info",
    "venv",
    "node_modules",
    "site-packages",
    "build",
    "dist",
    "test",
    "tests",
    "testing",
    "test_*.py",
    "*_test.py",
    "conftest.py",
    "*Test.java",
    "*Tests.java",
    "*IT.java",
    "doc",
    "docs",
    "example",
    "examples",
    "benchmarks",
    "vendor",
    "_vendor",
    "vendored",
    "third_party",
    "thirdparty",
)

# Code that no engine of ours reads yet: counted, so that the report can say so.
_OTHER_CODE = frozenset(
    {".c", ".cc", ".cpp", ".cs", ".cxx", ".ex", ".go", ".h", ".hpp", ".html", ".ipynb", ".jinja", ".jinja2"}
    | {".js", ".jsx", ".kt", ".lua", ".mjs", ".php", ".pl", ".pyi", ".pyw", ".pyx", ".rb", ".rs", ".scala", ".sh"}
    | {".sql", ".swift", ".ts", ".tsx", ".vue"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a survey reads. What is over a limit is reported as not analysed."""

    # Hand-written code stays below 0.6 MB a file; beyond are tables of data.
    file_bytes: int = 1_048_576
    # All of it is held in memory.
    total_bytes: int = 256 * 1_048_576
    files: int = 20_000
    # Entries of folders, read or not: a folder of ten million files must not keep a hunt for hours.
    entries: int = 1_000_000
    depth: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file as it was read. `path`: relative to the root, POSIX."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What there is to hunt, each list in order of path. `name` is for people."""

    name: str
    sources: tuple[Source, ...]
    not_analyzed: tuple[NotAnalyzed, ...]
    other_files: tuple[OtherFiles, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    path: str
    full: Path
    size_bytes: int


def survey(
    target: Path, *, name: str | None = None, excludes: tuple[str, ...] = DEFAULT_EXCLUDES, limits: Limits = Limits()
) -> Survey:
    """Return what there is to hunt in `target`, a folder, or a Python or Java file.

    Paths are relative to the folder above the outermost package that `target` lies in, so that a module has the
    same path whether its package or the folder around is named. Raises TargetRefused or NothingToHunt.
    """
    start, status = _existing(target)
    walk = _Walk(root=_root_of(start), excludes=excludes, limits=limits)
    if stat.S_ISDIR(status.st_mode):
        entries = sorted(walk.folder(start, depth=0), key=lambda entry: entry.path)
    else:
        entries = [walk.entry_of(start, status)]
    sources = tuple(walk.read(entries))
    if not sources:
        raise NothingToHunt(f"no {SOURCE_NAMES} file to read in {clean_text(str(target))}; left out: {len(walk.gaps)}")
    return Survey(
        name=clean_text(name or start.name or "root"),
        sources=sources,
        not_analyzed=tuple(sorted(walk.gaps, key=lambda gap: (gap.path, gap.gap.value))),
        other_files=tuple(OtherFiles(suffix=suffix, count=count) for suffix, count in sorted(walk.others.items())),
    )


def _existing(target: Path) -> tuple[Path, os.stat_result]:
    try:
        start = target.resolve(strict=True)
        status = start.stat()
    except (OSError, RuntimeError, ValueError) as error:
        raise TargetRefused(f"cannot read {clean_text(str(target))}: {type(error).__name__}") from error
    if stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and start.suffix in SOURCE_SUFFIXES):
        return start, status
    raise TargetRefused(f"{clean_text(str(target))} is neither a folder nor a {SOURCE_NAMES} file")


def _root_of(start: Path) -> Path:
    """Return the folder that `start`'s modules are imported from."""
    folder = start if os.path.isdir(start) else start.parent
    # os.path: unlike pathlib's, it says no where it may not look.
    while os.path.isfile(folder / "__init__.py") and folder.parent != folder:
        folder = folder.parent
    return folder


class _Walk:
    """One walk below `root`: what it leaves out gathers in `gaps`, what no engine reads in `others`."""

    def __init__(self, *, root: Path, excludes: tuple[str, ...], limits: Limits) -> None:
        self._root = root
        self._excludes = excludes
        self._limits = limits
        self._entries = 0
        self.gaps: list[NotAnalyzed] = []
        self.others: Counter[str] = Counter()

    def entry_of(self, full: Path, status: os.stat_result) -> _Entry:
        return _Entry(path=full.relative_to(self._root).as_posix(), full=full, size_bytes=status.st_size)

    def folder(self, folder: Path, *, depth: int) -> Iterator[_Entry]:
        """Yield the source files below `folder`, folders in order of name."""
        if depth > self._limits.depth:
            self._gap(folder, Gap.TOO_MANY, f"folders nested deeper than {self._limits.depth}", folder=True)
            return
        try:
            with os.scandir(folder) as listing:
                # One more than is left shows that the limit is passed, however many there are.
                some = islice(listing, max(self._limits.entries - self._entries, 0) + 1)
                entries = sorted(some, key=lambda entry: entry.name)
        except OSError as error:
            self._gap(folder, Gap.UNREADABLE, type(error).__name__, folder=True)
            return
        self._entries += len(entries)
        if self._entries > self._limits.entries:
            self._gap(folder, Gap.TOO_MANY, f"more than {self._limits.entries} entries in all", folder=True)
            return
        for entry in entries:
            yield from self._entry(entry, depth=depth)

    def _entry(self, entry: os.DirEntry[str], *, depth: int) -> Iterator[_Entry]:
        full = Path(entry.path)
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            self._gap(full, Gap.UNREADABLE, type(error).__name__, folder=False)
            return
        is_folder, is_link = stat.S_ISDIR(status.st_mode), stat.S_ISLNK(status.st_mode)
        is_source = full.suffix in SOURCE_SUFFIXES or is_template_path(full.relative_to(self._root).as_posix())
        if not (is_folder or is_link or is_source):
            if full.suffix in _OTHER_CODE:
                self.others[full.suffix] += 1
        elif any(fnmatchcase(entry.name, pattern) for pattern in self._excludes):
            self._gap(full, Gap.EXCLUDED, "left out by name", folder=is_folder)
        elif is_link:
            self._gap(full, Gap.LINK, "links are not followed", folder=False)
        elif is_folder:
            yield from self.folder(full, depth=depth + 1)
        elif not stat.S_ISREG(status.st_mode):
            self._gap(full, Gap.UNREADABLE, "not a regular file", folder=False)
        else:
            yield self.entry_of(full, status)

    def read(self, entries: list[_Entry]) -> Iterator[Source]:
        """Yield `entries` as they are read, up to the limits."""
        files = total_bytes = 0
        for entry in entries:
            if files >= self._limits.files:
                self._gap(entry.full, Gap.TOO_MANY, f"more than {self._limits.files} files", folder=False)
            elif entry.size_bytes > self._limits.file_bytes:
                self._gap(entry.full, Gap.TOO_LARGE, f"more than {self._limits.file_bytes} bytes", folder=False)
            elif total_bytes + entry.size_bytes > self._limits.total_bytes:
                self._gap(entry.full, Gap.TOO_MANY, f"more than {self._limits.total_bytes} bytes in all", folder=False)
            else:
                for source in self._source(entry):
                    files, total_bytes = files + 1, total_bytes + len(source.data)
                    yield source

    def _source(self, entry: _Entry) -> Iterator[Source]:
        try:
            check_path(entry.path)
            data = _read_regular(entry.full, most=self._limits.file_bytes)
        except FindingRefused:
            self._gap(entry.full, Gap.NAME_UNUSABLE, "the name is not plain NFC text", folder=False)
        except OSError as error:
            self._gap(entry.full, Gap.UNREADABLE, type(error).__name__, folder=False)
        else:
            yield Source(path=entry.path, data=data)

    def _gap(self, full: Path, gap: Gap, detail: str, *, folder: bool) -> None:
        if full == self._root:
            raise TargetRefused(f"cannot list the target: {detail}")
        path = clean_path(full.relative_to(self._root).as_posix())
        self.gaps.append(NotAnalyzed(path=path + "/" * folder, gap=gap, detail=detail))


def _read_regular(path: Path, *, most: int) -> bytes:
    """Return the content of `path`, a regular file of at most `most` bytes, or raise OSError.

    Opened without following a link and without waiting: it may have been swapped since it was listed.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError("it grew while it was read")
    return data
