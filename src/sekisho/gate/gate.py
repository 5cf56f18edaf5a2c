"""The gate's core object: who may connect, what is in force, which calls are under way, and when it stops.

Owns everything that lives as long as the process. One event loop; the ledger's writer is the only other thread.
"""

import asyncio
from collections.abc import Mapping

import structlog

from sekisho.access import Snapshot
from sekisho.core import Reason, SekishoError
from sekisho.gate import limits
from sekisho.gate.authenticate import encode_stranger_answer, reason_of
from sekisho.gate.call import serve_call
from sekisho.gate.caller import Caller
from sekisho.gate.connection import CallerConnection, IncomingCall, Patience
from sekisho.gate.denial import encode_malformed
from sekisho.gate.errors import HttpRefused, LinkRefused
from sekisho.gate.force import is_cut, put_in_force
from sekisho.gate.plan import Parts
from sekisho.gate.request import RequestHead

_log = structlog.get_logger("sekisho.gate")
# A ledger that did not write is asked again this often, with what is owed to it.
RETRY_LEDGER_EVERY_S = 1.0


class Gate:
    """Implements `connection.Door`. `tasks`: every call runs in it, and none of them raises into it."""

    def __init__(
        self,
        parts: Parts,
        *,
        tasks: asyncio.TaskGroup,
        max_body_bytes: int = limits.DEFAULT_MAX_BODY_BYTES,
        max_connections: int = limits.MAX_CONNECTIONS,
        patience: Patience | None = None,
    ) -> None:
        self.parts = parts
        self.max_body_bytes = max_body_bytes
        self.patience = patience or Patience()
        self._max_connections = max_connections
        self._tasks = tasks
        self._connections: set[CallerConnection] = set()
        self._calls: set[IncomingCall] = set()
        self._kept_bytes = 0
        self._idle = asyncio.Event()  # no call is being served
        self._idle.set()
        self.is_stopping = False

    def make_connection(self) -> CallerConnection:
        """Return the protocol of one more connection: the factory for `create_server`."""
        return CallerConnection(self, asyncio.get_running_loop())

    # Door

    def enter(self, connection: CallerConnection) -> bool:
        if self.is_stopping or len(self._connections) >= self._max_connections:
            return False
        self._connections.add(connection)
        return True

    def leave(self, connection: CallerConnection) -> None:
        self._connections.discard(connection)

    def authenticate(self, head: RequestHead) -> Caller | None:
        try:
            return self.parts.authenticator.authenticate(head)
        except Exception as error:  # whatever it was, nobody was authenticated
            self._count(reason_of(error))
            return None

    def answer_stranger(self) -> bytes:
        return encode_stranger_answer(self.parts.authenticator.nonce())

    def answer_malformed(self, refusal: HttpRefused) -> bytes:
        self._count(refusal.reason)
        return encode_malformed(refusal.reason, status=refusal.status)

    def take_room(self, size_bytes: int) -> bool:
        if self._kept_bytes + size_bytes > limits.MAX_BODIES_BYTES:
            return False
        self._kept_bytes += size_bytes
        return True

    def give_room(self, size_bytes: int) -> None:
        self._kept_bytes -= size_bytes

    def start_call(self, call: IncomingCall) -> None:
        if self.is_stopping or len(self._calls) >= limits.MAX_CALLS:
            call.lifeline.cut(Reason.GATE_STOPPING)
        self._calls.add(call)
        self._idle.clear()
        self._tasks.create_task(self._serve(call))

    async def _serve(self, call: IncomingCall) -> None:
        try:
            await serve_call(self.parts, call)
        except Exception as error:  # one call's fault is not the others' end
            _log.error("call failed unexpectedly", error=type(error).__name__)
            call.connection.abort()
        finally:
            self._calls.discard(call)
            if not self._calls:
                self._idle.set()

    # what comes over the link

    def put_snapshot(self, snapshot: Snapshot, *, decisions_size: int, decisions_root: str) -> None:
        """Put `snapshot` in force and cut what it holds, or raise LinkRefused: then the snapshot before lapses."""
        try:
            force = put_in_force(snapshot, decisions_size=decisions_size, decisions_root=decisions_root)
        except SekishoError as error:
            raise LinkRefused(f"the snapshot cannot be put in force: {error.code}") from error
        self.parts.lease.put(force)
        at = self.parts.clock.now()
        for under_way in tuple(self.parts.under_way):
            if is_cut(under_way.reach, snapshot, at):
                under_way.lifeline.cut(Reason.CUT_BY_HOLD)

    # upkeep

    async def keep_counts(self, *, every_s: float = limits.DENIALS_COUNTED_EVERY_S) -> None:
        """Write the counts every `every_s`, and what the ledger is owed as soon as it writes again; until cancelled."""
        waited_s = 0.0
        while True:
            pause_s = min(every_s, RETRY_LEDGER_EVERY_S)
            await asyncio.sleep(pause_s)
            waited_s += pause_s
            if waited_s >= every_s or not self.parts.recorder.is_writable:
                waited_s = 0.0
                await self.parts.counts.write(self.parts.recorder)
            await self.parts.recorder.pay_owed()
            await self.parts.transcripts.pay_owed()

    async def stop(self, *, within_s: float = limits.DRAIN_TIMEOUT_S) -> None:
        """Take no more calls, let those under way end within `within_s`, cut the rest, write what is owed."""
        self.is_stopping = True
        for connection in tuple(self._connections):
            connection.close_if_idle()
        try:
            await asyncio.wait_for(self._idle.wait(), timeout=within_s)
        except TimeoutError:
            for call in tuple(self._calls):
                call.lifeline.cut(Reason.GATE_STOPPING)
            await self._idle.wait()
        for connection in tuple(self._connections):
            connection.abort()
        for lab in self.parts.labs.values():
            lab.pool.close()
        await self.parts.counts.write(self.parts.recorder)
        await self.parts.recorder.pay_owed()
        self.parts.transcripts.close()

    # what the admin listener shows

    def why_not_ready(self) -> str | None:
        """Return why the gate cannot serve calls, or None."""
        if self.is_stopping:
            return "stopping"
        if self.parts.lease.remaining_s() <= 0:
            return "no snapshot under lease"
        if not self.parts.recorder.is_writable:
            return "the ledger does not write"
        return None

    def gauges(self) -> Mapping[str, float]:
        """Return what is so at this moment, by metric name."""
        latest = self.parts.lease.latest
        return {
            "sekisho_gate_calls_under_way": len(self._calls),
            "sekisho_gate_connections": len(self._connections),
            "sekisho_gate_bodies_bytes": self._kept_bytes,
            "sekisho_gate_snapshot_version": latest.version if latest else 0,
            "sekisho_gate_lease_remaining_seconds": max(0.0, self.parts.lease.remaining_s()) if latest else 0,
            "sekisho_gate_ledger_writable": int(self.parts.recorder.is_writable),
        }

    def _count(self, reason: Reason) -> None:
        self.parts.counts.add(reason)
        self.parts.metrics.observe_stranger(reason.value)
