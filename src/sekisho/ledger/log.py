"""One log of the ledger, open for writing: sequence, integrate, publish.

docs/ledger.md tells the order of writes and what is durable when.
"""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core.clock import Clock
from sekisho.core.errors import SekishoError
from sekisho.ledger.entries import Entry, decode_entry, encode_entry
from sekisho.ledger.errors import LedgerForked, LedgerUnavailable, StoreBehind
from sekisho.ledger.files import Lock, PublicFolder
from sekisho.ledger.publisher import Publisher
from sekisho.ledger.sequencer import Sequencer
from sekisho.ledger.steps import AtStep, pass_by
from sekisho.ledger.store import Row, Store
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.note import NoteSigner

# An entry is public, and covered by a signature, within about this time.
PUBLISH_EVERY_S: Final = 0.25


class Log:
    """The writer of one log: one a log, in one process. Safe to use from many threads.

    `append` is answered once the entry and its index are durable; the public folder follows within PUBLISH_EVERY_S.
    """

    def __init__(self, *, lock: Lock, store: Store, publisher: Publisher, signer: NoteSigner, at_step: AtStep) -> None:
        self._lock = lock
        self._store = store
        self._publisher = publisher
        self._origin = signer.verifier.name
        self._vkey = signer.verifier.vkey
        self._trouble: SekishoError | None = None
        self._grown = threading.Event()
        self._closing = threading.Event()
        frontier = publisher.recover(store.size())
        self._sequencer = Sequencer(store=store, frontier=frontier, at_step=at_step, when_grown=self._grown.set)
        self._thread = threading.Thread(target=self._publish_when_grown, name="ledger-publisher", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        *,
        store: Path,
        public: Path,
        origin: str,
        key: Ed25519PrivateKey,
        clock: Clock,
        at_step: AtStep = pass_by,
    ) -> "Log":
        """Open the log `origin` with its database at `store` and its public files below `public`; make both if new.

        Takes the log's lock, makes good what a crash left, publishes, and returns. Raises LogLocked, WrongLog,
        StoreBehind, LedgerForked, StoreDamaged, CheckpointDamaged or LedgerUnavailable.
        """
        signer = NoteSigner(origin, key)
        with contextlib.ExitStack() as on_failure:
            lock = Lock(store, public)
            on_failure.callback(lock.release)
            database = Store.open(store, origin=origin, vkey=signer.verifier.vkey)
            on_failure.callback(database.close)
            folder = PublicFolder(public, at_step)
            publisher = Publisher(store=database, folder=folder, signer=signer, clock=clock, at_step=at_step)
            log = cls(lock=lock, store=database, publisher=publisher, signer=signer, at_step=at_step)
            on_failure.pop_all()
        return log

    @property
    def origin(self) -> str:
        return self._origin

    @property
    def vkey(self) -> str:
        """The key that verifies this log's checkpoints, as text."""
        return self._vkey

    @property
    def trouble(self) -> SekishoError | None:
        """Why the last publication failed, or None if it did not: for readiness checks. Appends tell their own."""
        return self._trouble

    def append(self, entry: Entry, *, key: str | None = None, private: bytes | None = None) -> "Future[int]":
        """Queue `entry` and return the future of its index, which comes once both are durable.

        Never waits for the disk, so it may be called on an event loop.
        `key`: an append whose key the log has already gets the index of the first and writes nothing.
        `private`: kept in the store beside the entry and never published, such as the salt of its commitment.
        Raises EntryRefused at once; the future raises LedgerUnavailable, LogOverloaded, LogClosed, StoreBehind or
        LedgerForked. After LedgerUnavailable the entry may be in the log or not: append it again under its key.
        """
        return self._sequencer.submit(Row(data=encode_entry(entry), key=key, private=private))

    def entries(self, start: int = 0) -> Iterator[tuple[int, Entry]]:
        """Yield index and entry of all that is durable now, from index `start` on."""
        for index, data in enumerate(self._store.read(start, self._sequencer.head.size), start=start):
            yield index, decode_entry(data)

    def private(self, index: int) -> bytes | None:
        """Return what `append` was given to keep privately with the entry at `index`."""
        return self._store.private(index)

    def head(self) -> Checkpoint:
        """Return size and root over all durable entries. It may not be published yet; no disk is touched."""
        head = self._sequencer.head
        return Checkpoint(origin=self._origin, size=head.size, root=head.root)

    def publish(self) -> Checkpoint:
        """Integrate, sign and publish all durable entries now, and return the checkpoint that is public then."""
        try:
            checkpoint = self._publisher.publish(self._sequencer.head.size)
        except SekishoError as error:
            self._trouble = error
            if isinstance(error, StoreBehind | LedgerForked):
                self._sequencer.refuse(error)
            raise
        except Exception as error:
            # Whatever it was, readiness must show it: a log that is never published proves nothing.
            self._trouble = LedgerUnavailable(f"not published: {type(error).__name__}")
            raise self._trouble from error
        self._trouble = None
        return checkpoint

    def close(self) -> None:
        """Write what is queued, publish it, and give the log up. Raises LedgerUnavailable if that last step failed."""
        if self._closing.is_set():
            return
        self._closing.set()
        try:
            self._sequencer.close()
            self._grown.set()
            self._thread.join()
            self.publish()
        finally:
            self._store.close()
            self._lock.release()

    def _publish_when_grown(self) -> None:
        while not self._closing.is_set():
            self._grown.wait()
            self._grown.clear()
            try:
                self.publish()
            except LedgerUnavailable:
                # `trouble` tells it; the entries are safe in the store, and the next round tries again.
                self._grown.set()
            except SekishoError:
                # `trouble` tells it, and the sequencer refuses from now on.
                return
            self._closing.wait(PUBLISH_EVERY_S)
