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
from sekisho.tlog.tile import TILE_WIDTH, Tile, TileBuilder, TileRefused, parse_tile_path, tiles_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was there. `size`: of the store; `signed`: its head; `published`, `present`: of the public folder."""

    signed: Head | None
    published: Checkpoint | None
    present: tuple[Tile, ...]
    size: int

    @property
    def heads(self) -> tuple[Head, ...]:
        """Every tree that was signed or published."""
        return tuple(Head(size=head.size, root=head.root) for head in (self.signed, self.published) if head is not None)


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
    findings = Findings(signed=signed, published=published, present=present, size=size)
    if any(head.size > size for head in findings.heads) or any(tile.smallest_tree > size for tile in present):
        raise StoreBehind(f"the store holds {size} entries; more were signed or published")
    return findings


def find_start(store: SequencingStore, folder: PublicFolder, findings: Findings) -> tuple[TileBuilder, Frontier]:
    """Return from where on tiles are to be made and compared, and the frontier of the store's entries.

    A bundle that was full when a checkpoint was published was durable by then, with its tiles. So if the right edge of
    the published tree still makes the root that was signed, together with the entries after its last full bundle, then
    the work begins there; what damage may have come to older files is for `fsck` to find. Else all entries are read.
    Raises LedgerForked or StoreDamaged.
    """
    with contextlib.suppress(LedgerForked, TileRefused):
        start = _last_full_bundle(folder, findings)
        return start, retrace(store, findings, start.frontier())
    return TileBuilder(), retrace(store, findings, Frontier())


def retrace(store: SequencingStore, findings: Findings, frontier: Frontier) -> Frontier:
    """Grow `frontier` through every tree that was signed or published up to the store's last entry, and return it.

    Raises LedgerForked if the entries make another root than was signed at its size, or StoreDamaged.
    """
    _grow_through(store, frontier, findings.heads)
    _grow(store, frontier, findings.size)
    return frontier


def check_seen(store: SequencingStore, seen: Sequence[Seen], traced: Sequence[Head | None] = ()) -> None:
    """Raise StoreBehind if a witness saw more than the store holds, LedgerForked if it saw another root.

    `traced`: heads that the entries are known to make, so that they need not all be hashed again.
    """
    size = store.size() if seen else 0
    for tree in seen:
        if tree.size > size:
            raise StoreBehind(f"the store holds {size} entries; {tree.by} saw {tree.size}")
    heads = [Head(size=tree.size, root=tree.root) for tree in seen if tree.root is not None]
    _grow_through(store, Frontier(), [head for head in heads if head not in traced])


def read_checkpoint(folder: PublicFolder, verifier: NoteVerifier) -> Checkpoint | None:
    """Return the published checkpoint, or None if there is none. Raises CheckpointDamaged, LedgerUnavailable."""
    note = folder.read(CHECKPOINT)
    if note is None:
        return None
    try:
        return open_checkpoint(note, verifier)
    except SekishoError as error:
        raise CheckpointDamaged(f"the published checkpoint is not one of this log: {error.message}") from error


def _last_full_bundle(folder: PublicFolder, findings: Findings) -> TileBuilder:
    """Return a builder that stands after the last full bundle of the published tree, made from the public tiles.

    Raises LedgerForked if the log was never published or has a smaller head, TileRefused if a tile is missing or
    of a wrong size.
    """
    if findings.signed is None or findings.published is None:
        raise LedgerForked("nothing was published that could be gone on from")
    size = findings.published.size // TILE_WIDTH * TILE_WIDTH
    if findings.signed.size < size:
        raise LedgerForked("the store allowed less to be signed than was published")
    tiles = tuple(tiles_of(size))
    if not set(tiles) <= set(findings.present):
        raise TileRefused("a tile of the published tree is missing")
    return TileBuilder.resume(size, [(tile, folder.read(tile.path) or b"") for tile in tiles if tile.is_partial])


def _grow_through(store: SequencingStore, frontier: Frontier, heads: Iterable[Head]) -> None:
    for head in sorted(heads, key=lambda head: head.size):
        _grow(store, frontier, head.size)
        if frontier.root() != head.root:
            raise LedgerForked(f"the store's first {head.size} entries do not make the root that was signed")


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
