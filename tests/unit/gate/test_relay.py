"""Streams that break: at every byte, by every party. A half answer never looks whole."""

import asyncio

import pytest
from gate_rig import (
    CHAT_REPLY,
    CREDENTIAL,
    STREAM_HEAD,
    Desk,
    answer_with,
    chat_body,
    chat_events,
    chunked,
    stream_bytes,
    whole,
)

from sekisho.core import Reason
from sekisho.gate import limits
from sekisho.ledger import EntryKind


async def test_a_stream_cut_at_every_byte_never_looks_whole(rig, desk):
    """Whatever the lab's last byte, the caller gets a coded answer or a coded event, and the ledger the outcome."""
    data = stream_bytes(count=1)
    # Every choice has its finish reason and the usage is told: by its own API the answer is complete, and what is
    # missing from here on is the closing mark and HTTP's end.
    finished = data.index(b"data: [DONE]") - len(b"e\r\n\r\n")
    for calls, at in enumerate(range(0, len(data), 3), start=1):
        rig.lab.script = answer_with(data[:at], then_close=True)
        reply = await desk.call(body=chat_body(stream=True))
        # A broken answer may end before its outcome is written; a whole one never does.
        if not reply.is_whole:
            await rig.until(lambda calls=calls: len(rig.log.bodies(EntryKind.CALL_ANSWERED)) == calls)
        outcome = rig.log.bodies(EntryKind.CALL_ANSWERED)[-1]
        if at >= finished:
            assert (reply.is_whole, outcome["outcome"]) == (True, "complete")
        elif reply.status == 200:
            assert not reply.is_whole
            assert Reason.LAB_BROKE_OFF.value.encode() in reply.body
            assert outcome["outcome"] == Reason.LAB_BROKE_OFF.value
        else:
            assert reply.code == Reason.LAB_BROKE_OFF.value
            assert outcome["outcome"] == Reason.LAB_BROKE_OFF.value
    assert len(rig.log.bodies(EntryKind.CALL_INTENDED)) == len(rig.log.bodies(EntryKind.CALL_ANSWERED))


async def test_a_whole_answer_cut_at_every_byte_is_never_passed_on(rig, desk):
    """The same for an answer in one piece: nothing of it reaches the caller unless all of it came."""
    data = whole(CHAT_REPLY)
    for at in range(0, len(data), 7):
        rig.lab.script = answer_with(data[:at], then_close=True)
        reply = await desk.call()
        assert reply.status == 502
        assert b"All good" not in reply.raw


async def test_a_stream_that_ends_without_its_mark_is_not_complete(rig, desk):
    """HTTP's end alone does not make an answer: a lab's proxy may end a message whose model died."""
    frames = chat_events(usage=False)[:-2]

    async def script(request, writer):
        writer.write(STREAM_HEAD + b"".join(map(chunked, frames)))
        await writer.drain()
        # Not together with the frames: what comes with the end is held.
        await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")

    rig.lab.script = script
    reply = await desk.call(body=chat_body(stream=True))
    assert not reply.is_whole
    assert Reason.LAB_BROKE_OFF.value.encode() in reply.body


@pytest.mark.parametrize(
    "data",
    [
        STREAM_HEAD + chunked(b"<html>oops</html>\n\n") + b"0\r\n\r\n",
        STREAM_HEAD + chunked(b"data: not json\n\n") + b"0\r\n\r\n",
        STREAM_HEAD + b"zz\r\n",
        whole(CHAT_REPLY),
    ],
)
async def test_garbage_in_a_stream_is_told(rig, desk, data):
    """A stream that is no stream of its API: coded, with an outcome, never passed on as it is."""
    rig.lab.script = answer_with(data, then_close=True)
    reply = await desk.call(body=chat_body(stream=True))
    assert (reply.status, reply.code) == (502, Reason.LAB_GARBLED.value)
    assert rig.log.bodies(EntryKind.CALL_ANSWERED)[0]["outcome"] == Reason.LAB_GARBLED.value


async def test_the_credential_is_cut_out_of_a_stream_even_across_its_frames(rig, desk):
    """Invariant 3: a lab that echoes the credential is cut off before its last byte passes."""
    frames = chat_events()
    echo = frames[0].replace(b"word0", CREDENTIAL.encode())
    rig.lab.script = answer_with(STREAM_HEAD + chunked(frames[1]) + chunked(echo) + chunked(frames[-1]) + b"0\r\n\r\n")
    reply = await desk.call(body=chat_body(stream=True))
    assert CREDENTIAL.encode() not in reply.raw
    assert Reason.LAB_GARBLED.value.encode() in reply.raw


async def test_a_caller_that_does_not_read_makes_the_lab_wait(rig):
    """Backpressure: memory per stream stays flat; the lab stops being read, not buffered."""
    sent = 0
    frame = chunked(chat_events()[0].replace(b"word0", b"w" * 8_000))

    async def flood(request, writer):
        nonlocal sent
        writer.write(STREAM_HEAD)
        while True:
            writer.write(frame)
            await writer.drain()
            sent += len(frame)

    rig.lab.script = flood
    _reader, writer = await rig.connect(receive_buffer=4_096)
    writer.write(Desk(rig).request(body=chat_body(stream=True)))
    await rig.until(lambda: bool(rig.gate.parts.under_way))
    before = -1
    while before != sent:
        before = sent
        await asyncio.sleep(0.2)
    kernel = 16 * 1_048_576  # loopback's own buffers, both sides
    assert sent < kernel + limits.MAX_LAB_QUEUED_BYTES + limits.MAX_CALLER_QUEUED_BYTES
    (connection,) = rig.gate._connections
    assert connection._transport.get_write_buffer_size() < 4 * limits.MAX_CALLER_QUEUED_BYTES + 65_536
    writer.transport.abort()
    await rig.settled()


async def test_hundreds_of_streams_at_once(rig, desk):
    """Many streams share one process, each whole, each with its entries."""
    go = asyncio.Event()

    async def script(request, writer):
        writer.write(STREAM_HEAD + chunked(chat_events()[0]))
        await writer.drain()
        await go.wait()
        writer.write(b"".join(map(chunked, chat_events()[1:])) + b"0\r\n\r\n")

    rig.lab.script = script
    calls = [asyncio.ensure_future(desk.call(body=chat_body(stream=True))) for _ in range(200)]
    await rig.until(lambda: len(rig.gate.parts.under_way) == 200, timeout_s=15)
    go.set()
    replies = await asyncio.gather(*calls)
    assert all(reply.is_whole for reply in replies)
    outcomes = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert len(outcomes) == 200
    assert {outcome["outcome"] for outcome in outcomes} == {"complete"}
