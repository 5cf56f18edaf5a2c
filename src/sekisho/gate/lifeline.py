"""What can end a call before its answer is whole. One lifeline a call; the first reason wins and stays."""

import asyncio
from typing import ClassVar

from sekisho.core import Reason, SekishoError


class CutShort(SekishoError):
    """The call under way ends here; `reason` says why."""

    code: ClassVar[str] = "SKS-GATE-005"
    hint = "The outcome entry of the call has the same reason."

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


class Lifeline:
    """Lets one call wait for its lab, its caller and its timeouts, and lets a hold end that wait at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: asyncio.Future[None] | None = None
        self.reason: Reason | None = None

    def cut(self, reason: Reason) -> None:
        """End the call for `reason`, unless it has ended already; wakes whoever waits."""
        if self.reason is None:
            self.reason = reason
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def check(self) -> None:
        """Raise CutShort if the call was ended."""
        if self.reason is not None:
            raise CutShort(self.reason)

    async def wait(self, news: asyncio.Future[None], *, timeout_s: float, late: Reason) -> None:
        """Return when `news` is done, or raise CutShort: with `late` after `timeout_s`, or with the reason of a cut.

        Whoever resolves `news` must look whether it is done already.
        """
        self.check()
        timer = self._loop.call_later(timeout_s, self.cut, late)
        self._waiting = news
        try:
            await news
        finally:
            timer.cancel()
            self._waiting = None
        self.check()
