"""What was worked out before, kept below the user's cache folder: entries under a digest of all they depend on.

Nobody else may put words into an analysis. So an entry counts only if (1) the folder and the file are ours and nobody
else may write or read them, (2) its HMAC, under a key that lies in the folder, is right, and (3) its reader takes it
for data and nothing more. Whatever is not so is worked out again; a cache that fails is a cache that is empty.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

# Of a million lines the IR takes some 60 MB; this is a few large programs.
MAX_TOTAL_BYTES = 512 * 1_048_576
# The IR of the largest file that is read takes a quarter of it.
MAX_ENTRY_BYTES = 64 * 1_048_576
_KEY_BYTES = 32
_TAG_BYTES = 32
_KEY_FILE = "key"


def user_cache_folder(environ: Mapping[str, str]) -> Path:
    """Return where this user's caches are kept (XDG Base Directory Specification: a relative path is ignored)."""
    named = environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path(environ.get("HOME", "/nonexistent")) / ".cache"
    return base / "sekisho"


class Cache:
    """Entries of bytes under a kind and a key. Never raises: what cannot be read is absent."""

    def __init__(self, folder: Path, *, max_total_bytes: int = MAX_TOTAL_BYTES) -> None:
        self._folder = folder
        self._max_total_bytes = max_total_bytes
        self._key = _opened(folder)

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the entry, or None. `key`: hexadecimal digits."""
        data = _read_own(self._path(kind, key), most=MAX_ENTRY_BYTES) if self._key is not None else None
        if data is None or len(data) < _TAG_BYTES:
            return None
        tag, content = data[:_TAG_BYTES], data[_TAG_BYTES:]
        return content if hmac.compare_digest(tag, self._tag(kind, key, content)) else None

    def put(self, kind: str, key: str, content: bytes) -> None:
        """Keep the entry, whole or not at all."""
        if self._key is None or len(content) + _TAG_BYTES > MAX_ENTRY_BYTES:
            return
        path = self._path(kind, key)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _write_whole(path, self._tag(kind, key, content) + content)
        except OSError:
            return

    def trim(self) -> None:
        """Drop the entries that were kept longest, until the rest fits."""
        entries = sorted(self._entries(), reverse=True)
        total = 0
        for _, size, path in entries:
            total += size
            if total > self._max_total_bytes:
                with contextlib.suppress(OSError):
                    Path(path).unlink()

    def _path(self, kind: str, key: str) -> Path:
        return self._folder / f"{kind}-{key[:2]}" / key[2:]

    def _tag(self, kind: str, key: str, content: bytes) -> bytes:
        # The name is under the HMAC too: an entry that was moved is not the entry of its new name.
        named = f"{kind}\0{key}\0".encode()
        return hmac.digest(self._key or b"", named + content, "sha256")

    def _entries(self) -> Iterator[tuple[float, int, str]]:
        try:
            for found in self._folder.glob("*-??/*"):
                status = found.lstat()
                yield status.st_mtime, status.st_size, str(found)
        except OSError:
            return


def _opened(folder: Path) -> bytes | None:
    """Return the key of the cache in `folder`, made if need be; None if the folder is not ours alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or not _is_ours_alone(status):
            return None
        path = folder / _KEY_FILE
        if not path.exists():
            _write_whole(path, secrets.token_bytes(_KEY_BYTES), replace=False)
    except OSError:
        return None
    key = _read_own(path, most=_KEY_BYTES)
    return key if key is not None and len(key) == _KEY_BYTES else None


def _is_ours_alone(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _read_own(path: Path, *, most: int) -> bytes | None:
    """Return the content of `path` if it is a regular file, ours alone and no longer than `most`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not _is_ours_alone(status):
                return None
            data = file.read(most + 1)
    except OSError:
        return None
    return data if len(data) <= most else None


def _write_whole(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write `path` (0600) so that a reader sees all of it or none; without `replace`, unless it is there."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        if replace:
            os.replace(temporary, path)
        else:
            # Of two that begin at once one makes the key, and both use it.
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def digest_of(*parts: bytes) -> str:
    """Return a digest that no other list of parts has."""
    made = hashlib.sha256()
    for part in parts:
        made.update(len(part).to_bytes(8, "big"))
        made.update(part)
    return made.hexdigest()
