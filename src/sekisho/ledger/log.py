"""One log of the ledger, open for writing: sequence, integrate, publish.

docs/ledger.md tells the order of writes and what is durable when.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core.clock import Clock
from sekisho.core.errors import SekishoError
from sekisho.ledger.entries import Entry, decode_entry, encode_entry
from sekisho.ledger.errors import LedgerUnavailable, LogLocked
from sekisho.ledger.files import PublicFolder
from sekisho.ledger.promise import Promise, PromiseRefused, sign_promise
from sekisho.ledger.publisher import Publisher
from sekisho.ledger.sequencer import Sequencer
from sekisho.ledger.steps import AtStep, pass_by
from sekisho.ledger.store import Row, SequencingStore
from sekisho.ledger.store_address import StoreAddress, open_store
from sekisho.ledger.witnessing import NoWitnesses, Witnessing
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.note import NoteSigner

# An entry is public, and covered by a signature, within about this time.
PUBLISH_EVERY_S: Final = 0.25
# How long to wait for another process to publish: longer than it takes a waiting one to take the place of a dead one.
PUBLISHER_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.02
# What a promise gives publication at the most: ten minutes, time for a full disk to be seen to, or for a restart that
# makes the tiles of ten million entries again. A log that is published later than this has broken its word.
MAX_MERGE_DELAY_S: Final = int(2_400 * PUBLISH_EVERY_S)


class Log:
    """The writer of one log in this process. Safe to use from many threads.

    `append` is answered once the entry and its index are durable; the public folder follows within PUBLISH_EVERY_S.
    Where the store is shared, several processes write one log, and one of them publishes for all.
    """

    def __init__(self, *, store: SequencingStore, publisher: Publisher, signer: NoteSigner, at_step: AtStep) -> None:
        self._store = store
        self._publisher = publisher
        self._origin = signer.verifier.name
        self._vkey = signer.verifier.vkey
        self._signer = signer
        self._trouble: SekishoError | None = None
        self._grown = threading.Event()
        self._closing = threading.Event()
        frontier = publisher.recover()
        self._sequencer = Sequencer(store=store, frontier=frontier, at_step=at_step, when_grown=self._grown.set)
        self._thread = threading.Thread(target=self._publish_when_grown, name="ledger-publisher", daemon=True)

    @classmethod
    def open(
        cls,
        *,
        store: StoreAddress,
        public: Path,
        origin: str,
        key: Ed25519PrivateKey,
        clock: Clock,
        witnessing: Witnessing | None = None,
        at_step: AtStep = pass_by,
    ) -> "Log":
        """Open the log `origin` with its store at `store` and its public files below `public`; make both if new.

        Takes the log's lock, makes good what a crash left, publishes, and returns; what could not be published for a
        passing trouble is told by `trouble` and tried again. `witnessing`: whom to ask before anything is published,
        by default nobody. Raises LogLocked, WrongLog, StoreBehind, LedgerForked, StoreDamaged, CheckpointDamaged or
        LedgerUnavailable.
        """
        signer = NoteSigner(origin, key)
        with contextlib.ExitStack() as on_failure:
            opened = open_store(store, origin=origin, vkey=signer.verifier.vkey)
            on_failure.callback(opened.close)
            publisher = Publisher(
                store=opened,
                folder=PublicFolder(public, at_step),
                signer=signer,
                clock=clock,
                witnessing=witnessing or NoWitnesses(),
                at_step=at_step,
            )
            on_failure.callback(publisher.close)
            log = cls(store=opened, publisher=publisher, signer=signer, at_step=at_step)
            on_failure.callback(log._sequencer.close)
            log._begin()
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
    def is_witnessed(self) -> bool:
        """Whether publication waits for others: then what must take effect at once goes by `head`, not `publish`."""
        return self._publisher.is_witnessed

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
        answer: Future[int] = Future()
        self._sequencer.submit(Row(data=encode_entry(entry), key=key, private=private), answer)
        return answer

    def append_async(
        self, entry: Entry, *, key: str | None = None, private: bytes | None = None
    ) -> "asyncio.Future[int]":
        """Queue `entry` as `append` does, for a task of the running event loop.

        Cheaper than to wrap what `append` returns: all tasks whose entries one flush made durable are woken together.
        """
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._sequencer.submit(Row(data=encode_entry(entry), key=key, private=private), answer)
        return answer

    def write(self, entry: Entry, *, key: str | None = None, private: bytes | None = None) -> int:
        """Append `entry` and return its index once both are durable. Raises what `append` raises and answers.

        Waits for the disk, so it is for threads: cheaper than the future of `append`, above all for a lone writer.
        """
        return self._sequencer.write(Row(data=encode_entry(entry), key=key, private=private))

    def entries(self, start: int = 0) -> Iterator[tuple[int, Entry]]:
        """Yield index and entry of all that is durable now, from index `start` on."""
        for index, data in enumerate(self._store.read(start, self._sequencer.head.size), start=start):
            yield index, decode_entry(data)

    def private(self, index: int) -> bytes | None:
        """Return what `append` was given to keep privately with the entry at `index`."""
        return self._store.private(index)

    def find(self, key: str) -> int | None:
        """Return the index of the entry that was appended under `key`, if one is durable."""
        return self._store.find(key)

    def destroy_private(self, indexes: Sequence[int]) -> None:
        """Destroy what was kept privately with the entries `indexes`, for good; the entries stay as they are.

        Waits for the disk, and a moment for readers. Raises LedgerUnavailable; then call again.
        """
        self._store.destroy_private(indexes)

    def head(self) -> Checkpoint:
        """Return size and root over all durable entries. It may not be published yet; no disk is touched."""
        head = self._sequencer.head
        return Checkpoint(origin=self._origin, size=head.size, root=head.root)

    def promise(self, *, request_id: str, index: int, leaf_hash: bytes, at: datetime) -> str:
        """Return the signed promise that the entry of `request_id` will be covered within MAX_MERGE_DELAY_S of `at`.

        `index`: as the append was answered; `leaf_hash`: of what was appended. Raises PromiseRefused for an entry
        that is not durable. No disk is touched.
        """
        if index >= self._sequencer.head.size:
            raise PromiseRefused(f"entry {index} is not durable")
        promise = Promise(
            origin=self._origin,
            request_id=request_id,
            index=index,
            leaf_hash=leaf_hash,
            at=at,
            max_delay_s=MAX_MERGE_DELAY_S,
        )
        return sign_promise(promise, self._signer)

    def publish(self) -> Checkpoint:
        """Integrate, sign and publish all durable entries now, and return the checkpoint that is public then.

        If another process publishes this log, wait for it, at most PUBLISHER_TIMEOUT_S.
        """
        size, began = self._sequencer.head.size, time.monotonic()
        while (checkpoint := self._try_publish(size)) is None:
            if time.monotonic() - began > PUBLISHER_TIMEOUT_S:
                raise LedgerUnavailable("the process that publishes this log has not published the entry")
            time.sleep(_POLL_S)
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
            # Where another process publishes, it publishes these entries too.
            self._try_publish(self._sequencer.head.size)
        finally:
            self._publisher.close()
            self._store.close()

    def _begin(self) -> None:
        with contextlib.suppress(LedgerUnavailable):
            self._try_publish(self._sequencer.head.size)
        if self._trouble is not None:
            self._grown.set()
        self._thread.start()

    def _try_publish(self, size: int) -> Checkpoint | None:
        try:
            checkpoint = self._publisher.publish(size)
        except SekishoError as error:
            self._trouble = error
            if not isinstance(error, LedgerUnavailable | LogLocked):
                self._sequencer.refuse(error)
            raise
        except Exception as error:
            # Whatever it was, readiness must show it: a log that is never published proves nothing.
            self._trouble = LedgerUnavailable(f"not published: {type(error).__name__}")
            raise self._trouble from error
        self._trouble = None
        return checkpoint

    def _publish_when_grown(self) -> None:
        # In a shared log others' entries count too, and the process that publishes may die.
        patience_s = PUBLISH_EVERY_S if self._store.is_shared else None
        while not self._closing.is_set():
            self._grown.wait(patience_s)
            self._grown.clear()
            try:
                if self._store.is_shared:
                    self._sequencer.catch_up()
                self._try_publish(self._sequencer.head.size)
            except (LedgerUnavailable, LogLocked):
                # `trouble` tells it; the entries are safe in the store, and the next round tries again.
                self._grown.set()
            except SekishoError:
                # `trouble` tells it, and the sequencer refuses from now on.
                return
            self._closing.wait(PUBLISH_EVERY_S)
