"""One caller's connection: time limits, strangers, early bytes, and what the gate keeps of them."""

import asyncio

import pytest
from gate_rig import CHAT_REPLY, Desk, chat_body, never_answer, open_rig, read_reply, whole

from sekisho.core import Reason
from sekisho.gate import limits
from sekisho.gate.connection import Patience
from sekisho.ledger import EntryKind

HURRIED = Patience(head_s=0.1, body_s=0.1, idle_s=0.1, stalled_s=0.1)


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"POST /v1/responses HTTP/1.1\r\nHost: a\r\n", b"408"),
        (b"POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", b"408"),
        (b"", b""),
    ],
)
async def test_a_slow_request_is_ended(start, status):
    """Slow head, slow body, and silence each have their end; silence gets no answer."""
    async with open_rig(patience=HURRIED) as rig:
        raw = await rig.exchange_raw(start, timeout_s=2)
        assert raw.split(b" ")[1:2] == ([status] if status else [])


async def test_a_drip_does_not_renew_its_time():
    """Slowloris: the time of a head runs from its first byte, however many follow."""
    async with open_rig(patience=HURRIED) as rig:
        reader, writer = await rig.connect()
        writer.write(b"POST /v1/responses HTTP/1.1\r\n")
        started = asyncio.get_running_loop().time()
        while not reader.at_eof() and asyncio.get_running_loop().time() - started < 2:
            writer.write(b"X: a\r\n")
            try:
                async with asyncio.timeout(0.03):
                    await reader.read(1000)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert asyncio.get_running_loop().time() - started < 1
        writer.transport.abort()


async def test_an_idle_connection_is_closed_after_an_answer():
    """A kept connection that says nothing is let go."""
    async with open_rig(patience=HURRIED) as rig:
        raw = await rig.exchange_raw(Desk(rig).request(), timeout_s=2)
        assert raw.endswith(CHAT_REPLY)
        await rig.until(lambda: not rig.gate._connections)


async def test_a_stalled_caller_is_dropped():
    """A caller that takes nothing is gone, whatever its socket says; its outcome is the whole answer's."""
    async with open_rig(patience=Patience(stalled_s=0.2)) as rig:
        reply = whole(CHAT_REPLY.replace(b"All good.", b"a" * 12_000_000))

        async def script(request, writer):
            writer.write(reply)

        rig.lab.script = script
        _, writer = await rig.connect(receive_buffer=4_096)
        writer.write(Desk(rig).request())
        await rig.settled()
        await rig.until(lambda: not rig.gate._connections, timeout_s=3)
        writer.transport.abort()


async def test_strangers_make_the_gate_keep_nothing(rig):
    """Who is calling is settled on the head: the body of a stranger is read over, not kept."""
    reader, writer = await rig.connect()
    writer.write(b"POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n" + b"x" * 80_000)
    await asyncio.sleep(0.05)
    (connection,) = rig.gate._connections
    assert not connection._body
    assert rig.gate._kept_bytes == 0
    writer.write(b"x" * 10_000)
    assert (await read_reply(reader)).status == 401
    writer.transport.abort()


async def test_room_for_bodies_is_given_back(rig, desk, monkeypatch):
    """The bound on all bodies together: beyond it a call is denied with its code, and the room comes back."""
    assert (await desk.call()).status == 200
    assert rig.gate._kept_bytes == 0
    monkeypatch.setattr(limits, "MAX_BODIES_BYTES", 10)
    reply = await desk.call()
    assert (reply.status, reply.code) == (503, Reason.GATE_STOPPING.value)
    assert rig.gate._kept_bytes == 0


async def test_there_is_an_end_to_connections_and_to_calls(rig, desk, monkeypatch):
    """Beyond the most a gate carries: no connection, or a denial."""
    monkeypatch.setattr(limits, "MAX_CALLS", 0)
    assert (await desk.call()).code == Reason.GATE_STOPPING.value
    monkeypatch.setattr(rig.gate, "_max_connections", 0)
    assert await rig.exchange_raw(b"GET / HTTP/1.1\r\n\r\n") == b""


async def test_leave_to_continue_is_given_to_callers_and_not_to_strangers(rig, desk):
    """RFC 9110 10.1.1: a body is asked for once it is known whose it is."""
    data = desk.request(extra=(("Expect", "100-continue"),))
    head, _, body = data.partition(b"\r\n\r\n")
    reader, writer = await rig.connect()
    writer.write(head + b"\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await read_reply(reader)).status == 200
    writer.transport.abort()
    stranger = b"POST /v1/responses HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    raw = await rig.exchange_raw(stranger)
    assert raw.startswith(b"HTTP/1.1 401")


async def test_a_pipelined_request_is_not_served(rig, desk):
    """The first is answered, then the connection closes: no byte of a second one is taken for anything."""
    raw = await rig.exchange_raw(desk.request() + desk.request(), timeout_s=3)
    assert raw.count(b"HTTP/1.1 200") == 1
    assert len(rig.lab.requests) == 1
    rig.lab.script = _slow_chat
    reader, writer = await rig.connect()
    writer.write(desk.request())
    await rig.until(lambda: len(rig.lab.requests) == 2)
    writer.write(desk.request())
    raw = await asyncio.wait_for(reader.read(), 3)
    assert raw.count(b"HTTP/1.1 200") == 1
    assert len(rig.lab.requests) == 2
    writer.transport.abort()


async def _slow_chat(request, writer):
    await asyncio.sleep(0.05)
    writer.write(whole(CHAT_REPLY))


async def test_a_flood_during_a_call_ends_the_connection(rig, desk):
    """Bytes that nobody reads are not taken for ever."""
    rig.lab.script = never_answer
    _reader, writer = await rig.connect()
    writer.write(desk.request())
    await rig.until(lambda: len(rig.lab.requests) == 1)
    writer.write(b"x" * (limits.MAX_EARLY_BYTES + 1))
    (outcome,) = await rig.settled()
    assert outcome["outcome"] == Reason.CALLER_LEFT.value
    writer.transport.abort()


async def test_a_caller_may_ask_for_the_connection_to_close(rig, desk):
    """RFC 9112 9.6: the answer says so too."""
    raw = await rig.exchange_raw(desk.request(extra=(("Connection", "close"),)), timeout_s=3)
    assert b"connection: close" in raw
    assert raw.endswith(CHAT_REPLY)


async def test_stopping_lets_calls_end_and_takes_no_more(rig, desk):
    """SIGTERM: what is under way is answered; idle connections close; nothing new begins."""
    release = asyncio.Event()

    async def script(request, writer):
        await release.wait()
        writer.write(whole(CHAT_REPLY))

    rig.lab.script = script
    idle_reader, idle_writer = await rig.connect()
    calling = asyncio.ensure_future(desk.call())
    await rig.until(lambda: len(rig.lab.requests) == 1)
    stopping = asyncio.ensure_future(rig.gate.stop(within_s=5))
    assert await asyncio.wait_for(idle_reader.read(), 2) == b""
    assert await rig.exchange_raw(desk.request()) == b""
    release.set()
    assert (await calling).status == 200
    await stopping
    idle_writer.transport.abort()


async def test_what_does_not_end_in_time_is_cut_and_told(rig, desk):
    """The drain has an end, and each call its outcome."""
    rig.lab.script = never_answer
    calling = asyncio.ensure_future(desk.call(body=chat_body(stream=True)))
    await rig.until(lambda: len(rig.lab.requests) == 1)
    await rig.gate.stop(within_s=0.05)
    assert (await calling).code == Reason.GATE_STOPPING.value
    assert rig.log.bodies(EntryKind.CALL_ANSWERED)[0]["outcome"] == Reason.GATE_STOPPING.value
