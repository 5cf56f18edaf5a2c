"""Proofs and roots from a log's tiles (C2SP tlog-tiles v0.1.0): few reads, no entry touched.

A reader hands out the bytes of a tile. It is asked for the widths that the tree of `size` entries has; where the log
has grown since, that partial tile may be gone, and it is the reader's business to take the full one and cut it
(`tile.narrow`). Nothing here trusts the tiles: the proofs are checked by whoever holds the signed root.
"""

from collections.abc import Callable

from sekisho.tlog.merkle import (
    EMPTY_ROOT,
    HASH_SIZE_BYTES,
    ConsistencyRefused,
    InclusionRefused,
    hash_node,
    root_of_joined,
    split_at,
)
from sekisho.tlog.tile import TILE_HEIGHT, TILE_WIDTH, Tile, TileRefused

# Returns the bytes of a hash tile: `width` hashes of 32 bytes.
ReadTile = Callable[[Tile], bytes]


def root_from_tiles(size: int, read_tile: ReadTile) -> bytes:
    """Return the root of the tree of `size` entries. Reads one tile a level, the last of each."""
    return _Tree(size, read_tile).root(0, size) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, read_tile: ReadTile) -> tuple[bytes, ...]:
    """Return the inclusion path of the entry at `index` in the tree of `size` (RFC 9162 2.1.3.1).

    Reads at most two tiles a level: the one above the entry and the last. Raises InclusionRefused if there is no
    such entry, TileRefused if a tile is not whole.
    """
    if not 0 <= index < size:
        raise InclusionRefused(f"no leaf {index} in a tree of {size}")
    # From the root down to the leaf; at each split, the half in which the leaf does not lie is a step.
    low, high, halves = 0, size, []
    while high - low > 1:
        split = low + split_at(high - low)
        if index < split:
            halves.append((split, high))
            high = split
        else:
            halves.append((low, split))
            low = split
    tree = _Tree(size, read_tile)
    return tuple(tree.root(start, end) for start, end in reversed(halves))


def prove_consistency(old_size: int, new_size: int, read_tile: ReadTile) -> tuple[bytes, ...]:
    """Return the path that shows the tree of `old_size` inside that of `new_size` (RFC 9162 2.1.4.1).

    From size 0, and between equal sizes, the path is empty. Raises ConsistencyRefused if the old tree is larger,
    TileRefused if a tile is not whole.
    """
    if not 0 <= old_size <= new_size:
        raise ConsistencyRefused(f"no tree of {old_size} in a tree of {new_size}")
    if old_size == 0:
        return ()
    # From the root down to the node whose last leaf is the old tree's.
    low, high, halves = 0, new_size, []
    while old_size != high:
        split = low + split_at(high - low)
        if old_size <= split:
            halves.append((split, high))
            high = split
        else:
            halves.append((low, split))
            low = split
    # If that node is the whole old tree, the verifier has its root already.
    if low:
        halves.append((low, high))
    tree = _Tree(new_size, read_tile)
    return tuple(tree.root(start, end) for start, end in reversed(halves))


class _Tree:
    """One tree of `size` entries seen through its tiles, of which each is read once."""

    __slots__ = ("_read", "_read_tile", "_size")

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        self._size = size
        self._read_tile = read_tile
        self._read: dict[tuple[int, int], bytes] = {}

    def root(self, start: int, end: int) -> bytes:
        """Return the root of the valid subtree [start, end), which is perfect or reaches the tree's right edge."""
        pieces = []
        while start < end:
            height = (end - start).bit_length() - 1
            pieces.append(self._perfect(height, start >> height))
            start += 1 << height
        root = pieces.pop()
        while pieces:
            root = hash_node(pieces.pop(), root)
        return root

    def _perfect(self, height: int, index: int) -> bytes:
        """Return the root of the `index`-th perfect subtree of 2**height leaves."""
        level, height_in_tile = divmod(height, TILE_HEIGHT)
        tile_index, first = divmod(index << height_in_tile, TILE_WIDTH)
        hashes = self._tile(level, tile_index)
        return root_of_joined(hashes[first * HASH_SIZE_BYTES : (first + (1 << height_in_tile)) * HASH_SIZE_BYTES])

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._read:
            width = min((self._size >> TILE_HEIGHT * level) - index * TILE_WIDTH, TILE_WIDTH)
            data = self._read_tile(Tile(level=level, index=index, width=width))
            if len(data) != width * HASH_SIZE_BYTES:
                raise TileRefused(f"not a tile of {width} hashes: {len(data)} bytes")
            self._read[level, index] = data
        return self._read[level, index]
