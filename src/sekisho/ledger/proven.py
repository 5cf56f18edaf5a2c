"""Entries that are shown with proof: each bundle is put into the tree of a signed checkpoint as it is read.

So nothing is shown that was not in that tree, even if the files change between a verification and the reading after it.
"""

from collections.abc import Iterator

from sekisho.core.errors import SekishoError
from sekisho.ledger.errors import LogDamaged, LogForked
from sekisho.ledger.reading import read_note, read_tile, tile_reader
from sekisho.ledger.source import Source
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import ConsistencyRefused, InclusionRefused, hash_leaves, verify_consistency, verify_inclusion
from sekisho.tlog.note import NoteVerifier
from sekisho.tlog.tile import TILE_WIDTH, Tile, TileRefused, parse_bundle
from sekisho.tlog.tile_tree import prove_consistency, prove_inclusion


def read_head(source: Source, verifier: NoteVerifier) -> Checkpoint:
    """Return the log's checkpoint, its signature verified, or raise LogDamaged."""
    note = read_note(source)
    if note is None:
        raise LogDamaged(f"there is no checkpoint at {source.place}")
    try:
        return open_checkpoint(note, verifier)
    except SekishoError as error:
        raise LogDamaged(f"the checkpoint at {source.place}: {error.message}") from error


def read_entries(source: Source, head: Checkpoint, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield index and bytes of the entries of the tree `head` from `start` on, or raise LogDamaged at the first that
    is not in it. The caller MUST have verified `head`.
    """
    for bundle, entries in read_bundles(source, head, start // TILE_WIDTH):
        for index, entry in enumerate(entries, start=bundle.index * TILE_WIDTH):
            if index >= start:
                yield index, entry


def read_bundles(source: Source, head: Checkpoint, start: int = 0) -> Iterator[tuple[Tile, tuple[bytes, ...]]]:
    """As `read_entries`, by whole bundles from the `start`-th on."""
    full, width = divmod(head.size, TILE_WIDTH)
    for index in range(start, full + (width > 0)):
        bundle = Tile(level=None, index=index, width=TILE_WIDTH if index < full else width)
        yield bundle, _read_bundle(source, head, bundle)


def require_grown(source: Source, old: Checkpoint, new: Checkpoint) -> None:
    """Raise LogForked unless the tree of `old` is the beginning of that of `new`. Both are signed by the log.

    Raises LogDamaged if the tiles do not show it either way: that may be the copy's fault and not the log's.
    """
    if (old.size, old.root) == (new.size, new.root):
        return
    try:
        path = prove_consistency(old.size, new.size, tile_reader(source, new.size))
    except (TileRefused, ConsistencyRefused) as error:
        raise LogDamaged(
            f"not shown that {new.size} entries begin with the {old.size} before: {error.message}"
        ) from error
    if old.size == new.size and old.root != new.root:
        raise LogForked(f"two roots are signed for {old.size} entries: {old.root.hex()} and {new.root.hex()}")
    try:
        verify_consistency(old.size, old.root, new.size, new.root, path)
    except ConsistencyRefused as error:
        message = f"the tree of {new.size} entries, root {new.root.hex()}, does not begin with that of {old.size}, root"
        raise LogForked(f"{message} {old.root.hex()}") from error


def _read_bundle(source: Source, head: Checkpoint, bundle: Tile) -> tuple[bytes, ...]:
    """Return the entries of `bundle`, all of them shown to be in the tree of `head`.

    The path of one entry takes in the hashes of all its neighbours; those are made here from the neighbours themselves.
    """
    try:
        entries = parse_bundle(read_tile(source, bundle) or b"", bundle.width)
        leaves, first = hash_leaves(entries), bundle.index * TILE_WIDTH
        read_elsewhere = tile_reader(source, head.size)

        def read(tile: Tile) -> bytes:
            return leaves if (tile.level, tile.index) == (0, bundle.index) else read_elsewhere(tile)

        verify_inclusion(leaves[:32], first, head.size, prove_inclusion(first, head.size, read), head.root)
    except (TileRefused, InclusionRefused) as error:
        raise LogDamaged(f"{source.place}/{bundle.path}: {error.message}") from error
    return entries
