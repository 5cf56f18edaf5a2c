"""Which transcripts a verified ledger names, and which were erased."""

from typing import Any

import pytest

from sekisho.ledger import EntryKind, VerifiedLog, commit, open_source
from sekisho.ledger.sealed_calls import SealedCall, read_sealed_calls
from sekisho.ledger.sealed_header import Belonging

ONE, TWO, THREE = (f"req_{number:026d}" for number in (1, 2, 3))


@pytest.fixture
def logs(programme: Any) -> list[VerifiedLog]:
    """One call that was sealed, one that was not, one that was sealed and then erased."""
    decisions, calls = programme.log("decisions"), programme.log("calls/gate-0")
    for entry in (programme.snapshot(), programme.opening()):
        decisions.append(entry).result()
    for request_id, sealed in ((ONE, {"sealed_sha256": "aa" * 32}), (TWO, {}), (THREE, {"sealed_sha256": "bb" * 32})):
        index = calls.append(programme.intent(decisions.head(), request_id)).result()
        calls.append(programme.answer(index, request_id, **sealed)).result()
    erasure = {"request_id": THREE, "log": "calls/gate-0", "intent_index": 4, "erased_by": "office", "basis": "Over."}
    decisions.append(programme.entry(EntryKind.TRANSCRIPT_ERASED, **erasure)).result()
    # The same request id in another log is another call.
    decisions.append(programme.entry(EntryKind.TRANSCRIPT_ERASED, **(erasure | {"request_id": ONE, "log": "calls/x"})))
    return [
        VerifiedLog(name=name, source=open_source(str(programme.ledger / name)), head=log.publish())
        for name, log in (("decisions", decisions), ("calls/gate-0", calls))
    ]


def test_sealed_calls_are_listed_with_what_they_are_held_against(logs: list[VerifiedLog]) -> None:
    """From the entries alone: intent, outcome, and the decision that erased it."""
    first, second = read_sealed_calls(logs)
    assert first == SealedCall(
        log="calls/gate-0",
        intent_index=0,
        belonging=Belonging(
            log="sekisho.example/calls/gate-0", request_id=ONE, request_commitment=commit(b"prompt", b"s" * 32)
        ),
        response_commitment=first.response_commitment,
        response_size_bytes=first.response_size_bytes,
        sealed_sha256="aa" * 32,
        erased_index=None,
    )
    assert (second.belonging.request_id, second.erased_index) == (THREE, 2)
