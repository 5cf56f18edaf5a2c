"""Step 11, the other half: the content of each call, sealed to the auditors, in the gate's folder of transcripts.

Where the snapshot names auditors, a call whose request cannot be sealed is not made, and an answer that cannot be
sealed is not released. Where it names none, no content is kept. The event loop only gathers bytes: sealing and the
disk are a few threads', and nothing waits for them without a limit.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Generic, Protocol, TypeVar, cast

import structlog

from sekisho.access import Denied
from sekisho.core import Reason
from sekisho.gate import limits
from sekisho.ledger.erasure import KeptCall, KeptLog, destroy_content, find_call
from sekisho.ledger.sealed_header import Belonging
from sekisho.ledger.sealing import CHUNK_SIZE_BYTES, Sealer
from sekisho.ledger.transcripts import OpenTranscript, TranscriptFolder
from sekisho.trust import Auditors

T = TypeVar("T")
_log = structlog.get_logger("sekisho.gate")
# Each flushes one file at a time; a disk takes a few flushes at once, and more threads would only wait in turn.
_THREADS = 4
# Each costs a few flushes: so many are done well within the time that a thread is given.
_ERASED_AT_ONCE = 20


class CallTranscript(Protocol):
    """The transcript of one call."""

    def add(self, data: bytes) -> None:
        """Take the next bytes of what the caller gets."""
        ...

    async def keep_up(self) -> None:
        """Seal what has gathered, if it is enough, or raise Denied (NOT_SEALED)."""
        ...

    async def finish(self, data: bytes) -> str | None:
        """Return the digest of the transcript once it is durable, None if none is kept; or raise Denied (NOT_SEALED).

        `data`: the last bytes of what the caller gets.
        """
        ...

    def settle(self) -> None:
        """Take note that the outcome is in the ledger."""
        ...

    def discard(self) -> None:
        """Take note that there will be no entry of the call."""
        ...


class NotKept:
    """The transcript of a call whose content nobody may ever see."""

    def add(self, data: bytes) -> None:
        pass

    async def keep_up(self) -> None:
        pass

    async def finish(self, data: bytes) -> str | None:
        return None

    def settle(self) -> None:
        pass

    def discard(self) -> None:
        pass


class _Job(Generic[T]):
    """Work for a thread. What is given up before its turn lets go of the content that it holds."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.work: Callable[[], T] | None = work

    def __call__(self) -> T | None:
        work, self.work = self.work, None
        return None if work is None else work()


class Transcripts:
    """Keeps the transcripts of one gate. `log`: its calls log, of the origin `origin` and, when this process opened it,
    the size `began_at`. `_lock` guards `_waiting`.
    """

    def __init__(
        self,
        folder: TranscriptFolder,
        log: KeptLog,
        *,
        origin: str,
        began_at: int,
        randomness: Callable[[int], bytes],
        timeout_s: float = limits.LEDGER_TIMEOUT_S,
    ) -> None:
        self._folder = folder
        self._log = log
        self._origin = origin
        self._began_at = began_at
        self._randomness = randomness
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="transcripts")
        self._lock = threading.Lock()
        self._waiting = 0
        self._to_erase: set[str] = set()
        self._erased: set[str] = set()  # by this process: a link that is lost and back brings them all again
        self._erasing = asyncio.Lock()

    async def begin(
        self,
        auditors: Auditors | None,
        *,
        request_id: str,
        request: bytes,
        request_commitment: str,
        salts: tuple[bytes, bytes],
    ) -> CallTranscript:
        """Return the transcript of a call, its request sealed, or raise Denied (NOT_SEALED).

        `salts`: those of the commitments to the request and to the answer.
        """
        if auditors is None:
            return NotKept()
        belonging = Belonging(log=self._origin, request_id=request_id, request_commitment=request_commitment)
        begun: list[OpenTranscript] = []

        def work() -> None:
            sealer = Sealer(
                belonging, auditors, request_salt=salts[0], response_salt=salts[1], randomness=self._randomness
            )
            begun.append(self._folder.begin(request_id, sealer, request))

        def undo() -> None:
            for one in begun:
                one.discard()

        await self.run(work, undo=undo)
        return _Kept(self, begun[0])

    async def find(self, request_ids: Sequence[str]) -> tuple[KeptCall, ...]:
        """Return the calls of `request_ids` that the log has, or raise Denied."""
        found = await self.run(lambda: [find_call(self._log, one, began_at=self._began_at) for one in request_ids])
        return tuple(call for call in found if call is not None)

    async def erase(self, request_ids: Sequence[str]) -> bool:
        """Destroy the content of `request_ids`; say whether all of it is gone. If not, `pay_owed` tries again."""
        self._to_erase.update(set(request_ids) - self._erased)
        await self.pay_owed()
        return self._to_erase.isdisjoint(request_ids)

    async def pay_owed(self) -> None:
        """Destroy what is still to be destroyed; stop at what cannot be."""
        async with self._erasing:
            while owed := sorted(self._to_erase)[:_ERASED_AT_ONCE]:
                try:
                    await self.run(partial(destroy_content, self._log, self._folder, owed))
                except Denied:
                    return
                self._to_erase.difference_update(owed)
                self._erased.update(owed)

    def close(self) -> None:
        """Take no more work; what is begun ends."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[[], T], *, undo: Callable[[], None] = lambda: None) -> T:
        """Return what `work` returns on a thread, or raise Denied (NOT_SEALED) if it fails or is not done in time.

        `undo` is then called, on a thread or on this one, once `work` has ended or was given up.
        """
        job = _Job(work)
        running = self._submit(job)
        waiting = asyncio.wrap_future(running)
        # Never cancelled: work that has begun goes to its end.
        await asyncio.wait((waiting,), timeout=self._timeout_s)
        if waiting.done() and waiting.exception() is None:
            return cast(T, waiting.result())
        error = type(waiting.exception()).__name__ if waiting.done() else "TimeoutError"
        _log.error("transcripts failed", error=error)
        job.work = None
        running.add_done_callback(lambda _: undo())
        raise Denied(Reason.NOT_SEALED)

    def post(self, work: Callable[[], None]) -> None:
        """Have `work` done on a thread; nobody waits for it. What is left undone is seen to on the next start."""
        with suppress(Denied):
            self._submit(_Job(work))

    def _submit(self, job: "_Job[T]") -> "Future[T | None]":
        with self._lock:
            # A disk that hangs must show as a refusal, not as memory.
            if self._waiting >= limits.MAX_CALLS:
                raise Denied(Reason.NOT_SEALED)
            try:
                running = self._threads.submit(job)
            except RuntimeError:  # closed: the gate is stopping
                raise Denied(Reason.NOT_SEALED) from None
            self._waiting += 1
        running.add_done_callback(self._count_down)
        return running

    def _count_down(self, _: object) -> None:
        with self._lock:
            self._waiting -= 1


class _Kept:
    """A transcript that is kept. One call's: its methods are not called at the same time."""

    def __init__(self, transcripts: Transcripts, begun: OpenTranscript) -> None:
        self._transcripts = transcripts
        self._open = begun
        self._gathered = bytearray()
        self._has_failed = False

    def add(self, data: bytes) -> None:
        self._gathered += data

    async def keep_up(self) -> None:
        if len(self._gathered) >= CHUNK_SIZE_BYTES:
            data = self._take_gathered()
            await self._run(lambda: self._open.add(data))

    async def finish(self, data: bytes) -> str | None:
        gathered = self._take_gathered()

        def work() -> str:
            self._open.add(gathered)
            return self._open.finish(data)

        return await self._run(work)

    def settle(self) -> None:
        if not self._has_failed:
            self._transcripts.post(self._open.settle)

    def discard(self) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._transcripts.post(self._open.discard)

    async def _run(self, work: Callable[[], T]) -> T:
        """Run `work`. A transcript that failed once stays failed: the next bytes would belong behind missing ones."""
        if self._has_failed:
            raise Denied(Reason.NOT_SEALED)
        try:
            return await self._transcripts.run(work, undo=self._open.discard)
        except Denied:
            self._has_failed = True
            raise

    def _take_gathered(self) -> bytes:
        data = bytes(self._gathered)
        self._gathered.clear()
        return data
