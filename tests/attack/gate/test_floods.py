"""Floods that cost their sender little: the gate's memory and time must not be what they cost."""

import asyncio
import gc
import socket
import tracemalloc

from gate_rig import CHAT_REPLY, STREAM_HEAD, answer_with, chat_body, chat_events, chunked, whole

from sekisho.gate import limits
from sekisho.gate.lab import LabConnection

STRANGE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_answers_that_nobody_reads_are_not_piled_up(rig, monkeypatch):
    """A stranger who asks without listening is let go once the buffer is full, not given memory for ever."""
    monkeypatch.setattr(limits, "MAX_CALLER_QUEUED_BYTES", 8_192)
    loop, deaf, kept = asyncio.get_running_loop(), socket.socket(), 0
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    # Each request in a packet of its own: two in one would end the connection for that.
    deaf.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    deaf.setblocking(False)
    await loop.sock_connect(deaf, ("127.0.0.1", rig.port))
    await rig.until(lambda: bool(rig.gate._connections))
    (connection,) = rig.gate._connections
    connection._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2_048)
    for _ in range(200):
        await loop.sock_sendall(deaf, STRANGE)
        await asyncio.sleep(0.0005)
        kept = max(kept, connection._transport.get_write_buffer_size())
        if connection._transport.is_closing():
            break
    deaf.close()
    assert kept < 2 * 8_192


async def test_a_body_in_tiny_chunks_costs_what_it_weighs(rig, desk):
    """An authenticated caller's 100 kB must not become megabytes of two-byte objects."""
    head = desk.request(body=b"").partition(b"\r\n\r\n")[0].replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    _reader, writer = await rig.connect()
    writer.write(head + b"\r\n\r\n")
    await rig.until(lambda: any(connection._caller for connection in rig.gate._connections))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(45):
        writer.write(b"2\r\nab\r\n" * 1_000)
        await writer.drain()
    await rig.until(lambda: rig.gate._kept_bytes == 90_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    writer.transport.abort()
    assert after - before < 4 * 90_000


async def test_an_answer_in_tiny_chunks_and_packets_is_held_in_bounded_memory(rig, desk):
    """A lab that chops its stream into single bytes fills the queue of a stalled call no further than another."""
    frame = chat_events()[0].replace(b"word0", b"x" * 4_000)
    chopped = b"".join(chunked(bytes([byte])) for byte in frame)

    async def flood(request, writer):
        writer.write(STREAM_HEAD)
        while True:
            writer.write(chopped)
            await writer.drain()
            await asyncio.sleep(0.0005)

    rig.lab.script = flood
    _reader, writer = await rig.connect(receive_buffer=4_096)
    writer.write(desk.request(body=chat_body(stream=True)))
    await rig.until(lambda: bool(rig.gate.parts.under_way))
    (lab,) = (thing for thing in gc.get_objects() if isinstance(thing, LabConnection) and not thing.is_lost)
    await rig.until(lambda: lab._paused)
    assert len(lab._events) < limits.MAX_LAB_QUEUED_BYTES // 64
    writer.transport.abort()
    await rig.settled()


async def test_a_large_answer_is_kept_once_while_a_slow_caller_takes_it(rig, desk):
    """What waits for a caller is one copy of the lab's answer, not the answer and what was made of it."""
    size = 8_000_000
    rig.lab.script = answer_with(whole(CHAT_REPLY.replace(b"All good.", b"A" * size)))
    _reader, writer = await rig.connect(receive_buffer=4_096)
    request = desk.request()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    writer.write(request)
    await rig.settled()
    await asyncio.sleep(0.1)
    rig.lab.script = answer_with(b"")
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    writer.transport.abort()
    await rig.until(lambda: rig.gate._idle.is_set())
    assert after - before < 1.5 * size
