"""Time as an argument. The system's clock is chosen in `server/`; tests pass their own."""

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of the present moment."""

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        ...


class SteadyClock:
    """A clock that stands still until it is told to move: for tests and for replaying a log."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move the clock by `by`, which may be negative: skewed clocks are a case to test."""
        self._at += by
