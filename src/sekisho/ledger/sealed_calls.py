"""The sealed transcripts that a verified ledger names: of which call, with what digest, and which were erased since."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sekisho.formats.jcs import Json
from sekisho.ledger.entries import EntryKind
from sekisho.ledger.heads import DECISIONS
from sekisho.ledger.sealed_header import Belonging
from sekisho.ledger.search import Found, Query, VerifiedLog, search_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCall:
    """A call whose content was sealed, as its entries say. `erased_index`: of the decision that erased it, or None."""

    log: str
    intent_index: int
    belonging: Belonging
    response_commitment: str | None
    response_size_bytes: int
    sealed_sha256: str
    erased_index: int | None


def read_sealed_calls(logs: Iterable[VerifiedLog]) -> Iterator[SealedCall]:
    """Yield every call of `logs` that names a transcript, log by log. Raises LogDamaged.

    Memory follows the calls under way, and the erasures.
    """
    every = tuple(logs)
    erased = {
        (_text(found.entry.body, "log"), _text(found.entry.body, "request_id")): found.index
        for (found,) in search_entries(
            (log for log in every if log.name == DECISIONS), Query(kind=EntryKind.TRANSCRIPT_ERASED.value)
        )
    }
    for log in every:
        for group in search_entries((log,), Query(kind=EntryKind.CALL_ANSWERED.value)):
            # An outcome alone has no intent to be held against; verification has said so.
            if len(group) == 2 and "sealed_sha256" in group[1].entry.body:
                yield _sealed_call(log, *group, erased)


def _sealed_call(log: VerifiedLog, intent: Found, outcome: Found, erased: Mapping[tuple[str, str], int]) -> SealedCall:
    asked, answered = intent.entry.body, outcome.entry.body
    request_id, commitment = _text(asked, "request_id"), answered["response_commitment"]
    return SealedCall(
        log=log.name,
        intent_index=intent.index,
        belonging=Belonging(
            log=log.head.origin, request_id=request_id, request_commitment=_text(asked, "request_commitment")
        ),
        response_commitment=None if commitment is None else str(commitment),
        response_size_bytes=int(_text(answered, "response_size_bytes")),
        sealed_sha256=_text(answered, "sealed_sha256"),
        erased_index=erased.get((log.name, request_id)),
    )


def _text(body: Mapping[str, Json], name: str) -> str:
    return str(body[name])
