"""The cache gives back what was put in, to its owner alone, or nothing."""

import os
from pathlib import Path

import pytest

from sekisho.hunt import Cache, user_cache_folder
from sekisho.hunt.engines.cache import digest_of

KEY = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _only_entry(folder: Path) -> Path:
    (found,) = folder.glob("*-??/*")
    return found


def test_what_was_kept_is_found_by_the_next_process(folder: Path) -> None:
    """The key of the HMAC stays; kind and key name the entry together."""
    Cache(folder).put("ir", KEY, b"content")
    assert Cache(folder).get("ir", KEY) == b"content"
    assert Cache(folder).get("look", KEY) is None
    assert folder.stat().st_mode & 0o777 == 0o700
    assert _only_entry(folder).stat().st_mode & 0o777 == 0o600


def test_an_entry_that_was_changed_is_absent(folder: Path) -> None:
    """One bit of the content or the tag, or a piece that is missing."""
    cache = Cache(folder)
    cache.put("ir", KEY, b"content")
    whole = _only_entry(folder).read_bytes()
    for place in (0, 31, 32, len(whole) - 1):
        _only_entry(folder).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cache.get("ir", KEY) is None
    for length in (0, 10, 32, len(whole) - 1):
        _only_entry(folder).write_bytes(whole[:length])
        assert cache.get("ir", KEY) is None


def test_an_entry_does_not_count_under_another_name(folder: Path) -> None:
    """What was right of one file says nothing of another."""
    cache, other = Cache(folder), "ab" + "cd" * 31
    cache.put("ir", KEY, b"content")
    _only_entry(folder).rename(folder / "ir-ab" / other[2:])
    assert cache.get("ir", other) is None


def test_a_folder_that_others_may_write_to_is_not_trusted(folder: Path) -> None:
    """Not read, and nothing is put there."""
    Cache(folder).put("ir", KEY, b"content")
    folder.chmod(0o770)
    cache = Cache(folder)
    assert cache.get("ir", KEY) is None
    cache.put("ir", "cd" * 32, b"content")
    assert not (folder / "ir-cd").exists()


def test_an_entry_that_others_may_read_or_that_is_a_link_is_not_trusted(folder: Path) -> None:
    """Somebody had a hand in it."""
    cache = Cache(folder)
    cache.put("ir", KEY, b"content")
    entry = _only_entry(folder)
    entry.chmod(0o644)
    assert cache.get("ir", KEY) is None
    entry.chmod(0o600)
    entry.rename(folder / "moved")
    entry.symlink_to(folder / "moved")
    assert cache.get("ir", KEY) is None


def test_another_users_folder_is_not_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns the folder owns the key."""
    Cache(folder).put("ir", KEY, b"content")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert Cache(folder).get("ir", KEY) is None


def test_a_folder_that_cannot_be_made_is_an_empty_cache(tmp_path: Path) -> None:
    """A full disk or a missing home costs time and nothing else."""
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    cache.put("ir", KEY, b"content")
    cache.trim()
    assert cache.get("ir", KEY) is None


def test_the_oldest_make_room(folder: Path) -> None:
    """What is left fits, and the newest is among it."""
    cache = Cache(folder, max_total_bytes=300)
    keys = [f"{number:02x}" * 32 for number in range(5)]
    for number, key in enumerate(keys):
        cache.put("ir", key, b"x" * 68)
        os.utime(folder / f"ir-{key[:2]}" / key[2:], (number, number))
    cache.trim()
    assert [key for key in keys if cache.get("ir", key) is not None] == keys[2:]


def test_the_folder_is_the_users() -> None:
    """As the XDG Base Directory Specification says."""
    assert user_cache_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/sekisho")
    assert user_cache_folder({"XDG_CACHE_HOME": "c", "HOME": "/h"}) == Path("/h/.cache/sekisho")
    assert user_cache_folder({"HOME": "/h"}) == Path("/h/.cache/sekisho")


def test_parts_of_a_digest_do_not_run_together() -> None:
    """A path and a content are told apart."""
    assert digest_of(b"ab", b"c") != digest_of(b"a", b"bc")
    assert digest_of(b"ab") != digest_of(b"ab", b"")
