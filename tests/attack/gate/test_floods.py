"""Floods that cost their sender little: the gate's memory and time must not be what they cost."""

import asyncio
import socket

from sekisho.gate import limits

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
