"""The gate as a process of its own: what it imports, how it starts and ends, what a kill leaves."""

import asyncio
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from gate_rig import (
    CHAT_REPLY,
    CREDENTIAL,
    GRT,
    ISSUER,
    ISSUER_KEY,
    ROOT,
    Desk,
    ScriptedLab,
    chat_body,
    chat_events,
    make_snapshot,
    never_answer,
    read_reply,
)

from sekisho.access import snapshot_to_json
from sekisho.core import Reason, SteadyClock, Window
from sekisho.gate import limits
from sekisho.gate.budget import Budgets
from sekisho.gate.process import RandomIds, SystemClock, count_connections, elapsed_s
from sekisho.ledger import EntryKind, Log, verify_ledger

FOREIGN = frozenset(
    {"aiohttp", "alembic", "anthropic", "fastapi", "httpx", "httpx2", "openai", "pydantic", "requests"}
    | {"sqlalchemy", "starlette", "typer", "uvicorn"}
)


def test_the_process_holds_nothing_that_it_does_not_need():
    """Invariant 9 and the map: no web framework, no database library, no agent library beside the credentials."""
    code = "import sys, sekisho.gate.__main__; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {name.split(".")[0] for name in loaded} & FOREIGN
    assert not [name for name in loaded if name.startswith(("sekisho.db", "sekisho.server", "sekisho.taint"))]
    assert "sekisho.gate.process" in loaded


def test_the_system_gives_time_and_ids():
    """Ids are 26 characters of Crockford base 32 and do not repeat; time is aware UTC."""
    ids = [RandomIds().new("req") for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(len(made) == 30 and made.startswith("req_") for made in ids)
    assert SystemClock().now().utcoffset() == timedelta(0)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux has it")
def test_the_lease_runs_while_the_machine_sleeps():
    """Python's monotonic clock stands still meanwhile; the gate's is the one since boot, sleep included."""
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= elapsed_s() <= time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Place:
    """A data directory with one gate in it, a scripted lab, and a scripted control plane."""

    root: Path
    lab: ScriptedLab
    key: Ed25519PrivateKey
    heard: list[dict]
    process: asyncio.subprocess.Process | None = None

    @property
    def run(self) -> dict:
        return json.loads((self.root / "run" / "gate-0.json").read_text())

    def open_log(self) -> Log:
        return Log.open(
            store=self.root / "gate-0" / "calls.db",
            public=self.root / "ledger" / "calls" / "gate-0",
            origin="sekisho.example/calls/gate-0",
            key=self.key,
            clock=SystemClock(),
        )

    def entries(self) -> list:
        log = self.open_log()
        try:
            return [entry for _, entry in log.entries()]
        finally:
            log.close()

    async def start(self, *, most_files: int | None = None) -> None:
        (self.root / "run" / "gate-0.json").unlink(missing_ok=True)
        with (self.root / "stderr").open("ab") as stderr:
            self.process = await asyncio.create_subprocess_exec(
                *(() if most_files is None else ("prlimit", f"--nofile={most_files // 2}:{most_files}")),
                *(sys.executable, "-m", "sekisho.gate", "--data", str(self.root), "--slot", "gate-0"),
                stderr=stderr,
            )
        await _until((self.root / "run" / "gate-0.json").exists)
        acknowledged = len(self.heard)
        await _until(lambda: any("ack" in frame for frame in self.heard[max(0, acknowledged - 2) :]))

    async def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 15)

    async def desk(self) -> Desk:
        """Return a defender of the running gate, with the nonce that the gate gives to strangers."""
        port, origin = self.run["port"], self.run["origin"]

        async def exchange(data: bytes):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            try:
                async with asyncio.timeout(10):
                    return await read_reply(reader)
            finally:
                writer.transport.abort()

        stranger = await exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        nonce = stranger.fields["dpop-nonce"]
        clock = SteadyClock(datetime.now(UTC).replace(microsecond=0))  # noqa: TID251  # the process has the real clock
        rig = SimpleNamespace(clock=clock, nonce=lambda: nonce, proofs=0, exchange=exchange, origin=origin, port=port)
        return Desk(rig)

    async def call(self, desk: Desk, **options):
        """Make a call with token and proof for this gate's own origin."""
        return await desk.rig.exchange(self.request(desk, **options))

    def request(self, desk: Desk, **options) -> bytes:
        token = desk.token(audience=desk.rig.origin)
        proof = desk.proof(token, "", url=desk.rig.origin + "/v1/chat/completions")
        return desk.request(token=token, proof=proof, **options)


async def _until(condition, timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # another process has no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture
async def place(tmp_path):
    async with open_place(tmp_path) as place:
        yield place


@asynccontextmanager
async def open_place(root: Path):
    lab, heard = ScriptedLab(), []
    lab_port = await lab.start()
    for folder in ("gate-0", "run", "control"):
        (root / folder).mkdir()
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    gate = {
        "slot": "gate-0",
        "host": "127.0.0.1",
        "port": 0,
        "admin_port": 0,
        "origin": None,
        "programme": "sekisho.example",
        "control_socket": str(root / "control" / "gate.sock"),
        "run_file": str(root / "run" / "gate-0.json"),
        "max_body_bytes": 100_000,
    }
    labs = [
        {"party": "lab-a", "base_url": f"http://127.0.0.1:{lab_port}", "dialect": "openai", "credential": CREDENTIAL}
    ]
    _write(root / "gate-0" / "gate.json", json.dumps(gate).encode())
    _write(root / "gate-0" / "labs.json", json.dumps({"labs": labs}).encode())
    _write(root / "gate-0" / "ledger.pem", pem)
    _write(root / "gate-0" / "link.token", b"skl_secret\n")
    writers = []

    async def control(reader, writer):
        writers.append(writer)
        try:
            heard.append(json.loads(await reader.readline()))
            writer.write(_snapshot_frame())
            async with asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(_renew(writer))
                while line := await reader.readline():
                    heard.append(json.loads(line))
                renewing.cancel()
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_unix_server(control, path=root / "control" / "gate.sock")
    place = Place(root=root, lab=lab, key=key, heard=heard)
    try:
        await place.start()
        yield place
    finally:
        await place.end(signal.SIGKILL)
        server.close()
        await lab.stop()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.02)


async def _renew(writer) -> None:
    while True:
        await asyncio.sleep(1)
        writer.write(b'{"lease":{"version":1}}\n')


def _snapshot_frame() -> bytes:
    now = datetime.now(UTC)  # noqa: TID251  # the process has the real clock
    window = Window(opens=now - timedelta(days=1), closes=now + timedelta(days=1))
    base = make_snapshot()
    snapshot = replace(base, grants=tuple(replace(grant, window=window) for grant in base.grants))
    value = {"snapshot": snapshot_to_json(snapshot), "decisions": {"size": 3, "root": ROOT}}
    return json.dumps(value).encode() + b"\n"


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)


async def test_a_process_serves_calls_and_ends_in_order(place):
    """From start to SIGTERM: run file, hello, call, stream, readiness, published ledger, exit code 0."""
    assert oct(os.stat(place.root / "run" / "gate-0.json").st_mode & 0o777) == "0o600"
    hello = next(frame["hello"] for frame in place.heard if "hello" in frame)
    assert (hello["slot"], hello["secret"], hello["origin"]) == ("gate-0", "skl_secret", "sekisho.example/calls/gate-0")
    desk = await place.desk()
    durable = []
    place.lab.on_request = lambda: durable.append(_count_intents(place))
    reply = await place.call(desk)
    assert (reply.status, reply.body) == (200, CHAT_REPLY)
    stream = await place.call(desk, body=chat_body(stream=True))
    assert stream.is_whole
    assert stream.body.count(b"data: ") == len(chat_events()) - 1
    assert (await place.call(desk, body=chat_body(model="none-such"))).status == 403
    # Invariant 1, read from the store itself by another process, at the moment the lab has the request.
    assert durable == [1, 2]
    reader, writer = await asyncio.open_connection("127.0.0.1", place.run["admin_port"])
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"200 OK" in await reader.read()
    writer.transport.abort()
    await _until(lambda: any("checkpoint" in frame for frame in place.heard))
    assert await place.end(signal.SIGTERM) == 0
    assert verify_ledger(place.root / "ledger" / "calls" / "gate-0", vkey=hello["vkey"]).is_verified
    kinds = [entry.kind for entry in place.entries()]
    assert kinds == [
        EntryKind.CALL_INTENDED,
        EntryKind.CALL_ANSWERED,
        EntryKind.CALL_INTENDED,
        EntryKind.CALL_ANSWERED,
        EntryKind.CALL_DENIED,
        EntryKind.DENIALS_COUNTED,
    ]
    log = (place.root / "stderr").read_text()
    assert all(json.loads(line) for line in log.splitlines())
    assert CREDENTIAL not in log
    assert "skl_secret" not in log


def _count_intents(place: Place) -> int:
    with closing(sqlite3.connect(place.root / "gate-0" / "calls.db")) as store:
        rows = store.execute("SELECT data FROM entries").fetchall()
    return sum(b"call-intended/v1" in data for (data,) in rows)


async def test_a_kill_leaves_the_intent_and_the_budget_counts_it(place):
    """No call without its intent, whenever the process dies; the gap is visible, and paid for."""
    place.lab.script = never_answer
    desk = await place.desk()
    _, writer = await asyncio.open_connection("127.0.0.1", desk.rig.port)
    writer.write(place.request(desk))
    await _until(lambda: len(place.lab.requests) == 1)
    await place.end(signal.SIGKILL)
    writer.transport.abort()
    entries = place.entries()
    assert [entry.kind for entry in entries] == [EntryKind.CALL_INTENDED]
    budgets = Budgets()
    budgets.restore(entries)
    assert budgets.spent(GRT) == (entries[0].body["reserved_tokens"], 1)


@pytest.mark.parametrize(("files", "connections"), [(10**6, limits.MAX_CONNECTIONS), (1024, 384), (256, 1), (3, 1)])
def test_every_connection_can_have_its_call(files, connections):
    """Two descriptors each, after what the ledger and the link need."""
    assert count_connections(files) == connections


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit of util-linux")
async def test_strangers_cannot_take_the_descriptors_that_ledger_and_link_need(place):
    """With few descriptors there are few connections; those who hold them all do not stop the gate's own work."""
    await place.end(signal.SIGTERM)
    await place.start(most_files=300)
    assert resource.prlimit(place.run["pid"], resource.RLIMIT_NOFILE) == (300, 300)
    desk, most = await place.desk(), count_connections(300)
    idle = [socket.create_connection(("127.0.0.1", place.run["port"])) for _ in range(400)]
    await asyncio.sleep(1.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", place.run["admin_port"])
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    text = (await reader.read()).decode()
    assert 0 < int(re.search(r"gate_connections (\d+)", text)[1]) <= most
    assert "sekisho_gate_ledger_writable 1\n" in text
    assert float(re.search(r"(?m)^sekisho_gate_lease_remaining_seconds (\S+)", text)[1]) > 2
    for kept in idle:
        kept.close()
    writer.transport.abort()
    await asyncio.sleep(0.1)
    assert (await place.call(desk)).status == 200


async def test_a_gate_whose_database_is_gone_makes_no_more_calls(place):
    """Invariant 1: a file that was removed goes on taking entries that nobody will ever see."""
    desk = await place.desk()
    assert (await place.call(desk)).status == 200
    for file in (place.root / "gate-0").glob("calls.db*"):
        file.unlink()
    # The first call after it may pass: its entries are what the publisher then misses.
    async with asyncio.timeout(5):
        while (await place.call(desk)).status != 503:  # noqa: ASYNC110  # another process has no event to wait for
            await asyncio.sleep(0.05)
    made = len(place.lab.requests)
    assert (await place.call(desk)).code == Reason.LEDGER_UNAVAILABLE.value
    assert len(place.lab.requests) == made


async def test_a_proof_does_not_outlive_its_process(place):
    """A restart forgets which proofs were used; the nonce of the new process refuses them all."""
    desk = await place.desk()
    data = place.request(desk)
    port = desk.rig.port
    assert (await desk.rig.exchange(data)).status == 200
    assert await place.end(signal.SIGTERM) == 0
    config = place.root / "gate-0" / "gate.json"
    _write(config, json.dumps(json.loads(config.read_text()) | {"port": port}).encode())
    await place.start()
    assert place.run["port"] == port
    assert (await desk.rig.exchange(data)).status == 401
    assert (await place.call(await place.desk())).status == 200


def test_a_gate_without_its_files_says_what_is_missing(tmp_path):
    """Exit code 1 and an error with code and hint, no traceback."""
    command = [sys.executable, "-m", "sekisho.gate", "--data", str(tmp_path), "--slot", "gate-0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error[SKS-GATE-001]")
    assert "Traceback" not in ended.stderr


async def test_a_gate_with_damaged_labs_says_so(place):
    """What is read after the log is open ends the same way: a code and a hint, no traceback."""
    await place.end(signal.SIGTERM)
    (place.root / "gate-0" / "labs.json").write_text("{", encoding="ascii")
    command = [sys.executable, "-m", "sekisho.gate", "--data", str(place.root), "--slot", "gate-0"]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 1
    assert "error[SKS-GATE-001]" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_issuer_of_these_tests_is_the_snapshots():
    """Or the process would refuse every token for a reason that no test names."""
    snapshot = make_snapshot()
    assert (snapshot.issuer, snapshot.token_keys) == (ISSUER, (ISSUER_KEY.public,))
