"""What a process finds when it begins to write a log, and whether it may go on from there. Changes nothing.

The store, the public folder and the witnesses each remember something of the log. The store may be ahead of the
others; if it is behind one of them, or makes another tree, then entries were lost or changed, and nothing may be
signed.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sekisho.core.errors import SekishoError
from sekisho.ledger.errors import CheckpointDamaged, LedgerForked, StoreBehind
from sekisho.ledger.files import CHECKPOINT, PublicFolder
from sekisho.ledger.store import Head, SequencingStore
from sekisho.ledger.witnessing import Seen
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.note import NoteVerifier
from sekisho.tlog.tile import Tile, TileRefused, parse_tile_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was there. `size`: of the store; `signed`: its head; `published`, `present`: of the public folder."""

    signed: Head | None
    published: Checkpoint | None
    present: tuple[Tile, ...]
    size: int


def examine(store: SequencingStore, folder: PublicFolder, verifier: NoteVerifier) -> Findings:
    """Return what store and folder hold, or raise StoreBehind, CheckpointDamaged, StoreDamaged or LedgerUnavailable.

    Steps: (1) what was signed and published before; (2) the size of the store, read last, since other processes may
    be writing; (3) nothing of (1) lies beyond it.
    """
    # (1)
    signed, published = store.head(), read_checkpoint(folder, verifier)
    present = _present_tiles(folder)
    # (2)
    size = store.size()
    # (3)
    heads = [head.size for head in (signed, published) if head is not None]
    if any(head > size for head in heads) or any(tile.smallest_tree > size for tile in present):
        raise StoreBehind(f"the store holds {size} entries; more were signed or published")
    return Findings(signed=signed, published=published, present=present, size=size)


def retrace(store: SequencingStore, findings: Findings) -> Frontier:
    """Return the frontier of the store's entries, grown through every tree that was signed or published.

    Raises LedgerForked if the entries make another root than was signed at its size, or StoreDamaged.
    """
    heads = [Head(size=head.size, root=head.root) for head in (findings.signed, findings.published) if head is not None]
    frontier = _grow_through(store, heads)
    _grow(store, frontier, findings.size)
    return frontier


def check_seen(store: SequencingStore, seen: Sequence[Seen]) -> None:
    """Raise StoreBehind if a witness saw more than the store holds, LedgerForked if it saw another root."""
    size = store.size() if seen else 0
    for tree in seen:
        if tree.size > size:
            raise StoreBehind(f"the store holds {size} entries; {tree.by} saw {tree.size}")
    _grow_through(store, [Head(size=tree.size, root=tree.root) for tree in seen if tree.root is not None])


def read_checkpoint(folder: PublicFolder, verifier: NoteVerifier) -> Checkpoint | None:
    """Return the published checkpoint, or None if there is none. Raises CheckpointDamaged, LedgerUnavailable."""
    note = folder.read(CHECKPOINT)
    if note is None:
        return None
    try:
        return open_checkpoint(note, verifier)
    except SekishoError as error:
        raise CheckpointDamaged(f"the published checkpoint is not one of this log: {error.message}") from error


def _grow_through(store: SequencingStore, heads: Iterable[Head]) -> Frontier:
    frontier = Frontier()
    for head in sorted(heads, key=lambda head: head.size):
        _grow(store, frontier, head.size)
        if frontier.root() != head.root:
            raise LedgerForked(f"the store's first {head.size} entries do not make the root that was signed")
    return frontier


def _grow(store: SequencingStore, frontier: Frontier, size: int) -> None:
    for entry in store.read(frontier.size, size):
        frontier.append(hash_leaf(entry))


def _present_tiles(folder: PublicFolder) -> tuple[Tile, ...]:
    """Return the tiles and bundles in the public folder. A file of another name is left for `verify` to report."""
    tiles: list[Tile] = []
    for path in folder.tile_files():
        with contextlib.suppress(TileRefused):
            tiles.append(parse_tile_path(path))
    return tuple(tiles)
