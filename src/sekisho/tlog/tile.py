"""Tiles and entry bundles (C2SP tlog-tiles v0.1.0): where a log's hashes and entries lie, and in what bytes.

A hash tile holds up to 256 hashes of one level, an entry bundle up to 256 entries. Each is a pure function of the
entries, so the same path never holds other bytes, but for a partial one, whose width is part of its path.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.tlog.merkle import HASH_SIZE_BYTES, Frontier, hash_leaf, root_of, root_of_joined

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 256
MAX_LEVEL: Final = 63
# The length in a bundle is an unsigned 16-bit number.
MAX_ENTRY_SIZE_BYTES: Final = 65_535
# What 2**63 entries fill at level 0, so that no path from outside makes a number without bound.
_MAX_INDEX: Final = 2**55
_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


class TileRefused(SekishoError):
    """The path or the bytes are not a tile's or a bundle's."""

    code: ClassVar[str] = "SKS-TLOG-006"
    hint = "Fetch the file again; if it still fails, the copy is damaged."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The place of a hash tile, or of an entry bundle if `level` is None. `width`: 1 to 256, partial below 256."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= MAX_LEVEL:
            raise TileRefused(f"no level {self.level}")
        if not 0 <= self.index < _MAX_INDEX or not 1 <= self.width <= TILE_WIDTH:
            raise TileRefused("an index is not negative, a width is from 1 to 256")

    @property
    def is_partial(self) -> bool:
        return self.width < TILE_WIDTH

    @property
    def path(self) -> str:
        """The path below the log's folder: `tile/0/x001/234`, `tile/entries/000.p/7`."""
        level = "entries" if self.level is None else str(self.level)
        partial = f".p/{self.width}" if self.is_partial else ""
        return f"tile/{level}/{_index_path(self.index)}{partial}"

    @property
    def smallest_tree(self) -> int:
        """The size of the smallest tree that has this tile at this width."""
        return (self.index * TILE_WIDTH + self.width) << (TILE_HEIGHT * (self.level or 0))

    def ends_at(self, size: int) -> bool:
        """Say whether this tile, at this width, is the last of its row in a tree of `size` entries."""
        return self.index * TILE_WIDTH + self.width == size >> TILE_HEIGHT * (self.level or 0)


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of the hash tile."""
    return Tile(level=level, index=index, width=width).path


def entry_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of the entry bundle."""
    return Tile(level=None, index=index, width=width).path


def parse_tile_path(path: str) -> Tile:
    """Return the tile or bundle at `path`, or raise TileRefused unless `path` is its only spelling."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise TileRefused(f"not a tile's path: {path[:120]!r}")
    tile = Tile(
        level=None if match["level"] == "entries" else int(match["level"]),
        index=int(match["index"].replace("x", "").replace("/", "")),
        width=int(match["width"] or TILE_WIDTH),
    )
    # `.p/256`, `x000/001` and the like are second spellings.
    if tile.path != path:
        raise TileRefused(f"not a tile's path: {path[:120]!r}")
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every hash tile and entry bundle of a tree of `size` entries, the rightmost ones partial."""
    yield from row_of(None, size)
    level = 0
    while size >> TILE_HEIGHT * level:
        yield from row_of(level, size)
        level += 1


def row_of(level: int | None, size: int) -> Iterator[Tile]:
    """Yield the tiles of one level of a tree of `size` entries, or its bundles if `level` is None, from the left."""
    full, rest = divmod(size >> TILE_HEIGHT * (level or 0), TILE_WIDTH)
    for index in range(full):
        yield Tile(level=level, index=index)
    if rest:
        yield Tile(level=level, index=full, width=rest)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return 1 to 256 entries as a bundle: each after its length, unsigned 16 bits, big-endian."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise TileRefused(f"a bundle holds 1 to 256 entries, not {len(entries)}")
    if max(map(len, entries)) > MAX_ENTRY_SIZE_BYTES:
        raise TileRefused(f"an entry is longer than {MAX_ENTRY_SIZE_BYTES} bytes")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def parse_bundle(data: bytes, width: int) -> tuple[bytes, ...]:
    """Return the `width` entries of a bundle, or raise TileRefused unless it holds exactly so many."""
    entries: list[bytes] = []
    end = 0
    try:
        for _ in range(width):
            body = end + 2
            end = body + (data[end] << 8 | data[end + 1])
            entries.append(data[body:end])
    except IndexError as error:
        raise TileRefused(f"not a bundle of {width} entries: it ends after {len(entries)}") from error
    if end != len(data):
        raise TileRefused(f"not a bundle of {width} entries: {len(data)} bytes in place of {end}")
    return tuple(entries)


def parse_tile(data: bytes, width: int) -> tuple[bytes, ...]:
    """Return the `width` hashes of a hash tile, or raise TileRefused unless it holds exactly so many."""
    if len(data) != width * HASH_SIZE_BYTES:
        raise TileRefused(f"not a tile of {width} hashes: {len(data)} bytes")
    return tuple(data[at : at + HASH_SIZE_BYTES] for at in range(0, len(data), HASH_SIZE_BYTES))


def narrow(tile: Tile, data: bytes, width: int) -> bytes:
    """Return what the partial tile of `width` held when the tree was smaller; `data` are the bytes of `tile`."""
    if tile.level is None:
        return encode_bundle(parse_bundle(data, tile.width)[:width])
    return data[: width * HASH_SIZE_BYTES]


class TileBuilder:
    """Makes every tile of a growing log from its entries alone. Keeps one bundle and one tile a level in memory.

    `_bundle` and `_levels[0]` grow with each entry; `_levels[n]` holds the roots of the full tiles of level n - 1.
    """

    __slots__ = ("_bundle", "_levels", "_size")

    def __init__(self) -> None:
        self._bundle: list[bytes] = []
        self._levels: list[list[bytes]] = [[]]
        self._size = 0

    @classmethod
    def resume(cls, size: int, tiles: Iterable[tuple[Tile, bytes]]) -> "TileBuilder":
        """Return a builder that goes on after `size` entries, a multiple of 256.

        `tiles`: the partial hash tiles of a tree of that size, in any order, each with its bytes. The caller MUST hold
        `root()` against one that it trusts. Raises TileRefused unless they are those tiles.
        """
        made = cls()
        made._size = size
        begun = {tile.level: parse_tile(data, tile.width) for tile, data in tiles}
        needed = {tile.level: tile for tile in tiles_of(size) if tile.is_partial}
        if size % TILE_WIDTH or begun.keys() != needed.keys():
            raise TileRefused(f"not the partial tiles of a tree of {size}")
        while size := size >> TILE_HEIGHT:
            hashes = begun.get(len(made._levels), ())
            if len(hashes) != size % TILE_WIDTH:
                raise TileRefused(f"not the partial tiles of a tree of {made._size}")
            made._levels.append(list(hashes))
        return made

    @property
    def size(self) -> int:
        return self._size

    def frontier(self) -> Frontier:
        """Return the right edge of the tree of all entries so far."""
        nodes: list[bytes] = []
        for hashes in reversed(self._levels):
            at = 0
            while rest := len(hashes) - at:
                width = 1 << rest.bit_length() - 1
                nodes.append(root_of(hashes[at : at + width]))
                at += width
        return Frontier(size=self._size, nodes=nodes)

    def add(self, entry: bytes) -> tuple[tuple[Tile, bytes], ...]:
        """Add the next entry and return the bundle and tiles that it completes: mostly none."""
        self._bundle.append(entry)
        self._levels[0].append(hash_leaf(entry))
        self._size += 1
        return () if self._size % TILE_WIDTH else tuple(self._complete())

    def partials(self) -> tuple[tuple[Tile, bytes], ...]:
        """Return the bundle and tiles that are begun and not complete."""
        made = [
            (Tile(level=level, index=self._size >> TILE_HEIGHT * (level + 1), width=len(hashes)), b"".join(hashes))
            for level, hashes in enumerate(self._levels)
            if hashes
        ]
        if self._bundle:
            place = Tile(level=None, index=self._size // TILE_WIDTH, width=len(self._bundle))
            made.append((place, encode_bundle(self._bundle)))
        return tuple(made)

    def root(self) -> bytes:
        """Return the root over all entries so far."""
        # A level's incomplete tile is the last, smaller child on the level above: RFC 9162 splits at powers of two.
        rest: list[bytes] = []
        for hashes in self._levels:
            if hashes or rest:
                rest = [root_of([*hashes, *rest])]
        return root_of(rest)

    def _complete(self) -> Iterator[tuple[Tile, bytes]]:
        """Yield the bundle and tiles that end at the present size, from the lowest level, and begin the next ones."""
        yield Tile(level=None, index=self._size // TILE_WIDTH - 1), encode_bundle(self._bundle)
        self._bundle = []
        level = 0
        while len(self._levels[level]) == TILE_WIDTH:
            tile = b"".join(self._levels[level])
            yield Tile(level=level, index=(self._size >> TILE_HEIGHT * (level + 1)) - 1), tile
            self._levels[level] = []
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(root_of_joined(tile))


def _index_path(index: int) -> str:
    groups = f"{index % 1000:03d}"
    while index := index // 1000:
        groups = f"x{index % 1000:03d}/{groups}"
    return groups
