"""One log checked from its files alone: every file below it, every entry, every tile, the signed root.

Nothing here trusts a file name, a length or a link; what is read is bounded, and read once, a bundle at a time. All
work is done by whole tiles: 256 entries are hashed together and compared as the 8,192 bytes that their tile must be.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sekisho.core.errors import SekishoError
from sekisho.ledger.files import CHECKPOINT, VKEY
from sekisho.ledger.reading import MAX_VKEY_SIZE_BYTES, read_key, read_note, read_tile, tile_reader
from sekisho.ledger.report import Fault, Notebook
from sekisho.ledger.rows import Rows
from sekisho.ledger.source import Source, list_files
from sekisho.ledger.stamp_folder import is_stamp_file
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import HASH_SIZE_BYTES, hash_leaves
from sekisho.tlog.note import KeyRefused, NoteVerifier
from sekisho.tlog.tile import (
    TILE_WIDTH,
    Tile,
    TileRefused,
    narrow,
    parse_bundle,
    parse_tile_path,
    row_of,
)
from sekisho.tlog.tile_tree import root_from_tiles

# Called with the index of the first, and the entries, of every bundle in order.
OnEntries: TypeAlias = Callable[[int, Sequence[bytes]], None]
# Called with how many entries were looked at, and how many there are.
OnProgress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A log whose checkpoint was signed by `verifier`. Its entries were checked; the notebook says with what result."""

    name: str
    source: Source
    verifier: NoteVerifier
    checkpoint: Checkpoint
    note: bytes


def check_tree(
    source: Source,
    name: str,
    note: bytes | None,
    vkey: str | None,
    notebook: Notebook,
    on_entries: OnEntries,
    on_progress: OnProgress | None = None,
) -> Tree | None:
    """Check the log at `source`, called `name` in what is reported, and return it, or None if nobody signed it.

    `note`: the bytes of the checkpoint that is to be checked, taken before; `vkey`: the pinned key; without it the
    key beside the log is taken. Steps: (1) the key; (2) the checkpoint's signature; (3) entries make tiles make the
    signed root; (4) every file has a place in that tree.
    """
    # (1)
    verifier = _check_key(source, name, vkey, notebook)
    if verifier is None:
        return None
    # (2)
    checkpoint = _check_checkpoint(note, name, verifier, notebook)
    if checkpoint is None:
        return None
    tree = Tree(name=name, source=source, verifier=verifier, checkpoint=checkpoint, note=note or b"")
    # (3) Files are listed before, and judged after: a log that grows meanwhile has files that its next head covers.
    listed = _Listed.of(source, checkpoint.size)
    for first, entries in _TreeCheck(tree, listed.narrower, notebook).run():
        on_entries(first, entries)
        if on_progress is not None:
            on_progress(first + len(entries), checkpoint.size)
    # (4)
    _judge_files(tree, listed, notebook)
    return tree


def root_at(tree: Tree, size: int) -> bytes | None:
    """Return the root that `tree` had at `size`, by its tiles, or None if it was never so large or a tile is missing.

    Reads one tile a level. The caller MUST have checked the tiles.
    """
    if size > tree.checkpoint.size:
        return None
    try:
        return root_from_tiles(size, tile_reader(tree.source, tree.checkpoint.size))
    except TileRefused:
        return None


def roots_at(tree: Tree, sizes: Iterable[int]) -> dict[int, bytes]:
    """Return the roots that `tree` had at `sizes`, as far as its tiles can be read."""
    roots = ((size, root_at(tree, size)) for size in set(sizes))
    return {size: root for size, root in roots if root is not None}


def entries_of(tree: Tree) -> Iterator[tuple[int, bytes]]:
    """Yield index and bytes of the entries of `tree`, as far as they can be read. They are not checked here."""
    for bundle in row_of(None, tree.checkpoint.size):
        try:
            data = read_tile(tree.source, bundle)
            entries = parse_bundle(b"" if data is None else data, bundle.width)
        except TileRefused:
            return
        yield from enumerate(entries, start=bundle.index * TILE_WIDTH)


def _read_quietly(source: Source, tile: Tile) -> bytes | None:
    try:
        return read_tile(source, tile)
    except TileRefused:
        return None


class _TreeCheck:
    """The streaming part: bundles in, each tile compared as soon as it is complete."""

    def __init__(self, tree: Tree, narrower: dict[tuple[int | None, int], list[Tile]], notebook: Notebook) -> None:
        self._tree = tree
        self._narrower = narrower
        self._notebook = notebook
        self._rows = Rows()
        self._differing: list[Tile] = []

    def run(self) -> Iterator[tuple[int, Sequence[bytes]]]:
        """Check all, and yield the entries of each bundle with the index of the first."""
        for bundle in row_of(None, self._tree.checkpoint.size):
            entries = self._read_bundle(bundle)
            if entries is None:
                # Without these entries no later tile can be made again.
                return
            first = self._rows.size
            for tile, made in self._rows.add(hash_leaves(entries)):
                self._compare(tile, made)
            yield first, entries
        for tile, made in self._rows.partials():
            self._compare(tile, made)
        self._judge()

    def _read_bundle(self, bundle: Tile) -> tuple[bytes, ...] | None:
        try:
            data = read_tile(self._tree.source, bundle)
            if data is None:
                self._add(Fault.FILE_MISSING, bundle, "is missing or unreadable; what follows it cannot be checked")
                return None
            entries = parse_bundle(data, bundle.width)
        except TileRefused as error:
            self._add(Fault.FILE_DIFFERS, bundle, f"{error.message}, so what follows it cannot be checked")
            return None
        self._compare_narrower(bundle, data)
        return entries

    def _compare(self, tile: Tile, made: bytes) -> None:
        """Compare `tile`, made from the entries as `made`, and narrower ones of it, with what is there."""
        found = read_tile(self._tree.source, tile)
        if found is None:
            self._add(Fault.FILE_MISSING, tile, "is missing or unreadable")
        elif found != made:
            self._differing.append(tile)
        self._compare_narrower(tile, made)

    def _compare_narrower(self, tile: Tile, data: bytes) -> None:
        for part in self._narrower.get((tile.level, tile.index), ()):
            found = self._tree.source.read(part.path, len(data))
            # Nothing needs them, and a writer that is running drops them.
            if found is not None and found != narrow(tile, data, part.width):
                self._add(Fault.FILE_DIFFERS, part, "is not the beginning of the tile it is a part of")

    def _judge(self) -> None:
        """Say which side is wrong where entries and tiles differ: the side that does not make the signed root."""
        signed, made = self._tree.checkpoint, self._rows.root()
        if made == signed.root:
            for tile in self._differing:
                self._add(Fault.FILE_DIFFERS, tile, "is not what the entries make, and they make the signed root")
            return
        if self._root_by_leaf_tiles() == signed.root:
            for tile in (tile for tile in self._differing if tile.level == 0):
                bundle = Tile(level=None, index=tile.index, width=tile.width)
                self._add(Fault.FILE_DIFFERS, bundle, f"holds a changed entry: its hashes in {tile.path} are as signed")
            return
        where = f"{self._tree.name}/{CHECKPOINT}"
        self._notebook.add(Fault.ROOT_DIFFERS, where, f"the {signed.size} entries do not make the signed root")
        for tile in self._differing:
            self._add(Fault.FILE_DIFFERS, tile, "is not what the entries make, and neither makes the signed root")

    def _root_by_leaf_tiles(self) -> bytes | None:
        rows = Rows()
        for tile in row_of(0, self._tree.checkpoint.size):
            data = _read_quietly(self._tree.source, tile)
            if data is None or len(data) != tile.width * HASH_SIZE_BYTES:
                return None
            rows.add(data)
        return rows.root()

    def _add(self, fault: Fault, tile: Tile, message: str) -> None:
        self._notebook.add(fault, f"{self._tree.name}/{tile.path}", message)


def _check_key(source: Source, name: str, vkey: str | None, notebook: Notebook) -> NoteVerifier | None:
    where = f"{name}/{VKEY}"
    data = source.read(VKEY, MAX_VKEY_SIZE_BYTES)
    if data is None:
        notebook.add(Fault.FILE_MISSING, where, "there is no key beside the log")
        if vkey is None:
            return None
    elif vkey is not None and data != f"{vkey}\n".encode():
        notebook.add(Fault.KEY_DIFFERS, where, "the key beside the log is not the one that is pinned for it")
    try:
        return read_key(source, vkey)
    except KeyRefused as error:
        notebook.add(Fault.KEY_DIFFERS, where, f"not a verifier key: {error.message}")
        return None


def _check_checkpoint(note: bytes | None, name: str, verifier: NoteVerifier, notebook: Notebook) -> Checkpoint | None:
    where = f"{name}/{CHECKPOINT}"
    if note is None:
        notebook.add(Fault.FILE_MISSING, where, "there is no checkpoint")
        return None
    try:
        return open_checkpoint(note, verifier)
    except SekishoError as error:
        notebook.add(Fault.CHECKPOINT_REFUSED, where, error.message)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """What lies in a log's folder: of files that belong there, only those that the head alone does not account for.

    `narrower`: partial tiles by place that a wider one supersedes, which the writer keeps for a while;
    `beyond`: tiles of larger trees; `strange`: path → what is wrong with it.
    """

    narrower: dict[tuple[int | None, int], list[Tile]]
    beyond: list[Tile]
    strange: dict[str, str]

    @classmethod
    def of(cls, source: Source, size: int) -> "_Listed":
        listed = cls(narrower={}, beyond=[], strange={})
        for path, is_regular in () if source.folder is None else list_files(source.folder):
            if not is_regular:
                listed.strange[path] = "is not a regular file"
            elif path not in (CHECKPOINT, VKEY) and not is_stamp_file(path):
                listed._take(path, size)
        return listed

    def _take(self, path: str, size: int) -> None:
        try:
            tile = parse_tile_path(path)
        except TileRefused:
            self.strange[path] = "is not a file of a log"
            return
        if tile.smallest_tree > size:
            self.beyond.append(tile)
        elif tile.is_partial and not tile.ends_at(size):
            self.narrower.setdefault((tile.level, tile.index), []).append(tile)


def _judge_files(tree: Tree, listed: _Listed, notebook: Notebook) -> None:
    """Note the files that had no place in the tree, are still there, and have none in a newer head either."""
    folder, size = tree.source.folder, tree.checkpoint.size
    if folder is None or not (listed.strange or listed.beyond):
        return
    newest = _newest_size(tree)
    for path, message in listed.strange.items():
        if (folder / path).is_symlink() or (folder / path).exists():
            notebook.add(Fault.FILE_UNKNOWN, f"{tree.name}/{path}", message)
    for tile in listed.beyond:
        if tile.smallest_tree > newest and (folder / tile.path).exists():
            where = f"{tree.name}/{tile.path}"
            notebook.add(Fault.FILE_AHEAD, where, f"belongs to a tree larger than the signed {size}")


def _newest_size(tree: Tree) -> int:
    try:
        return open_checkpoint(read_note(tree.source) or b"", tree.verifier).size
    except SekishoError:
        return tree.checkpoint.size
