"""C2SP tlog-tiles: paths with one spelling, tiles that follow from entries alone."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core import SekishoError
from sekisho.tlog.checkpoint import open_checkpoint, parse_checkpoint
from sekisho.tlog.merkle import hash_leaf, root_of
from sekisho.tlog.note import NoteVerifier, parse_note
from sekisho.tlog.tile import (
    MAX_ENTRY_SIZE_BYTES,
    Tile,
    TileBuilder,
    TileRefused,
    encode_bundle,
    entry_path,
    narrow,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    tile_path,
    tiles_of,
)

places = st.builds(
    Tile, level=st.none() | st.integers(0, 63), index=st.integers(0, 2**55 - 1), width=st.integers(1, 256)
)


def build(entries: list[bytes]) -> tuple[TileBuilder, dict[str, bytes]]:
    """Return the builder of `entries` and all its files by path."""
    builder, files = TileBuilder(), {}
    for entry in entries:
        files.update({tile.path: data for tile, data in builder.add(entry)})
    files.update({tile.path: data for tile, data in builder.partials()})
    return builder, files


@given(places)
def test_a_path_is_read_as_it_is_written(tile: Tile) -> None:
    """Writing and reading a path are inverse."""
    assert parse_tile_path(tile.path) == tile


@given(st.text(alphabet="tileenrs/x0123456789.p-", max_size=40).map(lambda text: f"tile/{text}"))
def test_any_path_is_refused_or_is_its_only_spelling(path: str) -> None:
    """Two spellings of one tile would let two contents pass for it."""
    with contextlib.suppress(TileRefused):
        assert parse_tile_path(path).path == path


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256), st.data())
def test_a_bundle_is_read_as_it_is_written_and_not_when_cut(entries: list[bytes], data: st.DataObject) -> None:
    """Encoding and parsing are inverse; a cut, longer or miscounted bundle is refused."""
    bundle = encode_bundle(entries)
    assert parse_bundle(bundle, len(entries)) == tuple(entries)
    cut = data.draw(st.integers(0, len(bundle) - 1))
    for bad, width in (
        (bundle[:cut], len(entries)),
        (bundle + b"\x00", len(entries)),
        (bundle + b"\x00\x00", len(entries)),
        (bundle, len(entries) + 1),
    ):
        with pytest.raises(TileRefused):
            parse_bundle(bad, width)


@given(st.binary(max_size=600), st.integers(1, 256))
def test_any_bytes_are_refused_or_are_the_only_spelling_of_a_bundle(data: bytes, width: int) -> None:
    """What parses, writes back the same."""
    with contextlib.suppress(TileRefused):
        assert encode_bundle(parse_bundle(data, width)) == data


def test_limits_of_entries_and_widths() -> None:
    """What does not fit is refused, never cut."""
    assert len(encode_bundle([b"a" * MAX_ENTRY_SIZE_BYTES])) == MAX_ENTRY_SIZE_BYTES + 2
    for entries in ([], [b""] * 257, [b"a" * (MAX_ENTRY_SIZE_BYTES + 1)]):
        with pytest.raises(TileRefused):
            encode_bundle(entries)
    for level, index, width in ((-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**55, 1), (0, 0, 0), (0, 0, 257)):
        with pytest.raises(TileRefused):
            Tile(level=level, index=index, width=width)
    with pytest.raises(TileRefused):
        parse_tile(b"a" * 33, 1)


def test_every_size_to_600_has_the_root_and_the_tiles_of_its_entries() -> None:
    """The builder's root is the tree's, its files are those that `tiles_of` names, and older ones are prefixes."""
    entries = [b"record %d" % index for index in range(600)]
    hashes = [hash_leaf(entry) for entry in entries]
    builder, complete = TileBuilder(), {}
    for size in range(601):
        assert builder.root() == root_of(hashes[:size])
        files = complete | dict(builder.partials())
        assert set(files) == set(tiles_of(size))
        for tile, data in files.items():
            if tile.level == 0:
                assert parse_tile(data, tile.width) == tuple(hashes[tile.index * 256 :][: tile.width])
                assert narrow(tile, data, 1) == hashes[tile.index * 256]
            elif tile.level is None:
                assert parse_bundle(data, tile.width) == tuple(entries[tile.index * 256 :][: tile.width])
                assert narrow(tile, data, 1) == encode_bundle([entries[tile.index * 256]])
            else:
                assert parse_tile(data, tile.width)[0] == root_of(hashes[:256])
            assert tile.smallest_tree <= size
        if size < 600:
            complete |= dict(builder.add(entries[size]))


def test_a_tile_belongs_to_no_tree_smaller_than_it_says() -> None:
    """`smallest_tree` is the first size whose tiles include it."""
    for size in (1, 255, 256, 257, 65_536, 65_537):
        for tile in tiles_of(size):
            assert tile in set(tiles_of(tile.smallest_tree))
            assert tile not in set(tiles_of(tile.smallest_tree - 1))


def test_paths_and_widths_are_the_published_ones(vectors: Path) -> None:
    """tiles.json: the examples of the specification, sizes up to 2**24 + 1, and paths to refuse."""
    cases = json.loads((vectors / "tlog" / "tiles.json").read_bytes())
    for case in cases["index_to_path"]:
        assert tile_path(0, case["index"]) == f"tile/0/{case['path']}"
        assert entry_path(case["index"]) == f"tile/entries/{case['path']}"
        assert parse_tile_path(f"tile/0/{case['path']}").index == case["index"]
    for path in cases["bad_paths"]["paths"]:
        with pytest.raises(TileRefused):
            parse_tile_path(path)
    for case in cases["sizes"]:
        for level, expected in enumerate(case["levels"]):
            tiles = [tile for tile in tiles_of(case["size"]) if tile.level == level]
            full = [tile for tile in tiles if not tile.is_partial]
            assert len(full) == expected["full"]
            assert sum(tile.width for tile in tiles if tile.is_partial) == expected["partial_width"]
            if "partial_path" in expected:
                assert tiles[-1].path == expected["partial_path"]
            if "last_full_path" in expected:
                assert full[-1].path == expected["last_full_path"]


def test_roots_to_size_70000_are_the_published_ones(vectors: Path) -> None:
    """roots.json, from one pass over the entries."""
    wanted = {
        case["size"]: case["root_hex"] for case in json.loads((vectors / "tlog" / "roots.json").read_bytes())["roots"]
    }
    builder = TileBuilder()
    for size in range(max(wanted) + 1):
        if size in wanted:
            assert builder.root().hex() == wanted.pop(size)
        builder.add(b"record %d" % size)
    assert not wanted


def test_tesseras_log_is_rebuilt_byte_for_byte(vectors: Path) -> None:
    """Every tile, bundle and root of sizes 1 to 15 that Tessera wrote, from the entries alone."""
    log = vectors / "tlog" / "tessera-log"
    verifier = NoteVerifier.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    entries = list(parse_bundle((log / entry_path(0, 15)).read_bytes(), 15))
    assert (entries[0], entries[14]) == (b"one", b"fivten")
    made: dict[str, bytes] = {}
    for size in range(1, 16):
        builder, files = build(entries[:size])
        made |= files
        assert open_checkpoint((log / f"checkpoint.{size}").read_bytes(), verifier).root == builder.root()
    assert made == {
        str(file.relative_to(log)): file.read_bytes() for file in (log / "tile").rglob("*") if file.is_file()
    }


def test_sunlights_mirror_is_rebuilt_byte_for_byte(vectors: Path) -> None:
    """Three hundred entries over the boundary at 256: one full tile, partial ones on two levels, the signed root."""
    log = vectors / "tlog" / "sunlight-mirror"
    builder, files = build([b"record %d" % index for index in range(300)])
    assert files == {
        str(file.relative_to(log)): file.read_bytes() for file in (log / "tile").rglob("*") if file.is_file()
    }
    checkpoint = parse_checkpoint(parse_note((log / "checkpoint").read_bytes()).text)
    assert (checkpoint.size, checkpoint.root) == (300, builder.root())


@settings(max_examples=30)
@given(st.binary(max_size=8192), st.integers(1, 256))
def test_narrowing_what_is_no_tile_is_a_refusal(data: bytes, width: int) -> None:
    """Bytes from outside never end in an error that is not ours."""
    with contextlib.suppress(SekishoError):
        narrow(Tile(level=None, index=0, width=256), data, width)


@pytest.mark.parametrize("size", [0, 256, 512, 65_280, 65_536, 65_792, 131_584])
def test_a_builder_goes_on_from_the_partial_tiles_as_if_it_had_made_them(size: int) -> None:
    """Resumed at a multiple of 256, it makes the same tiles, root and frontier as one that saw every entry."""
    whole = TileBuilder()
    for number in range(size):
        whole.add(number.to_bytes(4, "big"))
    resumed = TileBuilder.resume(size, reversed(whole.partials()))
    assert (resumed.size, resumed.root(), resumed.partials()) == (size, whole.root(), whole.partials())
    frontier = resumed.frontier()
    for number in range(300):
        assert resumed.add(number.to_bytes(4, "big")) == whole.add(number.to_bytes(4, "big"))
        frontier.append(hash_leaf(number.to_bytes(4, "big")))
        assert frontier.root() == whole.frontier().root()
    assert (resumed.root(), frontier.size) == (whole.root(), size + 300)
    assert frontier.root() == whole.root()


@pytest.mark.parametrize("size", [255, 257, 512, 65_536])
def test_a_builder_does_not_go_on_from_the_tiles_of_another_size(size: int) -> None:
    """Missing, additional, wider or torn tiles are refused."""
    whole = TileBuilder()
    for number in range(256 * 3):
        whole.add(bytes([number % 256]))
    tiles = whole.partials()
    for others in (tiles, (*tiles, tiles[0]), tiles[1:], ((tiles[0][0], tiles[0][1][:-1]),)):
        with pytest.raises(TileRefused):
            TileBuilder.resume(size, others)
