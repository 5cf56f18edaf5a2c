"""The link over a real socket: who gets a snapshot, who is cut off, and what an answer says of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sekisho.core import SekishoError
from sekisho.server import gate_link
from sekisho.server.gate_link import (
    MAX_FRAME_FROM_GATE_BYTES,
    GateLink,
    GateSilent,
    Hello,
    LinkUnavailable,
    Pushed,
    encode_frame,
)

SECRET = "skl_secret"
HELLO = {"slot": "gate-0", "secret": SECRET, "origin": "p.example/calls/gate-0", "vkey": "k"}


def _pushed(version: int, *, padding: int = 0) -> Pushed:
    return encode_frame({"version": version, "padding": "x" * padding}, size=version, root="", version=version)


class Office:
    """What the link asks of the office: the snapshot to send, and what becomes of checkpoints."""

    def __init__(self) -> None:
        self.hellos: list[Hello] = []
        self.checkpoints: list[tuple[str, str]] = []
        self.current = _pushed(1)
        self.refusal: SekishoError | None = None

    def welcome(self, hello: Hello) -> Pushed:
        self.hellos.append(hello)
        if self.refusal is not None:
            raise self.refusal
        return self.current

    def take(self, slot: str, note: str) -> None:
        self.checkpoints.append((slot, note))
        if self.refusal is not None:
            raise self.refusal


class Gate:
    """A gate's end, as rude as a test needs it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, value: Any) -> None:
        self.writer.write(json.dumps(value).encode() + b"\n")

    async def frame(self) -> Any:
        return json.loads(await asyncio.wait_for(self.reader.readline(), 3))

    async def snapshot(self) -> int:
        """Return the version of the next snapshot, leases passed over."""
        while "snapshot" not in (frame := await self.frame()):
            pass
        return int(frame["snapshot"]["version"])

    async def is_cut_off(self) -> bool:
        try:
            while await asyncio.wait_for(self.reader.read(65_536), 3):
                pass
        except ConnectionError:
            pass
        return True


class Rig:
    """A served link."""

    def __init__(self, folder: Path) -> None:
        self.office = Office()
        self.link = GateLink(
            secrets_by_slot={"gate-0": SECRET}, on_hello=self.office.welcome, on_checkpoint=self.office.take
        )
        self.socket = folder / "g.sock"
        self.opened: list[Gate] = []

    async def connect(self, hello: Any = HELLO) -> Gate:
        gate = Gate(*await asyncio.open_unix_connection(self.socket, limit=2**24))
        self.opened.append(gate)
        if hello is not None:
            gate.send({"hello": hello})
        return gate

    async def wait(self, version: int, timeout_s: float = 2.0) -> dict[str, float | None]:
        since = time.monotonic()
        return await asyncio.to_thread(self.link.wait_in_force, version, since=since, timeout_s=timeout_s)


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A link with short times, and its loop's complaints as failures."""
    monkeypatch.setattr(gate_link, "LEASE_EVERY_S", 0.05)
    monkeypatch.setattr(gate_link, "DRAIN_TIMEOUT_S", 0.2)
    monkeypatch.setattr(gate_link, "HELLO_TIMEOUT_S", 0.3)
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    rig = Rig(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(rig.link.serve(rig.socket))
        while not rig.socket.exists():  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.01)
        yield rig
        serving.cancel()
    for gate in rig.opened:
        gate.writer.close()
    await asyncio.sleep(0.05)
    assert complaints == []


async def test_a_gate_gets_the_snapshot_then_leases_of_what_it_acknowledged(served: Rig) -> None:
    """Five leases a lease's life; each says which snapshot it is for."""
    gate = await served.connect()
    assert await gate.snapshot() == 1
    assert await gate.frame() == {"lease": {"version": 0}}
    gate.send({"ack": {"version": 1}})
    await served.wait(1)
    leases = [await gate.frame() for _ in range(5)]
    assert leases[-1] == {"lease": {"version": 1}}


async def test_the_socket_is_its_owners_alone(served: Rig) -> None:
    """0600: the secret is not all that stands before a stranger on the machine."""
    assert served.socket.stat().st_mode & 0o777 == 0o600


STRANGERS: dict[str, Any] = {
    "wrong secret": {**HELLO, "secret": "skl_secres"},
    "empty secret": {**HELLO, "secret": ""},
    "longer secret": {**HELLO, "secret": SECRET + "x"},
    "secret of another type": {**HELLO, "secret": 5},
    "null secret": {**HELLO, "secret": None},
    "unknown slot": {**HELLO, "slot": "gate-1"},
    "unknown slot, no secret": {**HELLO, "slot": "", "secret": ""},
    "unknown slot, NUL": {**HELLO, "slot": "x", "secret": "\0"},
    "slot of another type": {**HELLO, "slot": ["gate-0"]},
    "no origin": {name: HELLO[name] for name in ("slot", "secret", "vkey")},
    "a list": [HELLO],
    "text": "gate-0",
}


@pytest.mark.parametrize("hello", STRANGERS.values(), ids=STRANGERS)
async def test_a_stranger_is_cut_off_without_a_word(served: Rig, hello: Any) -> None:
    """Not one byte, and the office hears nothing of it."""
    gate = await served.connect(hello)
    assert await asyncio.wait_for(gate.reader.read(), 3) == b""
    assert served.office.hellos == []


GARBAGE = {
    "no JSON": b"hello\n",
    "empty line": b"\n",
    "not UTF-8": b"\xff\xfe\n",
    "no object": b"5\n",
    "two names": b'{"hello":{},"hello":{}}\n',
    "deep": b"[" * 60_000 + b"\n",
    "huge number": b'{"ack":{"version":' + b"9" * 5_000 + b"}}\n",
    "lone surrogate": b'{"checkpoint":"\\ud800"}\n',
    "oversized": b'{"checkpoint":"' + b"x" * (2 * MAX_FRAME_FROM_GATE_BYTES) + b'"}\n',
    "endless line": b"x" * (4 * MAX_FRAME_FROM_GATE_BYTES),
}


@pytest.mark.parametrize("first", [True, False], ids=["as hello", "after hello"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_ends_the_connection_and_nothing_else(served: Rig, garbage: bytes, first: bool) -> None:
    """Whoever sends it; the next gate is served, and no error of a parser reaches the loop."""
    gate = await served.connect(None if first else HELLO)
    if not first:
        await gate.snapshot()
    gate.writer.write(garbage)
    assert await gate.is_cut_off()
    assert served.office.checkpoints == []
    other = await served.connect()
    assert await other.snapshot() == 1


async def test_silence_is_cut_off(served: Rig) -> None:
    """No hello within its time."""
    gate = await served.connect(None)
    assert await gate.is_cut_off()


async def test_a_gate_that_the_office_refuses_gets_no_snapshot(served: Rig) -> None:
    """The office's refusal is the end of the connection."""
    served.office.refusal = SekishoError("no")
    gate = await served.connect()
    assert await asyncio.wait_for(gate.reader.read(), 3) == b""


async def test_a_refused_checkpoint_cuts_the_gate_off(served: Rig) -> None:
    """It denies once its lease lapses."""
    gate = await served.connect()
    await gate.snapshot()
    served.office.refusal = SekishoError("forked")
    gate.send({"checkpoint": "note"})
    assert await gate.is_cut_off()
    assert served.office.checkpoints == [("gate-0", "note")]
    assert await served.wait(1) == {}


async def test_a_push_reaches_the_gate_and_the_answer_says_when(served: Rig) -> None:
    """Milliseconds from durable to applied."""
    gate = await served.connect()
    await gate.snapshot()
    gate.send({"ack": {"version": 1}})
    served.link.push(_pushed(2))
    assert await gate.snapshot() == 2
    waiting = asyncio.ensure_future(served.wait(2))
    await asyncio.sleep(0.05)
    gate.send({"ack": {"version": 2}})
    (ms,) = (await waiting).values()
    assert ms is not None
    assert 40 < ms < 1000


async def test_a_gate_that_does_not_answer_is_told_as_none(served: Rig) -> None:
    """After the time that was given, not for ever; an old acknowledgement does not count."""
    gate = await served.connect()
    await gate.snapshot()
    gate.send({"ack": {"version": 1}})
    served.link.push(_pushed(2))
    assert await served.wait(2, timeout_s=0.2) == {"gate-0": None}


@pytest.mark.parametrize("ack", [{"version": "2"}, {"version": None}, {}, [2], 2, {"version": [2]}])
async def test_an_acknowledgement_of_another_shape_is_none(served: Rig, ack: Any) -> None:
    """Nothing is taken for a version."""
    gate = await served.connect()
    await gate.snapshot()
    gate.send({"ack": ack})
    assert await served.wait(1, timeout_s=0.1) == {"gate-0": None}


async def test_without_gates_there_is_nothing_to_wait_for(served: Rig) -> None:
    """At once."""
    assert await served.wait(99) == {}


async def test_a_gate_that_goes_away_is_no_longer_waited_for(served: Rig) -> None:
    """The wait ends when the connection does."""
    gate = await served.connect()
    await gate.snapshot()
    waiting = asyncio.ensure_future(served.wait(1, timeout_s=3))
    await asyncio.sleep(0.05)
    gate.writer.close()
    assert await asyncio.wait_for(waiting, 1) == {}


async def test_a_push_while_a_gate_is_welcomed_is_not_lost(served: Rig) -> None:
    """The office's answer may be older than what was pushed meanwhile: the newer one goes out."""
    real = served.office.welcome

    def slow(hello: Hello) -> Pushed:
        time.sleep(0.1)
        return real(hello)

    served.link._on_hello = slow
    gate = await served.connect()
    await asyncio.sleep(0.03)
    served.link.push(_pushed(7))
    assert await gate.snapshot() == 7


async def test_a_second_connection_takes_the_slot_over(served: Rig) -> None:
    """A gate that was restarted; what the old one left is cut off, and its end does not end the new one."""
    first = await served.connect()
    await first.snapshot()
    second = await served.connect()
    await second.snapshot()
    assert await first.is_cut_off()
    second.send({"ack": {"version": 1}})
    (ms,) = (await served.wait(1)).values()
    assert ms is not None
    served.link.push(_pushed(2))
    assert await second.snapshot() == 2


async def test_a_gate_that_does_not_read_is_dropped_and_no_longer_waited_for(served: Rig) -> None:
    """Its socket never drains: closing politely would keep it, and every act would wait for it."""
    stuck = await served.connect()
    await stuck.snapshot()
    stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport too
    for version in range(2, 12):
        served.link.push(_pushed(version, padding=1_000_000))
    for _ in range(60):
        if await served.wait(11, timeout_s=0.05) == {}:
            break
    else:
        pytest.fail("the stuck gate is still waited for")
    served.office.current = _pushed(11)
    gate = await served.connect()
    assert await gate.snapshot() == 11


async def test_a_socket_left_by_a_crash_is_no_hindrance(tmp_path: Path) -> None:
    """A killed process leaves its socket; the next one takes the name over."""
    (tmp_path / "g.sock").write_bytes(b"")
    rig = Rig(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(rig.link.serve(rig.socket))
        await asyncio.sleep(0.05)
        gate = await rig.connect()
        assert await gate.snapshot() == 1
        serving.cancel()
    assert await gate.is_cut_off()
    gate.writer.close()


@pytest.mark.parametrize("where", [lambda folder: folder / "no" / "g.sock", lambda folder: folder / ("x" * 200)])
async def test_a_socket_that_cannot_be_made_is_a_refusal_of_ours(tmp_path: Path, where: Callable[[Path], Path]) -> None:
    """A folder that is gone, a path too long."""
    with pytest.raises(LinkUnavailable):
        await Rig(tmp_path).link.serve(where(tmp_path))


async def test_a_question_is_answered_by_the_gate_it_was_asked_of(served: Rig) -> None:
    """By its number; a second answer, or one that nobody asked for, changes nothing."""
    gate = await served.connect()
    await gate.snapshot()
    asked = asyncio.ensure_future(asyncio.to_thread(served.link.ask, "gate-0", {"locate": ["x"]}, timeout_s=3))
    while "ask" not in (frame := await gate.frame()):
        pass
    assert frame["ask"]["locate"] == ["x"]
    gate.send({"told": {"question": 999, "calls": []}})
    for answer in ("first", "second"):
        gate.send({"told": {"question": frame["ask"]["question"], "calls": [answer]}})
    assert (await asked)["calls"] == ["first"]


async def test_nobody_waits_for_a_gate_that_left_or_is_silent(served: Rig) -> None:
    """Not connected, gone while it was asked, or without an answer in time."""
    with pytest.raises(GateSilent):
        await asyncio.to_thread(served.link.ask, "gate-0", {"locate": ["x"]}, timeout_s=3)
    gate = await served.connect()
    await gate.snapshot()
    with pytest.raises(GateSilent):
        await asyncio.to_thread(served.link.ask, "gate-0", {"locate": ["x"]}, timeout_s=0.05)
    asked = asyncio.ensure_future(asyncio.to_thread(served.link.ask, "gate-0", {"locate": ["x"]}, timeout_s=30))
    while "ask" not in await gate.frame():
        pass
    gate.writer.transport.abort()
    with pytest.raises(GateSilent):
        await asyncio.wait_for(asked, 3)


async def test_a_gate_that_connects_is_told_all_that_is_erased(served: Rig) -> None:
    """In questions of a size that it takes."""
    ids = tuple(f"req_{number:026d}" for number in range(450))
    served.link._erased_at = lambda slot: ids if slot == "gate-0" else ()
    gate = await served.connect()
    told: list[str] = []
    while len(told) < len(ids):
        frame = await gate.frame()
        if "ask" in frame:
            assert len(frame["ask"]["erase"]) <= 200
            told += frame["ask"]["erase"]
    assert tuple(told) == ids
