"""Integrate and publish: from durable entries to tiles and a signed checkpoint. Private to the ledger.

The public folder follows from the store alone. So recovery is the same work as service, begun at entry 0: every
tile is made again and compared, and what a crash or a failing disk left torn or missing is put right, unless
the folder or the store shows that entries were lost or changed; then nothing is written and the log refuses to open.
"""

import contextlib
import threading
from collections.abc import Iterable
from typing import Final

from sekisho.core.clock import Clock
from sekisho.core.errors import SekishoError
from sekisho.ledger.errors import CheckpointDamaged, LedgerForked, StoreBehind
from sekisho.ledger.files import CHECKPOINT, VKEY, PublicFolder
from sekisho.ledger.steps import AtStep, Step
from sekisho.ledger.store import Head, Store
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.tile import Tile, TileBuilder, TileRefused, narrow, parse_tile_path

# Tiles held in memory before they are placed, while a long log is made again: 64 bundles of full-sized entries are
# a gigabyte at the very worst, and of our entries 15 MB.
_PLACED_AT_ONCE: Final = 64


class Publisher:
    """Publishes one log. `_lock` guards everything below it: one publication at a time.

    `_unplaced` are complete tiles whose placing has not succeeded yet; `_completed` are paths of full tiles whose
    partial ones go once the checkpoint is out.
    """

    def __init__(
        self, *, store: Store, folder: PublicFolder, signer: NoteSigner, clock: Clock, at_step: AtStep
    ) -> None:
        self._store = store
        self._folder = folder
        self._signer = signer
        self._clock = clock
        self._at_step = at_step
        self._lock = threading.Lock()
        self._tiles = TileBuilder()
        self._unplaced: list[tuple[Tile, bytes]] = []
        self._completed: list[str] = []
        self._published: Checkpoint | None = None

    def recover(self, size: int) -> Frontier:
        """Bring the public folder to what the store's `size` entries say, and return their frontier.

        Steps: (1) what was signed and published before; (2) nothing public lies beyond the store; (3) the entries
        make the trees that were signed; (4) tiles and bundles that differ are placed again; (5) publish.
        Raises StoreBehind, LedgerForked, CheckpointDamaged or StoreDamaged before anything public is written, or
        LedgerUnavailable.
        """
        with self._lock:
            # (1)
            signed, published = self._store.head(), self._read_checkpoint()
            heads = [Head(size=head.size, root=head.root) for head in (signed, published) if head is not None]
            # (2)
            present = self._present_tiles()
            if any(head.size > size for head in heads) or any(tile.smallest_tree > size for tile in present):
                raise StoreBehind(f"the store holds {size} entries; more were signed or published")
            # (3)
            frontier = self._retrace(size, heads)
            # (4)
            self._folder.clear_staging()
            self._put_right([(VKEY, f"{self._signer.verifier.vkey}\n".encode())])
            self._rebuild(size, present)
            # (5)
            self._published = published
            if published is None or published.size < size:
                self._sign_and_publish(size)
            self._drop_superseded()
            return frontier

    def publish(self, size: int) -> Checkpoint:
        """Publish the first `size` entries, all durable, and return the checkpoint that is then the public one.

        Nothing happens if as many are published already. Raises LedgerUnavailable, and may then be called again.
        """
        with self._lock:
            if self._published is not None and self._published.size >= size:
                return self._published
            self._integrate(size)
            return self._sign_and_publish(size)

    def _integrate(self, size: int) -> None:
        """Place the tiles and bundles of the first `size` entries. What fails is tried again by the next call."""
        for entry in self._store.read(self._tiles.size, size):
            self._unplaced.extend(self._tiles.add(entry))
            if len(self._unplaced) >= _PLACED_AT_ONCE:
                self._place_complete()
        self._place_complete()
        self._place(self._tiles.partials())

    def _sign_and_publish(self, size: int) -> Checkpoint:
        """Steps: (1) persist the head; (2) sign; (3) publish; (4) drop what is left over."""
        checkpoint = Checkpoint(origin=self._signer.verifier.name, size=size, root=self._tiles.root())
        # (1) The tree was grown out of the one signed before, entry by entry, so the two are consistent.
        self._store.persist_head(
            Head(size=size, root=checkpoint.root),
            at=self._clock.now(),
            after_commit=lambda: self._at_step(Step.HEAD_PERSISTED),
        )
        # (2)
        note = sign_checkpoint(checkpoint, self._signer)
        # (3)
        self._folder.place([(CHECKPOINT, note)], staged=Step.CHECKPOINT_STAGED, placed=Step.CHECKPOINT_PUBLISHED)
        self._published = checkpoint
        # (4)
        self._drop_superseded()
        return checkpoint

    def _retrace(self, size: int, heads: Iterable[Head]) -> Frontier:
        """Return the frontier of the store's entries, or raise LedgerForked if they do not make each of `heads`."""
        frontier = Frontier()
        for head in sorted(heads, key=lambda head: head.size):
            self._grow(frontier, head.size)
            if frontier.root() != head.root:
                raise LedgerForked(f"the store's first {head.size} entries do not make the root that was signed")
        self._grow(frontier, size)
        return frontier

    def _grow(self, frontier: Frontier, size: int) -> None:
        for entry in self._store.read(frontier.size, size):
            frontier.append(hash_leaf(entry))

    def _rebuild(self, size: int, present: Iterable[Tile]) -> None:
        """Make every tile again and place those that differ, the narrower partial ones that are still there too."""
        partials: dict[tuple[int | None, int], list[Tile]] = {}
        for tile in present:
            if tile.is_partial:
                partials.setdefault((tile.level, tile.index), []).append(tile)
        for entry in self._store.read(0, size):
            for tile, data in self._tiles.add(entry):
                self._put_right([(tile.path, data)])
                if (tile.level, tile.index) in partials:
                    self._completed.append(tile.path)
        for tile, data in self._tiles.partials():
            older = partials.get((tile.level, tile.index), ())
            self._put_right((part.path, narrow(tile, data, part.width)) for part in (*older, tile))

    def _put_right(self, files: Iterable[tuple[str, bytes]]) -> None:
        differing = [(path, data) for path, data in files if self._folder.read(path) != data]
        self._folder.place(differing, staged=Step.TILE_STAGED, placed=Step.TILE_PLACED)

    def _place_complete(self) -> None:
        self._place(self._unplaced)
        self._completed.extend(tile.path for tile, _ in self._unplaced)
        self._unplaced.clear()

    def _place(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        self._folder.place(
            ((tile.path, data) for tile, data in tiles), staged=Step.TILE_STAGED, placed=Step.TILE_PLACED
        )

    def _drop_superseded(self) -> None:
        self._folder.clear_staging()
        self._folder.remove_partials(self._completed)
        self._completed.clear()

    def _read_checkpoint(self) -> Checkpoint | None:
        note = self._folder.read(CHECKPOINT)
        if note is None:
            return None
        try:
            return open_checkpoint(note, self._signer.verifier)
        except SekishoError as error:
            raise CheckpointDamaged(f"the published checkpoint is not one of this log: {error.message}") from error

    def _present_tiles(self) -> list[Tile]:
        """Return the tiles and bundles in the public folder. A file of another name is left for `verify` to report."""
        tiles: list[Tile] = []
        for path in self._folder.tile_files():
            with contextlib.suppress(TileRefused):
                tiles.append(parse_tile_path(path))
        return tiles
