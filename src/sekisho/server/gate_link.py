"""The control plane's end of the link to its gates: snapshots and leases out, acknowledgements and checkpoints in.

One unix socket, newline-delimited JSON. A gate that does not prove itself with its slot's secret is cut off
without an answer. The link carries no requests of callers: a flood at a gate cannot reach the control plane.
"""

import asyncio
import hmac
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import structlog

from sekisho.core import SekishoError
from sekisho.formats import jcs

# A checkpoint is the largest thing that a gate sends, and smaller by far.
MAX_FRAME_FROM_GATE_BYTES = 65_536
HELLO_TIMEOUT_S = 5.0
# Five leases a lease's life: one lost frame is no outage, five are.
LEASE_EVERY_S = 1.0
# Calls in one question: what a gate takes, and what its answer holds in one frame.
ASKED_AT_ONCE = 200
# The number of a question whose answer nobody waits for; others count from FIRST_QUESTION.
UNASKED = 0
FIRST_QUESTION = 1
# A gate that does not drain its socket for so long is stuck; its lease lapses and it denies.
DRAIN_TIMEOUT_S = 2.0

_log = structlog.get_logger("sekisho.link")


class GateSilent(SekishoError):
    """The gate is not connected, or did not answer in time."""

    code: ClassVar[str] = "SKS-SERVER-112"
    hint = "Wait until the gate is up; `sekisho serve` restarts it."


class LinkUnavailable(SekishoError):
    """The gates' socket cannot be listened on."""

    code: ClassVar[str] = "SKS-SERVER-108"
    hint = "Keep the data directory on a local disk, with a short path, and let nobody else write into it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What a gate says of itself: its slot, and its log's origin and verifier key."""

    slot: str
    origin: str
    vkey: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A snapshot as it goes out: `frame` is one line of JSON, `version` rises with each."""

    version: int
    frame: bytes


@dataclass(slots=True, eq=False)
class _Gate:
    slot: str
    writer: asyncio.StreamWriter
    version: int = 0  # of the snapshot that it last acknowledged
    applied_at: float = 0.0  # time.monotonic() of that acknowledgement
    asked: "dict[int, Future[Mapping[str, jcs.Json]]]" = field(default_factory=dict)  # what it has not answered


class GateLink:
    """Serves the link on the control plane's event loop; `push` may be called from any thread."""

    def __init__(
        self,
        *,
        secrets_by_slot: Mapping[str, str],
        on_hello: Callable[[Hello], Pushed],
        on_checkpoint: Callable[[str, str], None],
        erased_at: Callable[[str], Sequence[str]] = lambda _: (),
    ) -> None:
        """`on_hello` logs the gate's key and returns the snapshot to send; `on_checkpoint` takes slot and note.

        Both are called on a worker thread, since they write to the ledger. `erased_at` gives the request ids of all
        calls of a slot whose content is erased, from memory.
        """
        self._secrets = dict(secrets_by_slot)
        self._on_hello = on_hello
        self._on_checkpoint = on_checkpoint
        self._erased_at = erased_at
        self._numbers = itertools.count(FIRST_QUESTION)
        self._gates: dict[str, _Gate] = {}
        # Guards _gates' acknowledgements and what they are asked, and wakes `wait_in_force`.
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._latest: Pushed | None = None

    async def serve(self, socket: Path) -> None:
        """Listen on `socket` and renew leases until cancelled; then every gate is cut off. Raises LinkUnavailable."""
        self._loop = asyncio.get_running_loop()
        try:
            socket.unlink(missing_ok=True)  # noqa: ASYNC240  # once, before anything is served
            server = await asyncio.start_unix_server(self._serve_gate, path=socket, limit=MAX_FRAME_FROM_GATE_BYTES)
            os.chmod(socket, 0o600)
        except OSError as error:
            raise LinkUnavailable(f"cannot listen on {socket}: {error.strerror or error}") from error
        try:
            while True:
                await asyncio.sleep(LEASE_EVERY_S)
                await self._renew()
        finally:
            server.close()
            # Since Python 3.12 a server waits for its connections, and a gate never ends its own.
            for gate in list(self._gates.values()):
                gate.writer.transport.abort()

    def push(self, pushed: Pushed) -> None:
        """Send `pushed` to every connected gate. Thread-safe; returns at once."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._send_all, pushed)

    def wait_in_force(self, version: int, *, since: float, timeout_s: float) -> dict[str, float | None]:
        """Wait until every connected gate applied `version`; return slot → ms after `since`, None if it did not.

        `since`: `time.monotonic()` when the change became durable.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: all(gate.version >= version for gate in self._gates.values()), timeout=timeout_s
            )
            return {
                slot: round((gate.applied_at - since) * 1000, 3) if gate.version >= version else None
                for slot, gate in self._gates.items()
            }

    def slots(self) -> tuple[str, ...]:
        """Return the slots of the gates that are connected."""
        with self._changed:
            return tuple(sorted(self._gates))

    def ask(self, slot: str, what: Mapping[str, object], *, timeout_s: float) -> Mapping[str, jcs.Json]:
        """Return the answer of the gate `slot` to the question `what`, or raise GateSilent. For any other thread."""
        number, answer = next(self._numbers), Future[Mapping[str, jcs.Json]]()
        with self._changed:
            gate = self._gates.get(slot)
            if gate is None or self._loop is None:
                raise GateSilent(f"{slot} is not connected")
            gate.asked[number] = answer
        self._loop.call_soon_threadsafe(gate.writer.write, _frame({"ask": {"question": number, **what}}))
        try:
            return answer.result(timeout_s)
        except (TimeoutError, CancelledError) as error:
            raise GateSilent(f"{slot} did not answer") from error
        finally:
            with self._changed:
                gate.asked.pop(number, None)

    async def _serve_gate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gate: _Gate | None = None
        try:
            hello = await asyncio.wait_for(self._read_hello(reader), timeout=HELLO_TIMEOUT_S)
            pushed = await asyncio.to_thread(self._on_hello, hello)
            gate = self._admit(hello.slot, writer)
            writer.write((self._latest if self._latest and self._latest.version > pushed.version else pushed).frame)
            self._tell_erased(gate)
            _log.info("gate connected", slot=hello.slot)
            while line := await reader.readline():
                await self._take(gate, line)
        except (_Refused, SekishoError, TimeoutError, ValueError, ConnectionError) as error:
            # Cut off, the gate denies once its lease lapses: the safe end of a doubt about its log.
            _log.warning("gate link closed", reason=getattr(error, "code", type(error).__name__))
        finally:
            self._forget(gate)
            # Not close, which waits for a peer that may never read what is still to be sent.
            writer.transport.abort()

    def _admit(self, slot: str, writer: asyncio.StreamWriter) -> _Gate:
        """Make this the slot's connection; an older one is cut off."""
        gate = _Gate(slot=slot, writer=writer)
        with self._changed:
            previous = self._gates.get(slot)
            self._gates[slot] = gate
        if previous is not None:
            previous.writer.transport.abort()
        return gate

    async def _read_hello(self, reader: asyncio.StreamReader) -> Hello:
        frame = _parse(await reader.readline()).get("hello")
        fields = frame if isinstance(frame, Mapping) else {}
        slot, secret, origin, vkey = (fields.get(name) for name in ("slot", "secret", "origin", "vkey"))
        if not (
            isinstance(slot, str) and isinstance(secret, str) and isinstance(origin, str) and isinstance(vkey, str)
        ):
            raise _Refused
        expected = self._secrets.get(slot)
        if expected is None or not hmac.compare_digest(expected.encode(), secret.encode()):
            raise _Refused
        return Hello(slot=slot, origin=origin, vkey=vkey)

    async def _take(self, gate: _Gate, line: bytes) -> None:
        frame = _parse(line)
        ack, checkpoint = frame.get("ack"), frame.get("checkpoint")
        version = ack.get("version") if isinstance(ack, Mapping) else None
        if isinstance(version, int):
            with self._changed:
                gate.version = version
                gate.applied_at = time.monotonic()
                self._changed.notify_all()
        if isinstance(told := frame.get("told"), Mapping):
            self._take_answer(gate, told)
        if isinstance(checkpoint, str):
            await asyncio.to_thread(self._on_checkpoint, gate.slot, checkpoint)

    def _take_answer(self, gate: _Gate, told: Mapping[str, jcs.Json]) -> None:
        number = told.get("question")
        with self._changed:
            answer = gate.asked.get(number) if isinstance(number, int) else None
            if answer is not None and not answer.done():
                answer.set_result(told)

    def _tell_erased(self, gate: _Gate) -> None:
        """Tell a gate all that it must have destroyed: it may have missed some, or be put back from a backup.

        Once it is admitted, so that what is erased from now on is asked of it. Nobody waits for the answers.
        """
        erased = self._erased_at(gate.slot)
        for start in range(0, len(erased), ASKED_AT_ONCE):
            told = {"question": UNASKED, "erase": erased[start : start + ASKED_AT_ONCE]}
            gate.writer.write(_frame({"ask": told}))

    def _send_all(self, pushed: Pushed) -> None:
        self._latest = pushed
        for gate in list(self._gates.values()):
            gate.writer.write(pushed.frame)

    async def _renew(self) -> None:
        """Renew every lease; a gate that does not read costs the others at most one drain, and its connection."""
        gates = list(self._gates.values())
        for gate in gates:
            gate.writer.write(_frame({"lease": {"version": gate.version}}))
        await asyncio.gather(*(_drain(gate.writer) for gate in gates))

    def _forget(self, gate: _Gate | None) -> None:
        with self._changed:
            if gate is not None and self._gates.get(gate.slot) is gate:
                del self._gates[gate.slot]
            for answer in () if gate is None else gate.asked.values():
                answer.cancel()
            self._changed.notify_all()


class _Refused(Exception):
    """The peer is no gate of ours."""


def encode_frame(snapshot: object, *, size: int, root: str, version: int) -> Pushed:
    """Return the frame for `snapshot` (JSON value) with the decisions log's size and root (base64) that cover it."""
    return Pushed(version=version, frame=_frame({"snapshot": snapshot, "decisions": {"size": size, "root": root}}))


async def _drain(writer: asyncio.StreamWriter) -> None:
    try:
        await asyncio.wait_for(writer.drain(), timeout=DRAIN_TIMEOUT_S)
    except (TimeoutError, ConnectionError):
        writer.transport.abort()


def _frame(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _parse(line: bytes) -> Mapping[str, jcs.Json]:
    value = jcs.parse(line, max_size_bytes=MAX_FRAME_FROM_GATE_BYTES)
    if not isinstance(value, Mapping):
        raise _Refused
    return value
