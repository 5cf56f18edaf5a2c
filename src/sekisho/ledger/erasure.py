"""Erasing the content of a call: the salts of its two commitments and its sealed transcript go, its entries stay.

The office's entry `transcript-erased/v1` comes first. What is destroyed here can be destroyed again, from the beginning
and after any crash: a gate is told every erasure there is whenever it connects, so that one which was put back from a
backup forgets again what it was told to forget.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sekisho.ledger.entries import Entry
from sekisho.ledger.transcripts import TranscriptFolder


class KeptLog(Protocol):
    """What erasing uses of `Log`."""

    def find(self, key: str) -> int | None:
        """Return the index of the entry that was appended under `key`."""
        ...

    def entries(self, start: int = 0) -> Iterator[tuple[int, Entry]]:
        """Yield index and entry from index `start` on."""
        ...

    def destroy_private(self, indexes: Sequence[int]) -> None:
        """Destroy what was kept privately with the entries `indexes`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCall:
    """A call as its gate's log has it. `is_over`: nothing more will be written of it. `sealed_sha256`: hex or None."""

    request_id: str
    intent_index: int
    is_over: bool
    sealed_sha256: str | None


def find_call(log: KeptLog, request_id: str, *, began_at: int) -> KeptCall | None:
    """Return the call `request_id`, or None if `log` has no intent of it.

    `began_at`: the log's size when this process opened it: an older intent without an outcome is a gap for good.
    """
    intent, outcome = log.find(f"intent:{request_id}"), log.find(f"outcome:{request_id}")
    if intent is None:
        return None
    return KeptCall(
        request_id=request_id,
        intent_index=intent,
        is_over=outcome is not None or intent < began_at,
        sealed_sha256=None if outcome is None else sealed_digest(log, outcome),
    )


def sealed_digest(log: KeptLog, outcome: int) -> str | None:
    """Return the digest of the transcript that the outcome at index `outcome` names, None if it names none."""
    _, entry = next(log.entries(outcome))
    digest = entry.body.get("sealed_sha256")
    return None if digest is None else str(digest)


def is_recorded(log: KeptLog, request_id: str) -> bool:
    """Say whether `log` has an outcome that names a transcript of `request_id`."""
    outcome = log.find(f"outcome:{request_id}")
    return outcome is not None and sealed_digest(log, outcome) is not None


def destroy_content(log: KeptLog, folder: TranscriptFolder, request_ids: Sequence[str]) -> None:
    """Destroy salts and transcripts of `request_ids`, for good; what is not there is passed over.

    The caller MUST have put the erasure on record. Steps: (1) the salts, so that no commitment opens; (2) the sealed
    files. Raises LedgerUnavailable or NotSealed; then call again.
    """
    # (1)
    found = (log.find(f"{kind}:{request_id}") for request_id in request_ids for kind in ("intent", "outcome"))
    log.destroy_private([index for index in found if index is not None])
    # (2)
    for request_id in request_ids:
        folder.destroy(request_id)
