"""Ways to use more than one pays for: leaving early, asking for many answers, telling the gate nothing."""

import asyncio
import json

import pytest
from gate_rig import STREAM_HEAD, chat_body, chat_events, chunked

from sekisho.core import Reason
from sekisho.gate.budget import DEFAULT_OUTPUT_TOKENS
from sekisho.ledger import EntryKind


def messages_event(kind: str, **fields) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


START = messages_event(
    "message_start",
    message={"type": "message", "model": "claude-1", "usage": {"input_tokens": 10, "output_tokens": 1}},
)
DELTA = messages_event("content_block_delta", delta={"type": "text_delta", "text": "one more "})


def stream_without_end(first: bytes, more: bytes, count: int):
    async def script(request, writer):
        writer.write(STREAM_HEAD + chunked(first))
        await writer.drain()
        writer.write(chunked(more) * count)
        await writer.drain()
        await asyncio.sleep(3600)

    return script


async def leave_after(rig, request: bytes, size_bytes: int) -> None:
    reader, writer = await rig.connect()
    writer.write(request)
    await reader.readexactly(size_bytes)
    writer.transport.abort()
    await rig.settled()


async def test_usage_told_at_the_start_of_a_stream_is_not_its_price(rig, desk):
    """Anthropic's first event counts one output token; who leaves before the last one pays what was reserved."""
    rig.lab.script = stream_without_end(START, DELTA, 500)
    body = {"model": "claude-1", "stream": True, "max_tokens": 50_000, "messages": []}
    await leave_after(rig, desk.request("/v1/messages", body), 40_000)
    (intent,), (outcome,) = rig.log.bodies(EntryKind.CALL_INTENDED), rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert outcome["outcome"] == Reason.CALLER_LEFT.value
    assert outcome["settled_tokens"] == intent["reserved_tokens"] >= 50_000


async def test_running_usage_in_a_chat_stream_is_not_its_price(rig, desk):
    """Some compatible labs tell the usage with each chunk; short of the end it is no total."""
    chunk = json.loads(chat_events()[0].removeprefix(b"data: "))
    first = b"data: " + json.dumps(chunk | {"usage": {"prompt_tokens": 5, "completion_tokens": 1}}).encode() + b"\n\n"
    rig.lab.script = stream_without_end(first, chat_events()[1], 500)
    await leave_after(rig, desk.request(body=chat_body(stream=True, max_tokens=9_000)), 20_000)
    (intent,), (outcome,) = rig.log.bodies(EntryKind.CALL_INTENDED), rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert outcome["settled_tokens"] == intent["reserved_tokens"] >= 9_000


async def test_a_stream_without_bound_and_usage_costs_what_was_seen(rig, desk):
    """Without a limit of the caller little is reserved: who then leaves pays a token for each event at least."""
    rig.lab.script = stream_without_end(chat_events()[0], chat_events()[1], 6_000)
    sent = 5_500 * len(chunked(chat_events()[1]))
    await leave_after(rig, desk.request(body=chat_body(stream=True, max_tokens=None)), sent)
    (intent,), (outcome,) = rig.log.bodies(EntryKind.CALL_INTENDED), rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert outcome["settled_tokens"] >= 5_000 > intent["reserved_tokens"]


@pytest.mark.parametrize("bound", [None, 100])
async def test_many_answers_are_reserved_many_times(rig, desk, bound):
    """`n` multiplies the reservation, with the caller's own bound and without one."""
    await desk.call(body=chat_body(n=50, max_tokens=bound))
    (intent,) = rig.log.bodies(EntryKind.CALL_INTENDED)
    assert intent["reserved_tokens"] >= 50 * (bound or DEFAULT_OUTPUT_TOKENS)
