"""The files of one log as a reader finds them: key, checkpoint, tiles, entries. Read, bounded, not judged yet."""

from collections.abc import Iterator
from typing import Final

from sekisho.ledger.files import CHECKPOINT, VKEY
from sekisho.ledger.source import Source
from sekisho.tlog.merkle import HASH_SIZE_BYTES
from sekisho.tlog.note import MAX_NOTE_SIZE_BYTES, KeyRefused, NoteVerifier
from sekisho.tlog.tile import MAX_ENTRY_SIZE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile, TileRefused, narrow
from sekisho.tlog.tile_tree import ReadTile

MAX_BUNDLE_SIZE_BYTES: Final = TILE_WIDTH * (MAX_ENTRY_SIZE_BYTES + 2)
MAX_TILE_SIZE_BYTES: Final = TILE_WIDTH * HASH_SIZE_BYTES
MAX_VKEY_SIZE_BYTES: Final = 1024


def read_key(source: Source, vkey: str | None) -> NoteVerifier:
    """Return the key of the log at `source`: the pinned `vkey`, or the one beside the log. Raises KeyRefused."""
    if vkey is not None:
        return NoteVerifier.parse(vkey)
    data = source.read(VKEY, MAX_VKEY_SIZE_BYTES)
    if data is None:
        raise KeyRefused("there is no key beside the log")
    try:
        verifier = NoteVerifier.parse(data.decode("ascii").removesuffix("\n"))
    except UnicodeDecodeError as error:
        raise KeyRefused("not ASCII text") from error
    if data != f"{verifier.vkey}\n".encode():
        raise KeyRefused("not one line")
    return verifier


def read_note(source: Source) -> bytes | None:
    """Return the bytes of the log's checkpoint, or None if there is none."""
    return source.read(CHECKPOINT, MAX_NOTE_SIZE_BYTES)


def read_tile(source: Source, tile: Tile) -> bytes | None:
    """Return the bytes of `tile`, or None if it is missing. Their length is not checked.

    A log that grew may have dropped a partial tile for the full one that it became (C2SP tlog-tiles, Partial Tiles);
    then it is the beginning of that one. Raises TileRefused if that one is garbled.
    """
    limit = MAX_BUNDLE_SIZE_BYTES if tile.level is None else MAX_TILE_SIZE_BYTES
    data = source.read(tile.path, limit)
    if data is not None or not tile.is_partial:
        return data
    whole = Tile(level=tile.level, index=tile.index)
    grown = source.read(whole.path, limit)
    return None if grown is None else narrow(whole, grown, tile.width)


def tile_reader(source: Source, size: int) -> ReadTile:
    """Return what hands out the hash tiles of a tree of `size` entries, also as they were when it was smaller.

    What it returns raises TileRefused for a tile that is missing or too short.
    """

    def read(tile: Tile) -> bytes:
        # As wide as the tree has it: a narrower one need not be there any more.
        count = (size >> TILE_HEIGHT * (tile.level or 0)) - tile.index * TILE_WIDTH
        data = read_tile(source, Tile(level=tile.level, index=tile.index, width=min(TILE_WIDTH, count)))
        if data is None or len(data) < tile.width * HASH_SIZE_BYTES:
            raise TileRefused(f"{tile.path} is missing or too short")
        return data[: tile.width * HASH_SIZE_BYTES]

    return read


def split_hashes(data: bytes) -> Iterator[bytes]:
    """Yield the 32-byte hashes that `data` is made of."""
    return (data[at : at + HASH_SIZE_BYTES] for at in range(0, len(data), HASH_SIZE_BYTES))
