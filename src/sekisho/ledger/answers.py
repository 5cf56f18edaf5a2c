"""How a writer learns the index of its entry: three ways of waiting, each woken as cheaply as it can be.

Private to the ledger. A thread that waits blocks on a lock of its own. A future may be waited for by anything. Tasks of
an event loop are woken together: one call into the loop for all entries of a flush that it waits for.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeAlias

from sekisho.core.errors import SekishoError


class Turn:
    """The wait of one thread for one entry."""

    __slots__ = ("_done", "_error", "_index")

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._index = -1
        self._error: SekishoError | None = None

    def wait(self) -> int:
        """Return the index, or raise what the entry failed with."""
        self._done.acquire()
        if self._error is not None:
            raise self._error
        return self._index

    def set_result(self, index: int) -> None:
        self._index = index
        self._done.release()

    def set_exception(self, error: SekishoError) -> None:
        self._error = error
        self._done.release()


Answer: TypeAlias = "Turn | Future[int] | asyncio.Future[int]"


def is_wanted(answer: Answer) -> bool:
    """Say whether anybody still waits. From then on a future cannot be cancelled."""
    return not isinstance(answer, Future) or answer.set_running_or_notify_cancel()


def give_indexes(answers: Iterable[Answer], indexes: Iterable[int]) -> None:
    """Answer each of `answers` with its index."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int]]] = {}
    for answer, index in zip(answers, indexes, strict=True):
        if isinstance(answer, asyncio.Future):
            by_loop.setdefault(answer.get_loop(), []).append((answer, index))
        else:
            answer.set_result(index)
    for loop, given in by_loop.items():
        _call(loop, _resolve, given)


def give_error(answers: Iterable[Answer], error: SekishoError) -> None:
    """Answer each of `answers` with `error`."""
    for answer in answers:
        if isinstance(answer, asyncio.Future):
            _call(answer.get_loop(), _reject, answer, error)
        else:
            answer.set_exception(error)


def _call(loop: asyncio.AbstractEventLoop, told: Callable[..., None], *what: object) -> None:
    # A loop that was closed meanwhile has nobody left who waits.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(told, *what)


def _resolve(given: Iterable[tuple["asyncio.Future[int]", int]]) -> None:
    for answer, index in given:
        if not answer.done():
            answer.set_result(index)


def _reject(answer: "asyncio.Future[int]", error: SekishoError) -> None:
    if not answer.done():
        answer.set_exception(error)
