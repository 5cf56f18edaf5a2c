"""Wheels from strangers: nothing lands outside, nothing fills the disk, nothing runs."""

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from sekisho.hunt import ArchiveRefused, archives, unpack_wheel


def _wheel(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def _special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def test_a_plain_wheel_is_unpacked(tmp_path: Path) -> None:
    """Files land under their names, folders are made, and nothing is executable."""
    wheel = _wheel(tmp_path / "w.whl", ("pkg/__init__.py", b""), ("pkg/a.py", b"x = 1\n"), ("pkg/", b""))
    unpack_wheel(wheel, tmp_path / "out")
    assert (tmp_path / "out/pkg/a.py").read_bytes() == b"x = 1\n"
    assert not stat.S_IMODE((tmp_path / "out/pkg/a.py").stat().st_mode) & 0o111


@pytest.mark.parametrize(
    "name",
    ["../out.py", "/abs.py", "a/../../out.py", "a\\..\\out.py", "C:/x.py", "a:b.py", "a\x1b.py", "a//b.py", "./a.py"],
)
def test_a_name_that_is_not_plain_is_refused(tmp_path: Path, name: str) -> None:
    """Zip slip: no name leaves the folder, on any system, and none is ambiguous. Nothing stays behind."""
    wheel = _wheel(tmp_path / "w.whl", ("a.py", b""), (name, b"x"))
    with pytest.raises(ArchiveRefused):
        unpack_wheel(wheel, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.whl"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_only_regular_files_are_unpacked(tmp_path: Path, kind: int) -> None:
    """A link in an archive would let the next member be written through it."""
    wheel = _wheel(tmp_path / "w.whl", (_special("a.py", kind | 0o777), b"/etc/passwd"))
    with pytest.raises(ArchiveRefused):
        unpack_wheel(wheel, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["a.py", "A.PY"])
def test_one_name_twice_is_refused(tmp_path: Path, second: str) -> None:
    """Two readers of one archive could see different files."""
    wheel = _wheel(tmp_path / "w.whl", ("a.py", b"1"), (second, b"2"))
    with pytest.raises(ArchiveRefused):
        unpack_wheel(wheel, tmp_path / "out")


def test_a_file_that_is_also_a_folder_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    """What is already unpacked when a member fails is removed."""
    wheel = _wheel(tmp_path / "w.whl", ("a", b"1"), ("a/b.py", b"2"))
    with pytest.raises(ArchiveRefused):
        unpack_wheel(wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """40 kB that become 40 MB: refused by what the archive states."""
    wheel = _wheel(tmp_path / "w.whl", ("a.py", bytes(40_000_000)))
    with pytest.raises(ArchiveRefused, match="unpacks to"):
        unpack_wheel(wheel, tmp_path / "out")


@pytest.mark.parametrize(("limit", "value"), [("MAX_ARCHIVE_BYTES", 50), ("MAX_MEMBERS", 1), ("MAX_UNPACKED_BYTES", 5)])
def test_every_limit_is_kept(tmp_path: Path, limit: str, value: int) -> None:
    """Size, number of files and unpacked size each have their limit."""
    wheel = _wheel(tmp_path / "w.whl", ("a.py", b"12345"), ("b.py", b"12345"))
    unpack_wheel(wheel, tmp_path / "fits")
    with mock.patch.object(archives, limit, value), pytest.raises(ArchiveRefused):
        unpack_wheel(wheel, tmp_path / "out")


def _truncated(data: bytes) -> bytes:
    return data[:-10]


def _flipped(data: bytes) -> bytes:
    at = data.index(b"a.py") + len("a.py") + 2
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def _nothing(data: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [_truncated, _flipped, _nothing])
def test_a_damaged_wheel_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Whatever zipfile raises, the caller sees one refusal."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", b"some text that is long enough to be packed " * 20)
    (tmp_path / "w.whl").write_bytes(damage(buffer.getvalue()))
    with pytest.raises(ArchiveRefused):
        unpack_wheel(tmp_path / "w.whl", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Unpacking never writes into, or removes, what was there before."""
    wheel = _wheel(tmp_path / "w.whl", ("a.py", b"1"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("kept")
    with pytest.raises(ArchiveRefused):
        unpack_wheel(wheel, tmp_path / "out")
    assert (tmp_path / "out/mine").read_text() == "kept"


@pytest.mark.parametrize("shift", range(4))
def test_a_directory_of_millions_is_refused_before_it_is_read(tmp_path: Path, shift: int) -> None:
    """47 bytes an entry, and an object of 400 for each in memory: counted in the file first, also across reads."""
    wheel = tmp_path / "w.whl"
    wheel.write_bytes(bytes(archives._SCAN_BYTES - shift) + b"PK\x01\x02" * (archives.MAX_MEMBERS + 1))
    with mock.patch.object(archives.zipfile, "ZipFile", side_effect=AssertionError), pytest.raises(ArchiveRefused):
        unpack_wheel(wheel, tmp_path / "out")
    wheel.write_bytes(bytes(archives._SCAN_BYTES - shift) + b"PK\x01\x02" * archives.MAX_MEMBERS)
    with pytest.raises(ArchiveRefused, match="BadZipFile"):
        unpack_wheel(wheel, tmp_path / "out")
