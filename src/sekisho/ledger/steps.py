"""The steps of writing, in their order, each a place where a crash test pulls the plug."""

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias


class Step(Enum):
    """A moment in the write path. What is durable at each is said in docs/ledger.md."""

    SEQUENCE_WRITTEN = "entries are in a transaction that is not committed"
    SEQUENCE_DURABLE = "the transaction is durable, nobody has been answered"
    TILE_STAGED = "a tile or bundle lies under a temporary name"
    TILE_PLACED = "a tile or bundle lies at its path, its folder not yet flushed"
    HEAD_PERSISTED = "size and root are in the store, nothing is signed"
    NOTE_COSIGNED = "the checkpoint is signed and cosigned, and lies nowhere"
    CHECKPOINT_STAGED = "the signed checkpoint lies under a temporary name"
    CHECKPOINT_PUBLISHED = "the checkpoint is published, partial tiles that became full are still there"


# Called at each step as it is reached. Tests raise or kill in it; in service it does nothing.
AtStep: TypeAlias = Callable[[Step], None]


def pass_by(step: Step) -> None:
    """Do nothing at `step`: the hook of every log in service."""
