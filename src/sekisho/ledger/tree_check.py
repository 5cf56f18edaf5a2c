"""One log checked from its files alone: every file below it, every entry, every tile, the signed root.

Nothing here trusts a file name, a length or a link; what is read is bounded, and read once, a bundle at a time.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from sekisho.core.errors import SekishoError
from sekisho.ledger.files import CHECKPOINT, VKEY, walk_files
from sekisho.ledger.report import Fault, Notebook
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import HASH_SIZE_BYTES, Frontier
from sekisho.tlog.note import MAX_NOTE_SIZE_BYTES, NoteVerifier
from sekisho.tlog.tile import (
    MAX_ENTRY_SIZE_BYTES,
    TILE_WIDTH,
    Tile,
    TileBuilder,
    TileRefused,
    narrow,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    row_of,
)

_MAX_BUNDLE_SIZE_BYTES: Final = TILE_WIDTH * (MAX_ENTRY_SIZE_BYTES + 2)
_MAX_VKEY_SIZE_BYTES: Final = 1024

# Called with the index and the bytes of every entry, in order.
OnEntry: TypeAlias = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A log whose checkpoint was signed by `verifier`. Its entries were checked; the notebook says with what result."""

    name: str
    folder: Path
    verifier: NoteVerifier
    checkpoint: Checkpoint


def check_tree(folder: Path, name: str, vkey: str | None, notebook: Notebook, on_entry: OnEntry) -> Tree | None:
    """Check the log in `folder`, called `name` in what is reported, and return it, or None if nobody signed it.

    `vkey`: the pinned key; without it the key beside the log is taken. Steps: (1) the key; (2) the checkpoint's
    signature; (3) every file has a place in that tree; (4) entries make tiles make the signed root.
    """
    # (1)
    verifier = _read_key(folder, name, vkey, notebook)
    if verifier is None:
        return None
    # (2)
    checkpoint = _read_checkpoint(folder, name, verifier, notebook)
    if checkpoint is None:
        return None
    tree = Tree(name=name, folder=folder, verifier=verifier, checkpoint=checkpoint)
    # (3)
    present = _check_names(tree, notebook)
    # (4)
    _TreeCheck(tree, present, notebook).run(on_entry)
    return tree


def roots_at(tree: Tree, sizes: Iterable[int]) -> dict[int, bytes]:
    """Return the roots that `tree` had at `sizes`, by its level 0 tiles, as far as those can be read."""
    roots: dict[int, bytes] = {}
    frontier = Frontier()
    wanted = sorted(set(sizes), reverse=True)
    leaf_hashes = _leaf_hashes(tree)
    while wanted and wanted[-1] <= tree.checkpoint.size:
        size = wanted.pop()
        while frontier.size < size:
            leaf_hash = next(leaf_hashes, None)
            if leaf_hash is None:
                return roots
            frontier.append(leaf_hash)
        roots[size] = frontier.root()
    return roots


def _leaf_hashes(tree: Tree) -> Iterator[bytes]:
    for tile in row_of(0, tree.checkpoint.size):
        data = read_file(tree.folder / tile.path, TILE_WIDTH * HASH_SIZE_BYTES)
        if data is None or len(data) != tile.width * HASH_SIZE_BYTES:
            return
        yield from parse_tile(data, tile.width)


class _TreeCheck:
    """The streaming part: entries in, each tile compared as soon as it is complete."""

    def __init__(self, tree: Tree, present: Iterable[Tile], notebook: Notebook) -> None:
        self._tree = tree
        self._notebook = notebook
        self._tiles = TileBuilder()
        # Narrower partial tiles, by place: kept by the writer until the tile is full, and checked like all else.
        self._narrower: dict[tuple[int | None, int], list[Tile]] = {}
        self._differing: list[Tile] = []
        for tile in present:
            if tile.is_partial and not tile.ends_at(tree.checkpoint.size):
                self._narrower.setdefault((tile.level, tile.index), []).append(tile)

    def run(self, on_entry: OnEntry) -> None:
        for bundle in row_of(None, self._tree.checkpoint.size):
            entries = self._read_bundle(bundle)
            if entries is None:
                # Without these entries no later tile can be made again.
                return
            for entry in entries:
                index = self._tiles.size
                for tile, data in self._tiles.add(entry):
                    self._compare(tile, data)
                on_entry(index, entry)
        for tile, data in self._tiles.partials():
            self._compare(tile, data)
        self._judge()

    def _read_bundle(self, bundle: Tile) -> tuple[bytes, ...] | None:
        data = read_file(self._tree.folder / bundle.path, _MAX_BUNDLE_SIZE_BYTES)
        if data is None:
            self._add(Fault.FILE_MISSING, bundle, "is missing or unreadable; what follows it cannot be checked")
            return None
        try:
            return parse_bundle(data, bundle.width)
        except TileRefused as error:
            self._add(Fault.FILE_DIFFERS, bundle, f"{error.message}, so what follows it cannot be checked")
            return None

    def _compare(self, tile: Tile, data: bytes) -> None:
        """Compare `tile`, made from the entries as `data`, and narrower ones of it, with what is on disk."""
        if tile.level is not None:
            found = self._read_tile(tile)
            if found is not None and found != data:
                self._differing.append(tile)
        for part in self._narrower.get((tile.level, tile.index), ()):
            found = self._read_tile(part)
            if found is not None and found != narrow(tile, data, part.width):
                self._add(Fault.FILE_DIFFERS, part, "is not the beginning of the tile it is a part of")

    def _read_tile(self, tile: Tile) -> bytes | None:
        data = read_file(self._tree.folder / tile.path, _MAX_BUNDLE_SIZE_BYTES)
        if data is None:
            self._add(Fault.FILE_MISSING, tile, "is missing or unreadable")
        return data

    def _judge(self) -> None:
        """Say which side is wrong where entries and tiles differ: the side that does not make the signed root."""
        signed, made = self._tree.checkpoint, self._tiles.root()
        if made == signed.root:
            for tile in self._differing:
                self._add(Fault.FILE_DIFFERS, tile, "is not what the entries make, and they make the signed root")
            return
        by_tiles = roots_at(self._tree, (signed.size,)).get(signed.size)
        leaves = [tile for tile in self._differing if tile.level == 0]
        if by_tiles == signed.root:
            for tile in leaves:
                bundle = Tile(level=None, index=tile.index, width=tile.width)
                self._add(Fault.FILE_DIFFERS, bundle, f"holds a changed entry: its hashes in {tile.path} are as signed")
            return
        where = f"{self._tree.name}/{CHECKPOINT}"
        self._notebook.add(Fault.ROOT_DIFFERS, where, f"the {signed.size} entries do not make the signed root")
        for tile in self._differing:
            self._add(Fault.FILE_DIFFERS, tile, "is not what the entries make, and neither makes the signed root")

    def _add(self, fault: Fault, tile: Tile, message: str) -> None:
        self._notebook.add(fault, f"{self._tree.name}/{tile.path}", message)


def _read_key(folder: Path, name: str, vkey: str | None, notebook: Notebook) -> NoteVerifier | None:
    where = f"{name}/{VKEY}"
    data = read_file(folder / VKEY, _MAX_VKEY_SIZE_BYTES)
    if data is None:
        notebook.add(Fault.FILE_MISSING, where, "there is no key beside the log")
    elif vkey is not None and data != f"{vkey}\n".encode():
        notebook.add(Fault.KEY_DIFFERS, where, "the key beside the log is not the one that is pinned for it")
    if vkey is None and data is None:
        return None
    try:
        text = vkey if vkey is not None else (data or b"").decode("ascii").removesuffix("\n")
        verifier = NoteVerifier.parse(text)
        if vkey is None and data != f"{verifier.vkey}\n".encode():
            raise TileRefused("not one line")
    except (SekishoError, UnicodeDecodeError) as error:
        notebook.add(Fault.KEY_DIFFERS, where, f"not a verifier key: {_message(error)}")
        return None
    return verifier


def _read_checkpoint(folder: Path, name: str, verifier: NoteVerifier, notebook: Notebook) -> Checkpoint | None:
    where = f"{name}/{CHECKPOINT}"
    note = read_file(folder / CHECKPOINT, MAX_NOTE_SIZE_BYTES)
    if note is None:
        notebook.add(Fault.FILE_MISSING, where, "there is no checkpoint")
        return None
    try:
        return open_checkpoint(note, verifier)
    except SekishoError as error:
        notebook.add(Fault.CHECKPOINT_REFUSED, where, error.message)
        return None


def _check_names(tree: Tree, notebook: Notebook) -> list[Tile]:
    """Return the tiles and bundles that are there, and note every file that has no place in the tree."""
    tiles: list[Tile] = []
    for path in walk_files(tree.folder, "."):
        where = f"{tree.name}/{path}"
        if not _is_regular(tree.folder / path):
            notebook.add(Fault.FILE_UNKNOWN, where, "is not a regular file")
        elif path in (CHECKPOINT, VKEY):
            continue
        elif (tile := _tile_at(path)) is None:
            notebook.add(Fault.FILE_UNKNOWN, where, "is not a file of a log")
        elif tile.smallest_tree > tree.checkpoint.size:
            notebook.add(Fault.FILE_AHEAD, where, f"belongs to a tree larger than the signed {tree.checkpoint.size}")
        else:
            tiles.append(tile)
    return tiles


def _tile_at(path: str) -> Tile | None:
    try:
        return parse_tile_path(path)
    except TileRefused:
        return None


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        # A partial tile that a running writer has just dropped; if it is needed, reading it will tell.
        return True


def read_file(path: Path, limit_bytes: int) -> bytes | None:
    """Return the bytes of the regular file at `path`, one more than the limit at most, or None."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            return file.read(limit_bytes + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None


def _message(error: Exception) -> str:
    return error.message if isinstance(error, SekishoError) else "not ASCII text"
