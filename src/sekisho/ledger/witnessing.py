"""What a log asks of its witnesses: cosignatures before it publishes, and what they saw before it signs.

Private to the ledger. A log without witnesses uses `NoWitnesses`, which asks nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sekisho.tlog.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The largest tree of this log that somebody else remembers. `root`: None if only its size is known."""

    by: str
    size: int
    root: bytes | None


class Witnessing(Protocol):
    """The witnesses of one log. Called by one thread at a time, never while an append waits for it.

    What they raise for a passing trouble is LedgerUnavailable or a subclass: nothing is published then, `Log.trouble`
    shows it, and the next publication asks again. StoreBehind and LedgerForked stop the log for good.
    """

    def seen(self) -> Sequence[Seen]:
        """Return what the witnesses remember of this log.

        Asked when a process begins to publish, before it signs anything: a store and a public folder that were both
        restored from one old backup know nothing of the signatures that were made since.
        """
        ...

    def cosign(self, checkpoint: Checkpoint, note: bytes) -> bytes:
        """Return `note`, the signed note of `checkpoint`, with the cosignatures that the log's policy asks for.

        Every tile of the tree lies at its place in the public folder by then, so that consistency proofs can be made
        from it; the published checkpoint is still the one before.
        """
        ...


class NoWitnesses:
    """The witnessing of a log that has none."""

    def seen(self) -> Sequence[Seen]:
        return ()

    def cosign(self, checkpoint: Checkpoint, note: bytes) -> bytes:
        return note
