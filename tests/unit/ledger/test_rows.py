"""A tree made again tile by tile is the tree that the writer makes entry by entry."""

import pytest

from sekisho.ledger.rows import Rows
from sekisho.tlog.merkle import Frontier, hash_leaf, hash_leaves
from sekisho.tlog.tile import TILE_WIDTH, TileBuilder


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000])
def test_rows_make_the_tiles_and_the_root_of_the_builder(size: int) -> None:
    """Same tiles, same bytes, same root, over three levels and their corners."""
    entries = [b"%d" % number for number in range(size)]
    rows, builder, made, wanted = Rows(), TileBuilder(), {}, {}
    for entry in entries:
        wanted.update({tile: data for tile, data in builder.add(entry) if tile.level is not None})
    for at in range(0, size, TILE_WIDTH):
        made.update(dict(rows.add(hash_leaves(entries[at : at + TILE_WIDTH]))))
    made.update(dict(rows.partials()))
    wanted.update({tile: data for tile, data in builder.partials() if tile.level is not None})
    assert made == wanted
    frontier = Frontier()
    for entry in entries:
        frontier.append(hash_leaf(entry))
    assert rows.root() == frontier.root()
    assert rows.size == size
