"""The gate's end of the link to the control plane: snapshots and leases in, acknowledgements and checkpoints out;
questions about calls whose content is to be unsealed or erased in, answers out.

A unix socket, one JSON object a line. The link carries no caller's request; what it loses is only time, and when the
lease lapses the gate denies until it is back.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog

from sekisho.access import Denied, snapshot_from_json
from sekisho.core import SekishoError
from sekisho.formats import jcs
from sekisho.gate import limits
from sekisho.gate.errors import LinkRefused
from sekisho.gate.gate import Gate
from sekisho.ledger.sealed_header import is_request_id

_log = structlog.get_logger("sekisho.link")
# Contract with the control plane: back within a second, and not a hundred times a second.
FIRST_RETRY_S = 0.05
LAST_RETRY_S = 1.0
CHECKPOINT_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What a gate says first. `secret` proves the slot; `origin` and `vkey` are its calls log's."""

    slot: str
    secret: str = field(repr=False)
    origin: str
    vkey: str

    def encode(self) -> bytes:
        """Return the first frame."""
        told = {"slot": self.slot, "secret": self.secret, "origin": self.origin, "vkey": self.vkey}
        return _frame({"hello": told})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the control plane asks of calls: where they are (`locate`), or that their content be gone (`erase`)."""

    number: int
    locate: tuple[str, ...] = ()
    erase: tuple[str, ...] = ()


class Link:
    """Keeps the gate connected. `read_checkpoint` returns the published checkpoint's text, None before the first."""

    def __init__(self, gate: Gate, *, socket: Path, hello: Hello, read_checkpoint: Callable[[], str | None]) -> None:
        self._gate = gate
        self._socket = socket
        self._hello = hello
        self._read_checkpoint = read_checkpoint
        self._sent_checkpoint: str | None = None

    async def run(self) -> None:
        """Connect, follow, and connect again, until cancelled."""
        pause_s = FIRST_RETRY_S
        while True:
            version_before = self._version()
            try:
                await self._follow()
            except* (OSError, ValueError, SekishoError) as errors:
                _log.warning("link lost", error=type(errors.exceptions[0]).__name__)
            # A peer that sent nothing new may be failing as fast as it answers.
            pause_s = FIRST_RETRY_S if self._version() != version_before else min(pause_s * 2, LAST_RETRY_S)
            await asyncio.sleep(pause_s)

    async def _follow(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=limits.MAX_LINK_FRAME_BYTES)
        try:
            writer.write(self._hello.encode())
            async with asyncio.TaskGroup() as both:
                sender = both.create_task(self._send_checkpoints(writer))
                await self._take_frames(reader, writer, both)
                sender.cancel()
        finally:
            writer.close()

    async def _take_frames(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tasks: asyncio.TaskGroup
    ) -> None:
        is_first = True
        while line := await reader.readline():
            # A gate that stood still finds frames in the socket that say what was so then. Whoever connects is told
            # what is so now.
            if not is_first and self._gate.parts.lease.remaining_s() <= 0:
                raise LinkRefused("the lease lapsed on this connection")
            is_first = False
            taken = take_frame(self._gate, line)
            if isinstance(taken, Question):
                # Not waited for: a snapshot behind it must be in force at once.
                tasks.create_task(self._answer(taken, writer))
            elif taken is not None:
                writer.write(_frame({"ack": {"version": taken}}))

    async def _answer(self, question: Question, writer: asyncio.StreamWriter) -> None:
        transcripts = self._gate.parts.transcripts
        told: dict[str, object] = {"question": question.number}
        try:
            if question.erase:
                told["erased"] = await transcripts.erase(question.erase)
            else:
                told["calls"] = [asdict(call) for call in await transcripts.find(question.locate)]
        except Denied as denied:
            told["error"] = denied.reason.value
        writer.write(_frame({"told": told}))

    async def _send_checkpoints(self, writer: asyncio.StreamWriter) -> None:
        self._sent_checkpoint = None
        while True:
            note = await asyncio.to_thread(self._read_checkpoint)
            if note is not None and note != self._sent_checkpoint:
                writer.write(_frame({"checkpoint": note}))
                await writer.drain()
                self._sent_checkpoint = note
            await asyncio.sleep(CHECKPOINT_EVERY_S)

    def _version(self) -> int:
        latest = self._gate.parts.lease.latest
        return -1 if latest is None else latest.version


def take_frame(gate: Gate, line: bytes) -> int | Question | None:
    """Obey one frame; return the version to acknowledge, if it was a snapshot, or the question, if it was one.

    Raises LinkRefused or JsonRefused.
    """
    frame = jcs.parse(line, max_size_bytes=limits.MAX_LINK_FRAME_BYTES)
    if not isinstance(frame, Mapping):
        raise LinkRefused("a frame is an object")
    if set(frame) == {"lease"}:
        gate.parts.lease.renew(_number(_object(frame["lease"]), "version"))
        return None
    if set(frame) == {"ask"}:
        return _read_question(_object(frame["ask"]))
    if set(frame) != {"snapshot", "decisions"}:
        raise LinkRefused("a frame is a snapshot, a lease or a question")
    decisions = _object(frame["decisions"])
    snapshot = snapshot_from_json(frame["snapshot"])
    root = decisions.get("root")
    if not isinstance(root, str):
        raise LinkRefused("decisions.root is text")
    gate.put_snapshot(snapshot, decisions_size=_number(decisions, "size"), decisions_root=root)
    return snapshot.version


def _read_question(fields: Mapping[str, jcs.Json]) -> Question:
    number = _number(fields, "question")
    if set(fields) == {"question", "locate"}:
        return Question(number=number, locate=_request_ids(fields["locate"]))
    if set(fields) == {"question", "erase"}:
        return Question(number=number, erase=_request_ids(fields["erase"]))
    raise LinkRefused("a question is to locate or to erase")


def _request_ids(value: jcs.Json) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= limits.MAX_ASKED_CALLS:
        raise LinkRefused("a question names some calls, and not too many")
    ids = tuple(str(one) for one in value)
    if not all(is_request_id(one) for one in ids):
        raise LinkRefused("a call is named by its request id")
    return ids


def _object(value: jcs.Json) -> Mapping[str, jcs.Json]:
    if not isinstance(value, Mapping):
        raise LinkRefused("expected an object")
    return value


def _number(fields: Mapping[str, jcs.Json], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise LinkRefused(f"{name} is a whole number")
    return value


def _frame(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
