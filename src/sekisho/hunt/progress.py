"""How a hunt tells how far it is: a callback, so that a terminal, a log and a page each show it in their way."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Stage(Enum):
    """What a hunt is doing; the value is shown."""

    RECON = "recon"
    PARSE = "parse"
    ANALYZE = "analyze"
    DEDUPE = "dedupe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`done` of `total` units of a stage; `total` is 0 while it is not known."""

    stage: Stage
    done: int
    total: int


class OnProgress(Protocol):
    """Is told of each step, in the process that hunts; must return soon and must not raise."""

    def __call__(self, progress: Progress) -> None: ...


def ignore_progress(progress: Progress) -> None:
    """Show nothing."""
