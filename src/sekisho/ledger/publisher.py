"""Integrate and publish: from durable entries to tiles and a signed checkpoint. Private to the ledger.

The public folder follows from the store alone. So recovery is the same work as service, begun where all before is
known to be in place: every tile from there on is made again and compared, and what a crash left torn or missing is put
right, unless the folder or the store shows that entries were lost or changed; then nothing is written.

One process publishes a log: the one that the store elected, and that holds the lock of the public folder.
"""

import threading
from collections.abc import Iterable
from typing import Final

from sekisho.core.clock import Clock
from sekisho.ledger.errors import HeadMoved
from sekisho.ledger.files import CHECKPOINT, VKEY, PublicFolder
from sekisho.ledger.recovery import Findings, check_seen, examine, find_start, read_checkpoint
from sekisho.ledger.steps import AtStep, Step
from sekisho.ledger.store import Head, SequencingStore
from sekisho.ledger.witnessing import NoWitnesses, Witnessing
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.merkle import Frontier
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.tile import Tile, TileBuilder, narrow

# Tiles held in memory before they are placed, while a long log is made again: 64 bundles of full-sized entries are
# a gigabyte at the very worst, and of our entries 15 MB.
_PLACED_AT_ONCE: Final = 64


class Publisher:
    """Publishes one log. `_lock` guards everything below it: one publication at a time.

    `_leads`: this process publishes, and the public folder was brought to what the store says. `_has_asked`: and the
    witnesses said what they saw. `_signed` is the head that the store holds. `_unplaced` are complete tiles whose
    placing has not succeeded yet; `_completed` are paths of full tiles whose partial ones go once the checkpoint is
    out.
    """

    def __init__(
        self,
        *,
        store: SequencingStore,
        folder: PublicFolder,
        signer: NoteSigner,
        clock: Clock,
        witnessing: Witnessing,
        at_step: AtStep,
    ) -> None:
        self._store = store
        self._folder = folder
        self._signer = signer
        self._clock = clock
        self._witnessing = witnessing
        self._at_step = at_step
        self._lock = threading.Lock()
        self._leads = False
        self._has_asked = False
        self._tiles = TileBuilder()
        self._unplaced: list[tuple[Tile, bytes]] = []
        self._completed: list[str] = []
        self._signed: Head | None = None
        self._published: Checkpoint | None = None

    @property
    def is_witnessed(self) -> bool:
        return not isinstance(self._witnessing, NoWitnesses)

    def recover(self) -> Frontier:
        """Return the frontier of the store's entries, held against all that was signed and published.

        If no other process publishes, this one does from now on, and the public folder is brought to what the store
        says; nothing is signed yet. Raises StoreBehind, LedgerForked, CheckpointDamaged or StoreDamaged before
        anything public is written, or LogLocked or LedgerUnavailable.
        """
        with self._lock:
            if self._store.try_become_publisher():
                return self._take_over()
            return find_start(self._store, self._folder, examine(self._store, self._folder, self._signer.verifier))[1]

    def publish(self, size: int) -> Checkpoint | None:
        """Publish the first `size` entries, all durable, and return the checkpoint that is then the public one.

        Nothing happens if as many are published already. None: another process publishes, and has not come so far.
        Raises LedgerUnavailable or LogLocked, and may then be called again; or StoreBehind, LedgerForked,
        CheckpointDamaged or StoreDamaged, and must not.
        """
        with self._lock:
            try:
                return self._publish_if_elected(size)
            except HeadMoved:
                # Another process published, or a hand wrote into the store: all of it is looked at again.
                self._step_down()
                return self._publish_if_elected(size)

    def close(self) -> None:
        """Let another process publish."""
        with self._lock:
            self._step_down()

    def _publish_if_elected(self, size: int) -> Checkpoint | None:
        if not self._store.try_become_publisher():
            if self._leads:
                self._step_down()
            published = read_checkpoint(self._folder, self._signer.verifier)
            return published if published is not None and published.size >= size else None
        if not self._leads:
            self._take_over()
        if not self._has_asked:
            # Also when nothing is to be signed now: a log that is behind must not take entries until it is.
            check_seen(self._store, self._witnessing.seen(), (self._signed,))
            self._has_asked = True
        if self._published is not None and self._published.size >= size:
            self._drop_superseded()
            return self._published
        self._integrate(size)
        return self._sign_and_publish()

    def _step_down(self) -> None:
        self._leads = False
        self._folder.unlock()
        self._store.resign()

    def _take_over(self) -> Frontier:
        """Steps: (1) nobody else writes the folder; (2) nothing public lies beyond the store; (3) the entries make the
        trees that were signed; (4) tiles and bundles that differ are placed again.
        """
        try:
            # (1)
            self._folder.lock()
            # (2)
            findings = examine(self._store, self._folder, self._signer.verifier)
            # (3)
            start, frontier = find_start(self._store, self._folder, findings)
            # (4)
            self._folder.clear_staging()
            self._put_right([(VKEY, f"{self._signer.verifier.vkey}\n".encode())])
            self._rebuild(findings, start)
        except BaseException:
            self._step_down()
            raise
        self._signed, self._published = findings.signed, findings.published
        self._leads, self._has_asked = True, False
        return frontier

    def _integrate(self, size: int) -> None:
        """Place the tiles and bundles of the first `size` entries. What fails is tried again by the next call."""
        for entry in self._store.read(self._tiles.size, size):
            self._unplaced.extend(self._tiles.add(entry))
            if len(self._unplaced) >= _PLACED_AT_ONCE:
                self._place_complete()
        self._place_complete()
        self._place(self._tiles.partials())

    def _sign_and_publish(self) -> Checkpoint:
        """Steps: (1) persist the head; (2) sign; (3) gather cosignatures; (4) publish; (5) drop what is left over."""
        # Size and root of one tree: taking over, or a publication that failed, may have grown it beyond what was asked.
        size = self._tiles.size
        checkpoint = Checkpoint(origin=self._signer.verifier.name, size=size, root=self._tiles.root())
        # (1) The tree was grown out of the one signed before, entry by entry, so the two are consistent.
        head = Head(size=size, root=checkpoint.root)
        self._store.persist_head(
            head, last=self._signed, at=self._clock.now(), after_commit=lambda: self._at_step(Step.HEAD_PERSISTED)
        )
        self._signed = head
        # (2)
        note = sign_checkpoint(checkpoint, self._signer)
        # (3)
        note = self._witnessing.cosign(checkpoint, note)
        self._at_step(Step.NOTE_COSIGNED)
        # (4)
        self._folder.place([(CHECKPOINT, note)], staged=Step.CHECKPOINT_STAGED, placed=Step.CHECKPOINT_PUBLISHED)
        self._published = checkpoint
        # (5)
        self._drop_superseded()
        return checkpoint

    def _rebuild(self, findings: Findings, start: TileBuilder) -> None:
        """Make every tile after `start` again and place those that differ, the narrower partial ones too."""
        self._tiles, self._unplaced = start, []
        partials: dict[tuple[int | None, int], list[Tile]] = {}
        for tile in findings.present:
            if tile.is_partial:
                partials.setdefault((tile.level, tile.index), []).append(tile)
        whole = (Tile(level=level, index=index) for level, index in partials)
        self._completed = [tile.path for tile in whole if tile.smallest_tree <= start.size]
        for entry in self._store.read(start.size, findings.size):
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
        if self._completed:
            self._folder.remove_partials(self._completed)
            self._completed.clear()
        self._folder.clear_staging()
