"""tlog-tiles: what is computed from tiles is what RFC 9162 defines over the entries."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.tlog.base64_strict import encode_base64
from sekisho.tlog.checkpoint import open_checkpoint, parse_checkpoint
from sekisho.tlog.cosignature import CosignatureVerifier, verify_cosignatures
from sekisho.tlog.merkle import (
    EMPTY_ROOT,
    ConsistencyRefused,
    InclusionRefused,
    consistency_path,
    hash_leaf,
    hash_node,
    inclusion_path,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from sekisho.tlog.note import NoteVerifier, parse_note
from sekisho.tlog.tile import Tile, TileBuilder, TileRefused, tiles_of
from sekisho.tlog.tile_tree import ReadTile, prove_consistency, prove_inclusion, root_from_tiles

LARGEST = 600
LEAVES = [hash_leaf(str(number).encode()) for number in range(LARGEST)]


@cache
def naive_root(start: int, end: int) -> bytes:
    """RFC 9162 2.1.1, word for word."""
    if end - start == 0:
        return EMPTY_ROOT
    if end - start == 1:
        return LEAVES[start]
    power = 1
    while 2 * power < end - start:
        power *= 2
    return hash_node(naive_root(start, start + power), naive_root(start + power, end))


@cache
def naive_inclusion(index: int, start: int, end: int) -> tuple[bytes, ...]:
    """RFC 9162 2.1.3.1, PATH."""
    if end - start == 1:
        return ()
    power = 1
    while 2 * power < end - start:
        power *= 2
    middle = start + power
    if index < middle:
        return (*naive_inclusion(index, start, middle), naive_root(middle, end))
    return (*naive_inclusion(index, middle, end), naive_root(start, middle))


def naive_consistency(old: int, start: int, end: int, *, is_whole: bool) -> tuple[bytes, ...]:
    """RFC 9162 2.1.4.1, SUBPROOF; `old` counts from the first leaf of the log."""
    if old == end:
        return () if is_whole else (naive_root(start, end),)
    power = 1
    while 2 * power < end - start:
        power *= 2
    middle = start + power
    if old <= middle:
        return (*naive_consistency(old, start, middle, is_whole=is_whole), naive_root(middle, end))
    return (*naive_consistency(old, middle, end, is_whole=False), naive_root(start, middle))


def reader(size: int) -> ReadTile:
    """The tiles of a tree of `size`, made from the leaf hashes alone; a tile that the tree has not is an error."""
    rows: list[Sequence[bytes]] = [LEAVES[:size]]
    while len(rows[-1]) >= 256:
        rows.append([root_of(rows[-1][at : at + 256]) for at in range(0, len(rows[-1]) // 256 * 256, 256)])
    tiles = {tile: b"".join(rows[tile.level][tile.index * 256 :][: tile.width]) for tile in hash_tiles(size)}
    return tiles.__getitem__


def hash_tiles(size: int) -> list[Tile]:
    return [tile for tile in tiles_of(size) if tile.level is not None]


@pytest.mark.parametrize("first", range(0, LARGEST + 1, 100))
def test_roots_from_tiles_are_the_roots_of_the_rfc(first: int) -> None:
    """Every size from 0 to 600."""
    for size in range(first, min(first + 100, LARGEST + 1)):
        assert root_from_tiles(size, reader(size)) == naive_root(0, size) == root_of(LEAVES[:size])


def test_every_inclusion_path_from_tiles_is_the_one_of_the_rfc() -> None:
    """All of each size to 130, and of those about the tiles' borders; the others in strides that no power divides."""
    for size in range(1, LARGEST + 1):
        read_tile = reader(size)
        stride = 1 if size <= 130 or size in {255, 256, 257, 511, 512, 513, LARGEST} else 37
        for index in {*range(size % stride, size, stride), 0, size - 1}:
            path = prove_inclusion(index, size, read_tile)
            assert path == naive_inclusion(index, 0, size)
            verify_inclusion(LEAVES[index], index, size, path, naive_root(0, size))


def test_every_consistency_path_from_tiles_is_the_one_of_the_rfc() -> None:
    """All of each size to 130, and of those about the tiles' borders; the others in strides."""
    for size in range(LARGEST + 1):
        read_tile = reader(size)
        stride = 1 if size <= 130 or size in {255, 256, 257, 511, 512, 513, LARGEST} else 37
        for old in {*range(size % stride, size + 1, stride), 0, size}:
            path = prove_consistency(old, size, read_tile)
            assert path == (naive_consistency(old, 0, size, is_whole=True) if old else ())
            verify_consistency(old, naive_root(0, old), size, naive_root(0, size), path)


@given(size=st.integers(1, 60), data=st.data())
def test_paths_from_leaf_hashes_are_the_same(size: int, data: st.DataObject) -> None:
    """The two ways of making a proof agree."""
    index = data.draw(st.integers(0, size - 1))
    assert inclusion_path(LEAVES[:size], index) == naive_inclusion(index, 0, size)
    assert consistency_path(LEAVES[:size], index + 1) == naive_consistency(index + 1, 0, size, is_whole=True)


@settings(max_examples=30)
@given(size=st.integers(1, 2**40), data=st.data())
def test_few_tiles_are_read_however_large_the_log(size: int, data: st.DataObject) -> None:
    """At most two tiles a level for a proof, one for a root; none twice; none that the tree does not have."""
    asked: list[Tile] = []

    def read_tile(tile: Tile) -> bytes:
        assert tile.level is not None
        assert tile.smallest_tree <= size
        assert tile.width == 256 or tile.ends_at(size)
        asked.append(tile)
        return b"h" * 32 * tile.width

    levels = (size.bit_length() + 7) // 8
    root_from_tiles(size, read_tile)
    assert len(asked) <= levels
    for prove in (prove_inclusion, prove_consistency):
        asked.clear()
        prove(data.draw(st.integers(0, size - 1)), size, read_tile)
        assert len(asked) == len(set(asked)) <= 2 * levels


def test_what_is_not_in_the_tree_is_not_proved() -> None:
    """Indexes and sizes from outside are checked before a tile is read."""

    def read_tile(tile: Tile) -> bytes:
        raise AssertionError(tile)

    for index, size in ((0, 0), (1, 1), (-1, 4)):
        with pytest.raises(InclusionRefused):
            prove_inclusion(index, size, read_tile)
    for old, new in ((2, 1), (-1, 4)):
        with pytest.raises(ConsistencyRefused):
            prove_consistency(old, new, read_tile)
    assert root_from_tiles(0, read_tile) == EMPTY_ROOT
    assert prove_consistency(0, 9, read_tile) == prove_consistency(9, 9, read_tile) == ()


@pytest.mark.parametrize("wrong", [0, 31, 32 * 256, 32 * 5 - 1, 32 * 5 + 1, 32 * 6])
def test_a_torn_tile_is_refused(wrong: int) -> None:
    """A tile of another length, the full one among them, is not read as if it were the partial one."""
    with pytest.raises(TileRefused):
        prove_inclusion(3, 5, lambda tile: b"h" * wrong)


def test_the_builder_makes_the_tiles_of_every_size() -> None:
    """Sizes 0 to 600: full tiles as they complete and the partial ones, each with the bytes that the tree has."""
    builder, full = TileBuilder(), dict[Tile, bytes]()
    for size in range(LARGEST + 1):
        made = full | dict(builder.partials())
        assert set(made) == set(tiles_of(size))
        read_tile = reader(size)
        assert all(read_tile(tile) == made[tile] for tile in hash_tiles(size))
        assert builder.root() == naive_root(0, size)
        full |= dict(builder.add(str(size).encode()))


def file_reader(folder: Path) -> ReadTile:
    return lambda tile: (folder / tile.path).read_bytes()


def test_tesseras_tiles_hold_the_roots_it_signed_and_the_published_proofs(vectors: Path) -> None:
    """tessera-log and tessera-proofs.json, from the files that Tessera wrote: 16 heads, 240 proofs."""
    log = vectors / "tlog" / "tessera-log"
    verifier = NoteVerifier.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    for size in range(16):
        head = open_checkpoint((log / f"checkpoint.{size}").read_bytes(), verifier)
        assert (head.size, head.root) == (size, root_from_tiles(size, file_reader(log)))
    proofs = json.loads((vectors / "tlog" / "tessera-proofs.json").read_bytes())
    for case in proofs["inclusion"]:
        path = prove_inclusion(case["index"], case["size"], file_reader(log))
        assert [encode_base64(step) for step in path] == case["proof"]
    for case in proofs["consistency"]:
        path = prove_consistency(case["old_size"], case["new_size"], file_reader(log))
        assert [encode_base64(step) for step in path] == case["proof"]


def test_sunlights_tiles_hold_the_root_that_its_mirror_cosigned(vectors: Path) -> None:
    """sunlight-mirror: 300 entries, across the border of a tile, under an Ed25519 cosignature."""
    folder = vectors / "tlog" / "sunlight-mirror"
    note = parse_note((folder / "checkpoint").read_bytes())
    mirror = CosignatureVerifier.parse("mirror.example.org+3fb148ef+BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O")
    assert verify_cosignatures(note, (mirror,)) == {mirror: 1767139200}
    head = parse_checkpoint(note.text)
    assert root_from_tiles(300, file_reader(folder)) == head.root
    for index in (0, 255, 256, 299):
        path = prove_inclusion(index, 300, file_reader(folder))
        verify_inclusion(hash_leaf(f"record {index}".encode()), index, head.size, path, head.root)
