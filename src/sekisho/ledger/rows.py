"""A tree made again from its leaf hashes, tile by tile: how a log of any length is checked in little memory."""

from typing import Final

from sekisho.ledger.reading import split_hashes
from sekisho.tlog.merkle import HASH_SIZE_BYTES, root_of, root_of_joined
from sekisho.tlog.tile import TILE_HEIGHT, TILE_WIDTH, Tile

_TILE_SIZE_BYTES: Final = TILE_WIDTH * HASH_SIZE_BYTES


class Rows:
    """A tree that grows by whole tiles. Keeps the last, incomplete tile of each level, and nothing else."""

    __slots__ = ("_levels", "_size")

    def __init__(self) -> None:
        self._levels: list[bytes] = []
        self._size = 0

    @property
    def size(self) -> int:
        return self._size

    def add(self, leaf_hashes: bytes) -> list[tuple[Tile, bytes]]:
        """Add the hashes of the next bundle, full but for the last of all, and return the tiles that it completes."""
        self._size += len(leaf_hashes) // HASH_SIZE_BYTES
        made: list[tuple[Tile, bytes]] = []
        level, hashes = 0, leaf_hashes
        while True:
            if level == len(self._levels):
                self._levels.append(b"")
            hashes = self._levels[level] + hashes
            if len(hashes) < _TILE_SIZE_BYTES:
                self._levels[level] = hashes
                return made
            self._levels[level] = b""
            made.append((Tile(level=level, index=(self._size >> TILE_HEIGHT * (level + 1)) - 1), hashes))
            level, hashes = level + 1, root_of_joined(hashes)

    def partials(self) -> list[tuple[Tile, bytes]]:
        """Return the tiles that are begun and not complete."""
        return [
            (
                Tile(
                    level=level,
                    index=self._size >> TILE_HEIGHT * (level + 1),
                    width=len(hashes) // HASH_SIZE_BYTES,
                ),
                hashes,
            )
            for level, hashes in enumerate(self._levels)
            if hashes
        ]

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        # A level's incomplete tile is the last, smaller child on the level above: RFC 9162 splits at powers of two.
        rest: list[bytes] = []
        for hashes in self._levels:
            if hashes or rest:
                rest = [root_of([*split_hashes(hashes), *rest])]
        return root_of(rest)
