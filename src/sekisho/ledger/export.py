"""A ledger put into one folder that verifies anywhere: on a machine without network, with nothing but this package.

What is copied is proven as it is read, tiles are made again from the entries, and the copy is verified from the disk
before it gets its name. So the folder is whole and true, or it is not there.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.ledger.errors import LogDamaged, NoSuchLog
from sekisho.ledger.export_readme import readme
from sekisho.ledger.files import CHECKPOINT, VKEY
from sekisho.ledger.heads import DECISIONS, Heads, take_heads
from sekisho.ledger.proven import read_bundles
from sekisho.ledger.reading import read_key
from sekisho.ledger.report import Report
from sekisho.ledger.rows import Rows
from sekisho.ledger.source import Source
from sekisho.ledger.stamp_folder import STAMPS, StampFolder
from sekisho.ledger.verify import verify_ledger
from sekisho.tlog.checkpoint import open_checkpoint
from sekisho.tlog.merkle import hash_leaves
from sekisho.tlog.policy import Policy
from sekisho.tlog.tile import encode_bundle
from sekisho.trust import read_pinned_charter

README: Final = "README.txt"
MANIFEST: Final = "MANIFEST.sha256"
CHARTER: Final = "charter.json"
POLICY: Final = "policy.txt"
LEDGER: Final = "ledger"


class ExportRefused(SekishoError):
    """Nothing was exported: the place is taken, the disk does not serve, or what was read does not verify."""

    code: ClassVar[str] = "SKS-LEDGER-028"
    exit_code: ClassVar[int] = 1
    hint = "Give a folder that does not exist yet, on a disk with room; `sekisho ledger verify` says what is wrong."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What the auditor is to verify with: the files' own bytes, None where there is none."""

    charter: bytes | None
    policy: bytes | None


def export_ledger(root: Source, target: Path, trusted: Trusted, *, logs: Collection[str] | None = None) -> Report:
    """Make the folder `target` with the ledger at `root` in it, and return the report on it.

    `logs`: only these calls logs, beside the decisions log; None: all. Steps: (1) the place is free; (2) one moment's
    checkpoints; (3) copy under another name; (4) verify the copy; (5) flush, and give it its name. Raises
    ExportRefused, NoSuchLog, LogDamaged or LedgerNotFound, and leaves nothing behind.
    """
    # (1)
    if target.exists() or target.is_symlink():
        raise ExportRefused(f"{target} is there already")
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise ExportRefused(f"{target.parent}: {error.strerror or error}") from error
    try:
        report = _export(root, folder, trusted, logs)
        # (5) An empty folder that somebody made meanwhile is replaced; anything else makes this fail.
        # It stays readable by its maker alone, as it was made: who else may read of calls is for them to say.
        os.sync()
        folder.rename(target)
    except OSError as error:
        raise ExportRefused(f"{target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _export(root: Source, folder: Path, trusted: Trusted, logs: Collection[str] | None) -> Report:
    pinned = None if trusted.charter is None else read_pinned_charter(trusted.charter)
    vkey = None if pinned is None else pinned.charter.decisions.vkey
    # (2)
    heads = take_heads(root, vkey=vkey)
    chosen = _choose(heads, logs)
    # (3)
    for log in chosen:
        for path, data in _files_of(heads.source(log), heads.notes[log], vkey if log == DECISIONS else None):
            _write(folder / LEDGER / log / path, data)
    for name, given in ((CHARTER, trusted.charter), (POLICY, trusted.policy)):
        if given is not None:
            _write(folder / name, given)
    only = tuple(chosen) if logs is not None else None
    _write(folder / README, readme(only, has_charter=pinned is not None, has_policy=trusted.policy is not None))
    _write(folder / MANIFEST, _manifest(folder))
    # (4)
    policy = None if trusted.policy is None else Policy.parse(trusted.policy)
    report = verify_ledger(folder / LEDGER, vkey=vkey, charter=pinned, policy=policy, logs=only)
    if not report.is_verified:
        first = report.problems[0]
        message = f"{report.problem_count} problems, first {first.fault.value} at {first.where}: {first.message}"
        raise ExportRefused(f"what was read does not verify: {message}")
    return report


def _choose(heads: Heads, logs: Collection[str] | None) -> list[str]:
    if not heads.is_whole:
        raise NoSuchLog(f"{heads.place.place} is one log", hint="Give the data directory or its ledger/ folder.")
    unknown = set(logs or ()) - set(heads.notes)
    if unknown:
        raise NoSuchLog(f"no log {min(unknown)[:80]}", hint=f"One of: {', '.join(heads.notes)}.")
    return [log for log in heads.notes if logs is None or log == DECISIONS or log in logs]


def _files_of(source: Source, note: bytes | None, vkey: str | None) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of every file of the log whose checkpoint is `note`, or raise LogDamaged."""
    try:
        verifier = read_key(source, vkey)
        head = open_checkpoint(note or b"", verifier)
    except SekishoError as error:
        raise LogDamaged(f"{source.place}: {error.message}") from error
    rows = Rows()
    for bundle, entries in read_bundles(source, head):
        yield bundle.path, encode_bundle(entries)
        yield from ((tile.path, data) for tile, data in rows.add(hash_leaves(entries)))
    yield from ((tile.path, data) for tile, data in rows.partials())
    yield VKEY, f"{verifier.vkey}\n".encode()
    yield CHECKPOINT, note or b""
    yield from _stamps_of(source)


def _stamps_of(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the time stamps that lie beside the log, each with its note. On the web nobody lists them."""
    if source.folder is not None:
        for path, note, answer in StampFolder(source.folder):
            yield f"{STAMPS}/{path.name.rsplit('.', 2)[0]}.note", note
            yield f"{STAMPS}/{path.name}", answer


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_bytes(data)


def _manifest(folder: Path) -> bytes:
    """Return the SHA-256 of every file below `folder`, as `sha256sum -c` reads it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in files)
    return "".join(lines).encode()
