"""A gate on loopback with a scripted lab behind it, for tests. No mocks: real sockets, real tokens, a real parser.

`World` is the programme in small, `MemoryLog` a ledger that can be told to fail, `ScriptedLab` a raw TCP server that
answers by script, `Desk` a defender with a key.
"""

import asyncio
import json
import os
import socket as sockets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.access import (
    GrantState,
    Snapshot,
    SnapshotAsset,
    SnapshotGrant,
    SnapshotHold,
    SnapshotInstitution,
    SnapshotLab,
    SnapshotPrincipal,
    TargetKind,
)
from sekisho.core import SekishoError, SteadyClock, Window
from sekisho.gate.authenticate import Authenticator
from sekisho.gate.budget import Budgets
from sekisho.gate.connection import Patience
from sekisho.gate.force import Lease
from sekisho.gate.gate import Gate
from sekisho.gate.lab import LabPool
from sekisho.gate.metrics import Metrics
from sekisho.gate.plan import Lab, Parts
from sekisho.gate.record import CallsLog, DenialCounts, Recorder
from sekisho.gate.relay import LabPatience
from sekisho.gate.replay import ReplayWindow
from sekisho.gate.settings import Upstream
from sekisho.gate.transcripts import Transcripts
from sekisho.labs import LabEndpoint, dialect_named
from sekisho.ledger import Entry, EntryKind, LedgerUnavailable, encode_entry
from sekisho.ledger.promise import Promise, PromiseRefused, sign_promise
from sekisho.ledger.transcripts import TranscriptFolder
from sekisho.registry import AssetKind, InstitutionKind, PrincipalKind, parse_lei
from sekisho.tlog.note import NoteSigner
from sekisho.tokens import AccessToken, CallScope, Nonces, SigningKey, issue_access_token, make_proof

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ORIGIN = "http://gate.example"
ISSUER = "http://control.example"
CREDENTIAL = "sk-lab-credential-0123456789abcdef"
ISSUER_KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"issuer".ljust(32)))
ANA_KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"ana".ljust(32)))
BEN_KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"ben".ljust(32)))
STRANGER_KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"stranger".ljust(32)))

INS, INS_2 = "ins_00000000000000000000000001", "ins_00000000000000000000000002"
ANA, BEN = "per_00000000000000000000000001", "wkl_00000000000000000000000002"
AST, AST_2, AST_FOREIGN = (f"ast_0000000000000000000000000{n}" for n in (1, 2, 3))
GRT, GRT_2 = "grt_00000000000000000000000001", "grt_00000000000000000000000002"
ACC = "acc_00000000000000000000000001"
ROOT = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def make_snapshot(**changes: Any) -> Snapshot:
    """Return the programme in small: one bank with two principals, two labs, a grant for each."""
    year = Window(opens=NOW - timedelta(days=30), closes=NOW + timedelta(days=330))
    grant = SnapshotGrant(
        id=GRT,
        accord_id=ACC,
        institution_id=INS,
        principals=(ANA, BEN),
        lab="lab-a",
        models=("red-1", "blue-1"),
        tier="cyber",
        assets=(AST,),
        techniques=("find",),
        budget_tokens=1_000_000,
        budget_calls=1_000,
        window=year,
        state=GrantState.ACTIVE,
    )
    fields: dict[str, Any] = {
        "version": 1,
        "made_at": NOW,
        "lease_s": 5,
        "issuer": ISSUER,
        "token_keys": (ISSUER_KEY.public,),
        "institutions": (
            SnapshotInstitution(id=INS, lei=parse_lei("C3GTMMZIHMY46P4OIX74"), kind=InstitutionKind.BANK),
            SnapshotInstitution(id=INS_2, lei=parse_lei("5U0XI89JRFVHWIBS4F54"), kind=InstitutionKind.BANK),
        ),
        "principals": (
            SnapshotPrincipal(id=ANA, institution_id=INS, kind=PrincipalKind.PERSON, jkt=ANA_KEY.public.thumbprint),
            SnapshotPrincipal(id=BEN, institution_id=INS, kind=PrincipalKind.WORKLOAD, jkt=BEN_KEY.public.thumbprint),
        ),
        "assets": (
            SnapshotAsset(id=AST, institution_id=INS, kind=AssetKind.REPOSITORY, name="core-banking"),
            SnapshotAsset(id=AST_2, institution_id=INS, kind=AssetKind.REPOSITORY, name="other"),
            SnapshotAsset(id=AST_FOREIGN, institution_id=INS_2, kind=AssetKind.REPOSITORY, name="foreign"),
        ),
        "grants": (grant, replace(grant, id=GRT_2, lab="lab-b", models=("claude-1",))),
        "holds": (),
        "labs": (
            SnapshotLab(party="lab-a", models=("red-1", "blue-1", "ungranted-1")),
            SnapshotLab(party="lab-b", models=("claude-1",)),
        ),
    }
    return Snapshot(**(fields | changes))


def with_grant(snapshot: Snapshot, **changes: Any) -> Snapshot:
    """Return the next version of `snapshot` with the first grant changed."""
    first, *others = snapshot.grants
    return replace(snapshot, version=snapshot.version + 1, grants=(replace(first, **changes), *others))


def with_hold(snapshot: Snapshot, kind: TargetKind, target: str) -> Snapshot:
    """Return the next version of `snapshot` with a hold on `target`."""
    hold = SnapshotHold(
        id="hld_00000000000000000000000001",
        target_kind=kind,
        target_id=target,
        placed_by="home",
        placed_at=NOW,
        lapses_at=NOW + timedelta(days=1),
    )
    return replace(snapshot, version=snapshot.version + 1, holds=(hold,))


class MemoryLog:
    """A calls log in memory. `mode`: `ok`; `fail`, every append is refused; `hang`, none is answered.

    `promises`: whether it gives its word for what it holds.
    """

    signer = NoteSigner("sekisho.example/calls/gate-0", Ed25519PrivateKey.from_private_bytes(b"calls".ljust(32)))

    def __init__(self) -> None:
        self.written: list[Entry] = []
        self.private: list[bytes | None] = []
        self.mode = "ok"
        self.promises = True
        self.trouble: SekishoError | None = None
        self.hanging: list[tuple[Entry, bytes | None, asyncio.Future[int]]] = []
        self._keys: dict[str, int] = {}

    def append_async(
        self, entry: Entry, *, key: str | None = None, private: bytes | None = None
    ) -> "asyncio.Future[int]":
        encode_entry(entry)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.mode == "fail":
            future.set_exception(LedgerUnavailable("no space left on device"))
        elif self.mode == "hang":
            self.hanging.append((entry, private, future))
        else:
            future.set_result(self._write(entry, key, private))
        return future

    def release_hanging(self) -> None:
        """Let every append that hangs become durable."""
        for entry, private, future in self.hanging:
            future.set_result(self._write(entry, None, private))
        self.hanging.clear()

    def entries(self, start: int = 0) -> Iterator[tuple[int, Entry]]:
        yield from list(enumerate(self.written))[start:]

    def promise(self, *, request_id: str, index: int, leaf_hash: bytes, at: datetime) -> str:
        if not self.promises:
            raise PromiseRefused("no")
        promise = Promise(
            origin=self.signer.verifier.name,
            request_id=request_id,
            index=index,
            leaf_hash=leaf_hash,
            at=at,
            max_delay_s=600,
        )
        return sign_promise(promise, self.signer)

    def close(self) -> None:
        pass

    def find(self, key: str) -> int | None:
        return self._keys.get(key)

    def destroy_private(self, indexes: Sequence[int]) -> None:
        if self.mode == "fail":
            raise LedgerUnavailable("no space left on device")
        for index in indexes:
            self.private[index] = None

    def bodies(self, kind: EntryKind) -> list[Mapping[str, Any]]:
        return [entry.body for entry in self.written if entry.kind is kind]

    def _write(self, entry: Entry, key: str | None, private: bytes | None) -> int:
        if key is not None and key in self._keys:
            return self._keys[key]
        self.written.append(entry)
        self.private.append(private)
        index = len(self.written) - 1
        if key is not None:
            self._keys[key] = index
        return index


@dataclass(slots=True)
class LabRequest:
    """A request as the lab saw it, raw."""

    head: bytes
    body: bytes

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]


Script = Callable[[LabRequest, asyncio.StreamWriter], Awaitable[None]]


class ScriptedLab:
    """A raw TCP server. `script` writes the answer; `requests` keeps what came, `on_request` is called first."""

    def __init__(self) -> None:
        self.script: Script = answer_chat
        self.requests: list[LabRequest] = []
        self.on_request: Callable[[], None] = lambda: None
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(_field(head, b"content-length") or 0)
                request = LabRequest(head, await reader.readexactly(length))
                self.requests.append(request)
                self.on_request()
                await self.script(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


def _field(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


CHAT_REPLY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "red-1-2026-11",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "All good."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
).encode()


def chat_events(*, count: int = 3, usage: bool = True) -> list[bytes]:
    """Return the frames of a chat stream, the closing mark last."""

    def chunk(**fields: Any) -> bytes:
        value = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "red-1-2026-11"} | fields
        return b"data: " + json.dumps(value).encode() + b"\n\n"

    frames = [
        chunk(choices=[{"index": 0, "delta": {"content": f"word{n} "}, "finish_reason": None}]) for n in range(count)
    ]
    frames.append(chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    if usage:
        frames.append(chunk(choices=[], usage={"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}))
    return [*frames, b"data: [DONE]\n\n"]


def whole(body: bytes, *, status: str = "200 OK", kind: str = "application/json", extra: str = "") -> bytes:
    """Return an answer of the lab with its length."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"Set-Cookie: lab=1\r\nopenai-organization: org-secret\r\nx-request-id: lab-7\r\n\r\n"
)


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def stream_bytes(**options: Any) -> bytes:
    """Return a whole streamed answer of the lab."""
    return STREAM_HEAD + b"".join(chunked(frame) for frame in chat_events(**options)) + b"0\r\n\r\n"


async def answer_chat(request: LabRequest, writer: asyncio.StreamWriter) -> None:
    """Answer a chat request as it asks, streamed or whole."""
    if json.loads(request.body).get("stream"):
        writer.write(stream_bytes())
    else:
        writer.write(whole(CHAT_REPLY, extra="Set-Cookie: lab=1\r\nx-request-id: lab-7\r\n"))


def answer_with(data: bytes, *, then_close: bool = False) -> Script:
    """Return a script that sends `data`, whatever was asked."""

    async def script(request: LabRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        if then_close:
            await writer.drain()
            writer.close()

    return script


async def never_answer(request: LabRequest, writer: asyncio.StreamWriter) -> None:
    """Take the request and say nothing."""
    await asyncio.sleep(3600)


@dataclass(slots=True)
class Reply:
    """What a caller got. `is_whole`: the message ended as HTTP has it; `is_open`: the connection stayed open."""

    status: int
    fields: dict[str, str]
    body: bytes
    is_whole: bool
    raw: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["sekisho"]["code"])


class Desk:
    """A defender with a key: makes tokens and proofs, and speaks HTTP by hand."""

    def __init__(self, rig: "Rig", *, principal: str = ANA, key: SigningKey = ANA_KEY) -> None:
        self.rig = rig
        self.principal = principal
        self.key = key
        self._count = 0

    def token(self, *, asset: str | None = AST, technique: str = "find", **changes: Any) -> str:
        at = self.rig.clock.now()
        token = AccessToken(
            principal_id=self.principal,
            jkt=changes.pop("jkt", self.key.public.thumbprint),
            scope=CallScope(technique=technique, asset=asset, case=None),
            jti=f"token-{self._next():016d}",
            issued_at=changes.pop("issued_at", at),
            expires_at=changes.pop("expires_at", at + timedelta(seconds=300)),
        )
        options: dict[str, Any] = {"key": ISSUER_KEY, "issuer": ISSUER, "audience": ORIGIN} | changes
        return issue_access_token(token, **options)

    def proof(self, token: str, path: str, *, method: str = "POST", **changes: Any) -> str:
        options: dict[str, Any] = {
            "key": self.key,
            "method": method,
            "url": ORIGIN + path,
            "jti": f"proof-{self._next():016d}",
            "at": self.rig.clock.now(),
            "token": token,
            "nonce": self.rig.nonce(),
        }
        return make_proof(**(options | changes))

    def request(
        self,
        path: str = "/v1/chat/completions",
        body: Any = None,
        *,
        method: str = "POST",
        token: str | None = None,
        proof: str | None = None,
        extra: tuple[tuple[str, str], ...] = (),
    ) -> bytes:
        """Return a request as bytes. `body`: JSON value or bytes; None is an ordinary chat request."""
        if body is None:
            body = chat_body()
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        token = self.token() if token is None else token
        proof = self.proof(token, path.partition("?")[0], method=method) if proof is None else proof
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: whatever.example",
            f"Authorization: DPoP {token}",
            f"DPoP: {proof}",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
            *(f"{name}: {value}" for name, value in extra),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + data

    async def call(self, *args: Any, **options: Any) -> Reply:
        """Send one request on a connection of its own and return the reply."""
        return await self.rig.exchange(self.request(*args, **options))

    def _next(self) -> int:
        self._count += 1
        self.rig.proofs += 1
        return self.rig.proofs


def chat_body(**changes: Any) -> dict[str, Any]:
    body = {"model": "red-1", "messages": [{"role": "user", "content": "look at this"}], "max_tokens": 100}
    return {name: value for name, value in (body | changes).items() if value is not None}


class CountedIds:
    """Ids that count upwards."""

    def __init__(self) -> None:
        self.count = 0

    def new(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}_{self.count:026d}"


@dataclass(slots=True)
class Rig:
    """A gate that listens on loopback, and everything around it."""

    gate: Gate
    lab: ScriptedLab
    log: Any
    clock: SteadyClock
    port: int
    lab_port: int
    monotonic: list[float]
    proofs: int = 0
    snapshot: Snapshot = field(default_factory=make_snapshot)

    def nonce(self) -> str:
        return self.gate.parts.authenticator.nonce().decode()

    def put(self, snapshot: Snapshot) -> None:
        """Put `snapshot` in force, as the link would."""
        self.snapshot = snapshot
        self.gate.put_snapshot(snapshot, decisions_size=9, decisions_root=ROOT)

    async def connect(self, *, receive_buffer: int | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if receive_buffer is None:
            return await asyncio.open_connection("127.0.0.1", self.port)
        sock = sockets.socket()
        sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=sock, limit=receive_buffer)

    async def exchange(self, data: bytes, *, timeout_s: float = 10.0) -> Reply:
        """Send `data` on a new connection and return the one reply."""
        reader, writer = await self.connect()
        try:
            writer.write(data)
            async with asyncio.timeout(timeout_s):
                return await read_reply(reader)
        finally:
            writer.transport.abort()

    async def exchange_raw(self, data: bytes, *, timeout_s: float = 10.0) -> bytes:
        """Send `data` on a new connection and return everything until the gate closes it."""
        reader, writer = await self.connect()
        try:
            writer.write(data)
            async with asyncio.timeout(timeout_s):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()

    async def settled(self, kind: EntryKind = EntryKind.CALL_ANSWERED, count: int = 1) -> list[Mapping[str, Any]]:
        """Return the bodies of `kind` once there are `count` of them."""
        await self.until(lambda: len(self.log.bodies(kind)) >= count)
        return list(self.log.bodies(kind))

    async def until(self, condition: Callable[[], bool], *, timeout_s: float = 5.0) -> None:
        """Wait until `condition` holds."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, "it did not come about in time"
            await asyncio.sleep(0.005)


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """Read one reply; a connection that breaks off gives what came, not whole."""
    raw = bytearray()
    head = await reader.readuntil(b"\r\n\r\n")
    raw += head
    lines = head.decode("latin-1").split("\r\n")
    fields = {}
    for line in lines[1:-2]:
        name, _, value = line.partition(": ")
        fields[name.lower()] = value
    status = int(lines[0].split(" ")[1])
    if fields.get("transfer-encoding") == "chunked":
        body, is_whole = await _read_chunks(reader, raw)
    else:
        try:
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            is_whole = True
        except asyncio.IncompleteReadError as error:
            body, is_whole = error.partial, False
        raw += body
    return Reply(status=status, fields=fields, body=body, is_whole=is_whole, raw=bytes(raw))


async def _read_chunks(reader: asyncio.StreamReader, raw: bytearray) -> tuple[bytes, bool]:
    body = bytearray()
    try:
        while True:
            line = await reader.readuntil(b"\r\n")
            raw += line
            size = int(line, 16)
            data = await reader.readexactly(size + 2)
            raw += data
            if size == 0:
                return bytes(body), True
            body += data[:-2]
    except (asyncio.IncompleteReadError, ConnectionError):
        return bytes(body), False


@asynccontextmanager
async def open_rig(
    *,
    log: CallsLog | None = None,
    patience: Patience | None = None,
    lab_patience: LabPatience | None = None,
    ledger_timeout_s: float = 2.0,
    max_body_bytes: int = 100_000,
    credential: str = CREDENTIAL,
    transcripts: Path = Path("/nonexistent"),
) -> AsyncIterator[Rig]:
    """Run a gate with a scripted lab on loopback."""
    clock, monotonic, lab = SteadyClock(NOW), [1000.0], ScriptedLab()
    lab_port = await lab.start()
    calls_log: Any = log if log is not None else MemoryLog()
    lease = Lease(lambda: monotonic[0])
    loop = asyncio.get_running_loop()

    def upstream(party: str, dialect: str) -> Lab:
        made = Upstream(
            party=party,
            endpoint=LabEndpoint.parse(f"http://127.0.0.1:{lab_port}"),
            dialect=dialect_named(dialect),
            credential=credential,
        )
        return Lab(upstream=made, pool=LabPool(made, loop=loop))

    ids, budgets = CountedIds(), Budgets()
    secrets = (bytes([byte]) * 32 for byte in range(1, 256))
    budgets.restore(entry for _, entry in calls_log.entries())
    parts = Parts(
        clock=clock,
        ids=ids,
        salts=lambda: b"s" * 32,
        lease=lease,
        authenticator=Authenticator(
            origin=ORIGIN,
            lease=lease,
            make_nonces=lambda: Nonces(next(secrets)),
            replays=ReplayWindow(window_s=121, monotonic=lambda: monotonic[0]),
            clock=clock,
        ),
        budgets=budgets,
        recorder=Recorder(calls_log, clock=clock, ids=ids, timeout_s=ledger_timeout_s),
        counts=DenialCounts(clock),
        labs={"lab-a": upstream("lab-a", "openai"), "lab-b": upstream("lab-b", "anthropic")},
        metrics=Metrics(),
        transcripts=Transcripts(
            TranscriptFolder(transcripts),
            calls_log,
            origin="sekisho.example/calls/gate-0",
            began_at=len(list(calls_log.entries())),
            randomness=os.urandom,
            timeout_s=ledger_timeout_s,
        ),
        log_name="calls/gate-0",
        patience=lab_patience or LabPatience(first_byte_s=5, idle_s=5),
    )
    async with asyncio.TaskGroup() as tasks:
        gate = Gate(parts, tasks=tasks, max_body_bytes=max_body_bytes, patience=patience)
        server = await loop.create_server(gate.make_connection, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        rig = Rig(gate=gate, lab=lab, log=calls_log, clock=clock, port=port, lab_port=lab_port, monotonic=monotonic)
        rig.put(make_snapshot())
        try:
            yield rig
        finally:
            server.close()
            await gate.stop(within_s=0.2)
            await lab.stop()
