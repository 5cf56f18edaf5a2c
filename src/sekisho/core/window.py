"""A span of time that is open on one side, so that two windows that touch never overlap."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sekisho.core.errors import SekishoError


class BadWindow(SekishoError):
    """The ends are not aware UTC, or the window closes before it opens."""

    code: ClassVar[str] = "SKS-CORE-002"
    hint = "Give both ends in UTC, the closing after the opening."


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Half-open span of aware UTC time: `opens` is inside, `closes` is not."""

    opens: datetime
    closes: datetime

    def __post_init__(self) -> None:
        if {self.opens.utcoffset(), self.closes.utcoffset()} != {timedelta(0)}:
            raise BadWindow("both ends of a window are aware UTC")
        if self.opens >= self.closes:
            raise BadWindow(f"closes at {self.closes}, not after it opens")

    def is_open(self, at: datetime) -> bool:
        """Say whether `at` (aware UTC) lies in the window."""
        return self.opens <= at < self.closes
