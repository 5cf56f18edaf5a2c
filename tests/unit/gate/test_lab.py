"""Connections to a lab: kept, dropped, and never trusted to be idle."""

import asyncio

import pytest
from gate_rig import CHAT_REPLY, CREDENTIAL, ScriptedLab, answer_with, whole

from sekisho.core import Reason
from sekisho.gate import limits
from sekisho.gate.lab import LabConnection, LabPool
from sekisho.gate.lab_answer import AnswerEnd
from sekisho.gate.lifeline import CutShort, Lifeline
from sekisho.gate.settings import Upstream
from sekisho.labs import LabEndpoint, dialect_named

REQUEST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"


def upstream(url: str) -> Upstream:
    return Upstream(
        party="lab-a", endpoint=LabEndpoint.parse(url), dialect=dialect_named("openai"), credential=CREDENTIAL
    )


@pytest.fixture
async def lab():
    lab = ScriptedLab()
    port = await lab.start()
    lab.script = answer_with(whole(CHAT_REPLY))
    pool = LabPool(upstream(f"http://127.0.0.1:{port}"), loop=asyncio.get_running_loop())
    yield lab, pool
    pool.close()
    await lab.stop()


async def take_all(connection: LabConnection) -> AnswerEnd:
    lifeline = Lifeline(asyncio.get_running_loop())
    while True:
        event = await connection.next_event(lifeline, timeout_s=2)
        if isinstance(event, AnswerEnd):
            return event


async def test_a_connection_is_used_again_after_a_whole_answer_alone(lab):
    """What is left in a connection must never become the next call's answer."""
    _, pool = lab
    first = await pool.connect()
    first.send(REQUEST)
    pool.give_back(first, await take_all(first), unused=False)
    again = await pool.connect()
    assert again is first
    again.send(REQUEST)
    pool.give_back(again, None, unused=False)
    assert again.is_lost
    assert await pool.connect() is not again


@pytest.mark.parametrize("greeting", [b"", b"220 mail.example ready\r\n"])
async def test_a_lab_that_hangs_up_or_speaks_first_is_unreachable(greeting):
    """A connection that was lost before anything was sent must not leave a call waiting for its answer."""

    async def greet(reader, writer):
        writer.write(greeting)
        await writer.drain()
        writer.close()

    class BusyLoop:
        """The event loop, on a machine where the lab is faster than the gate."""

        def __getattr__(self, name):
            return getattr(asyncio.get_running_loop(), name)

        async def create_connection(self, *args, **options):
            made = await asyncio.get_running_loop().create_connection(*args, **options)
            await asyncio.sleep(0.05)
            return made

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(CutShort) as cut:
        await LabPool(upstream(f"http://127.0.0.1:{port}"), loop=BusyLoop()).connect()
    assert cut.value.reason is Reason.LAB_UNREACHABLE
    server.close()


async def test_a_connection_that_still_sends_is_not_used_again():
    """An answer that came before the request had left: the rest of it must not meet the next one."""

    async def answer_early(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(whole(CHAT_REPLY))
        await answered.wait()
        writer.transport.abort()

    answered = asyncio.Event()
    server = await asyncio.start_server(answer_early, "127.0.0.1", 0, limit=1_024)
    port = server.sockets[0].getsockname()[1]
    pool = LabPool(upstream(f"http://127.0.0.1:{port}"), loop=asyncio.get_running_loop())
    connection = await pool.connect()
    connection.send(b"POST / HTTP/1.1\r\nContent-Length: 16777216\r\n\r\n" + b"x" * 16_777_216)
    pool.give_back(connection, await take_all(connection), unused=False)
    assert connection.is_lost
    answered.set()
    server.close()
    await asyncio.sleep(0.01)


async def test_an_idle_connection_is_dropped_before_the_lab_drops_it(lab, monkeypatch):
    """Our patience ends before a common server's does."""
    _, pool = lab
    first = await pool.connect()
    first.send(REQUEST)
    pool.give_back(first, await take_all(first), unused=False)
    monkeypatch.setattr(limits, "LAB_KEEP_S", -1.0)
    other = await pool.connect()
    assert other is not first
    other.close()


async def test_a_lab_that_speaks_out_of_turn_loses_its_connection(lab):
    """Response queue poisoning: bytes of an idle connection are no answer to anything."""
    scripted, pool = lab

    async def script(request, writer):
        writer.write(whole(CHAT_REPLY))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(whole(b'{"poisoned":true}'))

    scripted.script = script
    first = await pool.connect()
    first.send(REQUEST)
    pool.give_back(first, await take_all(first), unused=False)
    await asyncio.sleep(0.15)
    assert first.is_lost
    assert await pool.connect() is not first


async def test_a_lab_without_a_certificate_that_we_know_is_unreachable(lab):
    """TLS by the system's rules; what failed in it is not told."""
    pool = LabPool(
        upstream(f"https://127.0.0.1:{lab[1]._upstream.endpoint.port}"),
        loop=asyncio.get_running_loop(),
        connect_timeout_s=1,
    )
    with pytest.raises(CutShort) as cut:
        await pool.connect()
    assert cut.value.reason in {Reason.LAB_UNREACHABLE, Reason.LAB_TIMEOUT}
