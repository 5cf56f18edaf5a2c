"""The gate's end of the link, against a scripted control plane on a unix socket."""

import asyncio
import json

import pytest
from gate_rig import ROOT, Desk, make_snapshot, with_grant

from sekisho.access import GrantState, snapshot_to_json
from sekisho.core import Reason, SekishoError
from sekisho.gate.link import Hello, Link, take_frame

HELLO = Hello(slot="gate-0", secret="s3cret", origin="sekisho.example/calls/gate-0", vkey="v")


def frame(value) -> bytes:
    return json.dumps(value).encode() + b"\n"


def snapshot_frame(snapshot) -> bytes:
    return frame({"snapshot": snapshot_to_json(snapshot), "decisions": {"size": 12, "root": ROOT}})


class Control:
    """A control plane that says what it is told to say."""

    def __init__(self) -> None:
        self.heard: list[dict] = []
        self.writer: asyncio.StreamWriter | None = None
        self.connections = 0

    async def serve(self, reader, writer):
        self.writer = writer
        self.connections += 1
        try:
            while line := await reader.readline():
                self.heard.append(json.loads(line))
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    def of(self, name):
        return [frame[name] for frame in self.heard if name in frame]


@pytest.fixture
async def control(rig, tmp_path):
    control, notes = Control(), ["note 1"]
    server = await asyncio.start_unix_server(control.serve, path=tmp_path / "gate.sock")
    link = Link(rig.gate, socket=tmp_path / "gate.sock", hello=HELLO, read_checkpoint=lambda: notes[0])
    running = asyncio.ensure_future(link.run())
    await rig.until(lambda: control.of("hello"))
    yield control
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    if control.writer is not None:
        control.writer.transport.abort()
    await asyncio.sleep(0.01)


async def test_a_gate_says_who_it_is_obeys_and_acknowledges(rig, control):
    """Contract: hello first; a snapshot is acknowledged once it is in force; the checkpoint follows."""
    assert control.of("hello") == [
        {"slot": "gate-0", "secret": "s3cret", "origin": "sekisho.example/calls/gate-0", "vkey": "v"}
    ]
    control.writer.write(snapshot_frame(make_snapshot(version=7)))
    await rig.until(lambda: control.of("ack") == [{"version": 7}])
    assert rig.gate.parts.lease.latest.version == 7
    await rig.until(lambda: control.of("checkpoint") == ["note 1"])


async def test_a_revocation_takes_effect_within_its_time(rig, control, desk):
    """Invariant 8: from the frame to the first denial well under 100 ms."""
    assert (await desk.call()).status == 200
    started = asyncio.get_running_loop().time()
    control.writer.write(snapshot_frame(with_grant(make_snapshot(), state=GrantState.REVOKED)))
    await rig.until(lambda: control.of("ack") != [])
    assert asyncio.get_running_loop().time() - started < 0.1
    assert (await desk.call()).status == 403


async def test_a_lost_link_is_taken_up_again_and_calls_go_on_under_the_lease(rig, control, desk):
    """A control plane that restarts costs nothing within the lease."""
    control.writer.transport.abort()
    assert (await desk.call()).status == 200
    await rig.until(lambda: control.connections == 2)
    control.writer.write(frame({"lease": {"version": 1}}))
    assert (await desk.call()).status == 200


async def test_frames_that_waited_while_the_gate_stood_still_renew_nothing(rig, control, desk):
    """Invariant 8: leases that were sent before a revocation was, and read after, must not outlive it. The gate
    connects anew, and is told what is in force."""
    control.writer.write(snapshot_frame(make_snapshot(version=2)))
    await rig.until(lambda: control.of("ack"))
    rig.monotonic[0] += 60
    control.writer.write(frame({"lease": {"version": 2}}) * 30)
    await rig.until(lambda: control.connections == 2)
    assert (await desk.call()).code == Reason.SNAPSHOT_STALE.value
    control.writer.write(snapshot_frame(with_grant(make_snapshot(version=2), state=GrantState.REVOKED)))
    await rig.until(lambda: len(control.of("ack")) == 2)
    assert (await desk.call()).code == Reason.GRANT_REVOKED.value


async def test_a_bad_frame_drops_the_link_and_keeps_what_is_in_force(rig, control):
    """What cannot be obeyed is not half obeyed."""
    control.writer.write(b'{"snapshot": {}, "decisions": {"size": 1, "root": "x"}}\n')
    await rig.until(lambda: control.connections == 2)
    assert rig.gate.parts.lease.latest.version == 1


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]\n",
        b"{}\n",
        b'{"lease":{"version":"1"}}\n',
        b'{"lease":{"version":true}}\n',
        b'{"lease":{"version":1},"lease":{"version":2}}\n',
        b'{"open":"sesame"}\n',
        b'{"snapshot":null,"decisions":{"size":1,"root":""}}\n',
        snapshot_frame(make_snapshot(version=0)),
    ],
)
async def test_frames_are_read_strictly(rig, line):
    """A gate that guessed would enforce what nobody signed."""
    with pytest.raises(SekishoError):
        take_frame(rig.gate, line)
    assert rig.gate.parts.lease.latest.version == 1
    assert (await Desk(rig).call()).status == 200
