"""Wheels unpacked as data: nothing in them is run, nothing lands outside the folder, nothing fills the disk."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from sekisho.findings import FindingRefused, check_path, clean_text
from sekisho.hunt.errors import ArchiveRefused

# The largest wheels on PyPI are about 1 GB of compiled code; source to hunt stays far below these.
MAX_ARCHIVE_BYTES = 200 * 1_048_576
MAX_UNPACKED_BYTES = 500 * 1_048_576
MAX_MEMBERS = 50_000
# Text compresses to a tenth; DEFLATE cannot pass 1,032.
MAX_RATIO = 200
# Below this a ratio says nothing: an empty-looking file of 100 kB harms nobody.
_RATIO_FLOOR_BYTES = 1_048_576
_CHUNK_BYTES = 65_536
_SCAN_BYTES = 1_048_576
# APPNOTE 4.3.12: every entry of the central directory begins so.
_ENTRY_MARK = b"PK\x01\x02"


def unpack_wheel(path: Path, into: Path) -> None:
    """Unpack the wheel at `path` into the folder `into`, made here, or raise ArchiveRefused.

    Steps: (1) sizes as the archive states them; (2) every name plain, below the folder and there once; regular files
    alone; (3) each file written new, counting the bytes that really come. On refusal `into` is removed.
    """
    try:
        # (1) Also before zipfile sees it, which makes an object of 400 bytes of every 47 in the archive's directory.
        _check_packed(path)
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_sizes(path, members)
            # (2)
            _check_members(members)
            into.mkdir(parents=True)
            try:
                # (3)
                _write_all(archive, members, into)
            except BaseException:
                shutil.rmtree(into)
                raise
    except ArchiveRefused:
        raise
    # On damaged and odd members zipfile lets zlib's errors through, NotImplementedError and others of its own.
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise ArchiveRefused(f"cannot unpack {clean_text(path.name)}: {type(error).__name__}") from error


def _check_packed(path: Path) -> None:
    packed, entries, tail = path.stat().st_size, 0, b""
    if packed > MAX_ARCHIVE_BYTES:
        raise ArchiveRefused(f"{packed} bytes, more than {MAX_ARCHIVE_BYTES}")
    with path.open("rb") as file:
        while chunk := file.read(_SCAN_BYTES):
            entries += (tail + chunk).count(_ENTRY_MARK)
            tail = chunk[1 - len(_ENTRY_MARK) :]
    if entries > MAX_MEMBERS:
        raise ArchiveRefused(f"more than {MAX_MEMBERS} files")


def _check_sizes(path: Path, members: list[zipfile.ZipInfo]) -> None:
    packed = path.stat().st_size
    stated = sum(member.file_size for member in members)
    if stated > MAX_UNPACKED_BYTES or stated > max(packed * MAX_RATIO, _RATIO_FLOOR_BYTES):
        raise ArchiveRefused(f"unpacks to {stated} bytes")


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for member in members:
        _check_name(member.filename)
        # Unix wheels carry the file's mode in the upper half; other systems leave it zero.
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise ArchiveRefused(f"{clean_text(member.filename)} is not a regular file")
        # Two names that differ in case are one file on some systems: the second would replace the first.
        if member.filename.casefold() in seen:
            raise ArchiveRefused(f"{clean_text(member.filename)} is there twice")
        seen.add(member.filename.casefold())


def _check_name(name: str) -> None:
    try:
        check_path(name)
    except FindingRefused as error:
        raise ArchiveRefused(f"not a plain relative name: {clean_text(name, most=80)}") from error
    if ":" in name:
        raise ArchiveRefused(f"a colon in {clean_text(name, most=80)}")


def _write_all(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], into: Path) -> None:
    left = sum(member.file_size for member in members)
    for member in members:
        target = into.joinpath(*PurePosixPath(member.filename).parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as packed, target.open("xb") as unpacked:
            while chunk := packed.read(_CHUNK_BYTES):
                left -= len(chunk)
                if left < 0:
                    raise ArchiveRefused("more bytes come than the archive states")
                unpacked.write(chunk)
