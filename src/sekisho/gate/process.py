"""The gate's process: puts the parts together, listens, follows the control plane, and ends in order on SIGTERM."""

import asyncio
import json
import os
import resource
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from sekisho.core import Clock, IdSource
from sekisho.gate import limits
from sekisho.gate.admin import AdminConnection
from sekisho.gate.authenticate import Authenticator
from sekisho.gate.budget import Budgets
from sekisho.gate.errors import BadSettings
from sekisho.gate.force import Lease
from sekisho.gate.gate import Gate
from sekisho.gate.lab import LabPool
from sekisho.gate.link import Hello, Link
from sekisho.gate.metrics import Metrics
from sekisho.gate.plan import Lab, Parts
from sekisho.gate.record import DenialCounts, Recorder
from sekisho.gate.relay import LabPatience
from sekisho.gate.replay import ReplayWindow
from sekisho.gate.settings import GateSettings, read_key, read_secret, read_settings, read_upstreams
from sekisho.gate.transcripts import Transcripts
from sekisho.ledger import Log, find_store
from sekisho.ledger.commitment import SALT_SIZE_BYTES
from sekisho.ledger.erasure import is_recorded
from sekisho.ledger.transcripts import TranscriptFolder
from sekisho.tokens import Nonces
from sekisho.tokens.dpop import MAX_PROOF_AGE

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_CHARACTERS = 26
_NONCE_SECRET_BYTES = 32
# A proof may be first used this long before its time and last used as long after it; a second for rounding.
_REPLAY_WINDOW_S = 2 * MAX_PROOF_AGE.total_seconds() + 1
_BACKLOG = 1_024
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_log = structlog.get_logger("sekisho.gate")


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)


def elapsed_s() -> float:
    """Return seconds of a clock that nobody sets and that runs on while the machine sleeps, where there is one.

    A lease must not outlive a night with the lid closed.
    """
    return time.clock_gettime(_BOOT_CLOCK)


class RandomIds:
    """Ids from the system's randomness: 26 characters of Crockford base 32."""

    def new(self, prefix: str) -> str:
        return f"{prefix}_" + "".join(_CROCKFORD[byte & 31] for byte in os.urandom(_ID_CHARACTERS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where the gate listens, as the run file says it."""

    host: str
    port: int
    admin_port: int
    origin: str


async def run_gate(settings: GateSettings, log: Log, *, clock: Clock, ids: IdSource) -> None:
    """Serve until SIGTERM or SIGINT.

    (1) Bind; (2) put the parts together; (3) listen; (4) follow the control plane; (5) say where; (6) wait;
    (7) stop accepting, let calls end, write what is owed.
    """
    stopping = _stop_on_signal()
    # (1) Before the parts: the origin that tokens must name may follow from the port.
    main, admin = bind(settings.host, settings.port), bind(settings.host, settings.admin_port)
    listening = _listening(settings, main, admin)
    # (2) Outside the group, which would wrap a refusal of the settings.
    parts = assemble(settings, log, origin=listening.origin, clock=clock, ids=ids)
    async with asyncio.TaskGroup() as tasks:
        gate = Gate(
            parts, tasks=tasks, max_body_bytes=settings.max_body_bytes, max_connections=count_connections(take_files())
        )
        # (3)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(gate.make_connection, sock=main, backlog=_BACKLOG)
        pages = await loop.create_server(lambda: _admin_connection(gate), sock=admin)
        # (4)
        link = Link(
            gate, socket=settings.control_socket, hello=_hello(settings, log), read_checkpoint=_reader(settings)
        )
        upkeep = [tasks.create_task(gate.keep_counts()), tasks.create_task(link.run())]
        # (5)
        write_run_file(settings.run_file, listening)
        _log.info("listening", port=listening.port, admin_port=listening.admin_port, origin=listening.origin)
        # (6)
        await stopping.wait()
        # (7)
        _log.info("stopping")
        server.close()
        await gate.stop()
        pages.close()
        for task in upkeep:
            task.cancel()


def assemble(settings: GateSettings, log: Log, *, origin: str, clock: Clock, ids: IdSource) -> Parts:
    """Return the parts of a gate that serves `origin`, its budgets rebuilt from its own log, its transcripts judged by
    it. Raises BadSettings or NotSealed.
    """
    loop = asyncio.get_running_loop()
    lease, budgets = Lease(elapsed_s), Budgets()
    budgets.restore(entry for _, entry in log.entries())
    upstreams = read_upstreams(settings.folder / "labs.json")
    folder = TranscriptFolder(settings.folder / "transcripts")
    folder.prepare()
    folder.recover(partial(is_recorded, log))
    return Parts(
        clock=clock,
        ids=ids,
        salts=lambda: secrets.token_bytes(SALT_SIZE_BYTES),
        lease=lease,
        authenticator=Authenticator(
            origin=origin,
            lease=lease,
            # New at each start: a proof made for the process before is refused, and so is its replay.
            make_nonces=lambda: Nonces(secrets.token_bytes(_NONCE_SECRET_BYTES)),
            replays=ReplayWindow(window_s=_REPLAY_WINDOW_S, monotonic=elapsed_s),
            clock=clock,
        ),
        budgets=budgets,
        recorder=Recorder(log, clock=clock, ids=ids),
        counts=DenialCounts(clock),
        labs={
            party: Lab(upstream=upstream, pool=LabPool(upstream, loop=loop)) for party, upstream in upstreams.items()
        },
        metrics=Metrics(),
        transcripts=Transcripts(
            folder, log, origin=log.origin, began_at=log.head().size, randomness=secrets.token_bytes
        ),
        log_name=settings.log_name,
        patience=LabPatience(),
    )


def take_files() -> int:
    """Ask the system for as many open files as the gate can use, and return how many it may have."""
    wanted = 2 * limits.MAX_CONNECTIONS + limits.RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return wanted if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def count_connections(files: int) -> int:
    """Return how many callers may be connected with `files` descriptors: one for each, and one for its call's lab."""
    return max(1, min(limits.MAX_CONNECTIONS, (files - limits.RESERVED_FILES) // 2))


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket that does not listen yet. Raises BadSettings if the address is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise BadSettings(f"cannot listen on {host} port {port}: {error.strerror}") from error
    bound.setblocking(False)
    return bound


def write_run_file(path: Path, listening: Listening) -> None:
    """Say where the gate listens, for its owner alone; whoever reads it finds the old file or the new, whole."""
    told = {
        "pid": os.getpid(),
        "host": listening.host,
        "port": listening.port,
        "admin_port": listening.admin_port,
        "origin": listening.origin,
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(told, file)
    temporary.replace(path)


def configure_logging() -> None:
    """One JSON object a line on stderr: time, level, event, and the event's fields."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def main(data: Path, slot: str) -> None:
    """Run the gate `slot` of the data directory `data` until it is told to stop, or raise SekishoError at the start.

    (1) settings; (2) the log, which makes good what a crash left; (3) serve; (4) publish and let the log go.
    """
    configure_logging()
    # (1)
    settings = read_settings(data, slot)
    clock = SystemClock()
    # (2)
    log = Log.open(
        store=find_store(settings.folder / "calls.db"),
        public=settings.public,
        origin=settings.log_origin,
        key=read_key(settings.folder / "ledger.pem"),
        clock=clock,
    )
    try:
        # (3)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run_gate(settings, log, clock=clock, ids=RandomIds()))
    finally:
        # (4)
        log.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on every platform; asyncio's own loop serves as well, slower
        return None
    return uvloop.new_event_loop


def _stop_on_signal() -> asyncio.Event:
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _listening(settings: GateSettings, main: socket.socket, admin: socket.socket) -> Listening:
    port = main.getsockname()[1]
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Listening(
        host=settings.host,
        port=port,
        admin_port=admin.getsockname()[1],
        origin=settings.origin or f"http://{shown}:{port}",
    )


def _admin_connection(gate: Gate) -> AdminConnection:
    return AdminConnection(why_not_ready=gate.why_not_ready, metrics=lambda: gate.parts.metrics.render(gate.gauges()))


def _hello(settings: GateSettings, log: Log) -> Hello:
    secret = read_secret(settings.folder / "link.token")
    return Hello(slot=settings.slot, secret=secret, origin=log.origin, vkey=log.vkey)


def _reader(settings: GateSettings) -> Callable[[], str | None]:
    path = settings.public / "checkpoint"

    def read() -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    return read
