"""The control plane's heart: one act at a time, each durable and logged before it is answered or in force.

An act is (1) one database transaction that also fills the outbox, (2) the outbox drained into the decisions log,
(3) a new snapshot, if what gates must know has changed, logged and pushed. A crash between two of them is
made good at the next start: the outbox is drained again and a snapshot is made from what is stored.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, TypeVar

from sqlalchemy.orm import Session

from sekisho.access import Snapshot, encode_snapshot, snapshot_to_json
from sekisho.access.services import build_snapshot
from sekisho.api.interfaces import Done
from sekisho.core import Clock, IdSource, SekishoError
from sekisho.db import Database, drain
from sekisho.formats import dsse, jcs
from sekisho.ledger import Entry, EntryKind, Log, decode_entry
from sekisho.server.gate_link import GateLink, Hello, Pushed, encode_frame
from sekisho.server.places import DataDir
from sekisho.server.setup import write_private
from sekisho.tlog.checkpoint import open_checkpoint
from sekisho.tlog.merkle import root_of
from sekisho.tlog.note import NoteVerifier
from sekisho.tokens import PublicKey
from sekisho.trust import Charter, pin_charter, read_charter, verify_signers

T = TypeVar("T")

EMPTY_ROOT = root_of(())

# A gate that lost the control plane for longer than this denies. Short, since in that time no stop reaches it; long
# enough for a restart of the control plane.
LEASE_S = 5
# Invariant 8 asks for 100 ms; an answer waits a little longer for the gates' word, then says that it has none.
IN_FORCE_TIMEOUT_S = 1.0


class NoCharter(SekishoError):
    """Nothing can be granted before a charter is pinned."""

    code: ClassVar[str] = "SKS-SERVER-101"
    hint = "Have the parties sign a charter, then: sekisho charter pin FILE --data DIR."


class CharterPinned(SekishoError):
    """There is a charter already."""

    code: ClassVar[str] = "SKS-SERVER-102"
    hint = "A pinned charter is the trust root and is not replaced; start another data directory for another programme."


class ForeignCharter(SekishoError):
    """The charter names another ledger, so no verifier could ever check this one with it."""

    code: ClassVar[str] = "SKS-SERVER-103"
    hint = "Put the vkey of ledger/decisions/vkey and its origin into the charter, and have the parties sign again."


class GateRefused(SekishoError):
    """A gate's log is not the one that is on record for its slot."""

    code: ClassVar[str] = "SKS-SERVER-104"
    hint = "The gate's key or log was replaced or rolled back: keep its folder and the ledger for the auditor."


class ControlOffice:
    """Fills `sekisho.api.interfaces.Office`. Thread-safe: acts run one after the other."""

    def __init__(
        self,
        *,
        places: DataDir,
        database: Database,
        log: Log,
        clock: Clock,
        ids: IdSource,
        issuer: str,
        token_key: PublicKey,
        gate_secrets: dict[str, str],
    ) -> None:
        self.clock, self.ids = clock, ids
        self._places, self._database, self._log = places, database, log
        self._issuer, self._token_key = issuer, token_key
        self.link = GateLink(secrets_by_slot=gate_secrets, on_hello=self._welcome, on_checkpoint=self._take_checkpoint)
        self._acting = threading.RLock()  # guards the three steps of an act, and the fields below
        self._charter: Charter | None = None
        self._snapshot: Snapshot | None = None
        self._pushed: Pushed | None = None
        self._calls_logs: dict[str, str] = {}  # origin → verifier key on record
        self._calls_heads: dict[str, tuple[int, bytes]] = {}  # origin → size and root of the last checkpoint on record

    @property
    def charter(self) -> Charter:
        """The pinned charter; raises NoCharter before there is one."""
        if self._charter is None:
            raise NoCharter("no charter is pinned yet")
        return self._charter

    @property
    def snapshot(self) -> Snapshot:
        """What gates were told last; made by `start` and never absent after it."""
        if self._snapshot is None:
            raise NoCharter("the control plane has not started")
        return self._snapshot

    def start(self) -> None:
        """Make good what a crash left undone, then make the first snapshot. Call once, before serving."""
        with self._acting:
            self._read_log()
            if self._places.charter.exists():
                self._adopt(self._places.charter.read_bytes())
            drain(self._database, self._append)
            self._publish()

    def pin(self, envelope: bytes) -> Done[Charter]:
        """Pin the first charter.

        Steps: (1) none is pinned; (2) its own rule is met by its own keys, now; (3) it names this ledger; (4) it is
        stored, then logged. A crash after it is stored logs it at the next start.
        """
        with self._acting:
            # (1)
            if self._charter is not None:
                raise CharterPinned("a charter is pinned already")
            # (2)
            charter = pin_charter(dsse.decode(envelope), at=self.clock.now())
            # (3)
            if charter.decisions.vkey != self._log.vkey:
                raise ForeignCharter("the charter names another decisions log")
            # (4)
            write_private(self._places.charter, envelope)
            index = self._adopt(envelope)
            return Done(value=charter, indexes=(index,), in_force_ms=self._publish_and_wait())

    def act(self, change: Callable[[Session], T]) -> Done[T]:
        """Run `change` in one transaction, log what it recorded, tell the gates; return when durable and told."""
        with self._acting:
            # (1)
            with self._database.begin() as session:
                value = change(session)
            # (2)
            indexes = drain(self._database, self._append)
            # (3)
            return Done(value=value, indexes=indexes, in_force_ms=self._publish_and_wait() if indexes else {})

    def read(self, question: Callable[[Session], T]) -> T:
        """Answer `question` from one consistent state."""
        with self._database.read() as session:
            return question(session)

    def _append(self, entry: bytes, key: str) -> int:
        return self._log.append(decode_entry(entry), key=key).result()

    def _record(self, kind: EntryKind, body: dict[str, jcs.Json], *, key: str) -> int:
        entry = Entry(kind=kind, at=self.clock.now(), id=self.ids.new("ent"), body=body)
        return self._log.append(entry, key=key).result()

    def _adopt(self, encoded: bytes) -> int:
        """Take the stored charter into force and make sure that it is logged; return its index.

        Judged at its own opening time: an expired charter still says whose ledger this is, and every document that
        is opened under it is judged at its own time.
        """
        envelope = dsse.decode(encoded)
        at = read_charter(envelope).valid.opens
        charter = pin_charter(envelope, at=at)
        body: dict[str, jcs.Json] = {
            "programme": charter.programme,
            "version": charter.version,
            "charter_sha256": envelope.digest,
            "signers": sorted(verify_signers(envelope, charter, at=at)),
            "envelope": dsse.encode(envelope).decode(),
        }
        self._charter = charter
        return self._record(EntryKind.CHARTER_PINNED, body, key=f"charter-pinned/{envelope.digest}")

    def _publish_and_wait(self) -> dict[str, float | None]:
        since = time.monotonic()
        if not self._publish() or self._pushed is None:
            return {}
        return self.link.wait_in_force(self._pushed.version, since=since, timeout_s=IN_FORCE_TIMEOUT_S)

    def _publish(self) -> bool:
        """Log and push a new snapshot if anything in it has changed; return whether it has."""
        # The version is the index that the snapshot's own entry will have: it rises, also after a restart.
        version = self._log.head().size
        with self._database.read() as session:
            snapshot = build_snapshot(
                session,
                version=version,
                made_at=self.clock.now(),
                lease_s=LEASE_S,
                issuer=self._issuer,
                token_keys=(self._token_key,),
                labs=self._charter.labs if self._charter else (),
            )
        if self._snapshot is not None and _same(self._snapshot, snapshot):
            return False
        digest = hashlib.sha256(encode_snapshot(snapshot)).hexdigest()
        body: dict[str, jcs.Json] = {"version": version, "snapshot_sha256": digest}
        self._record(EntryKind.SNAPSHOT_PUBLISHED, body, key=f"snapshot-published/{version}")
        head = self._log.head()
        self._snapshot = snapshot
        self._pushed = encode_frame(
            snapshot_to_json(snapshot), size=head.size, root=base64.b64encode(head.root).decode(), version=version
        )
        self.link.push(self._pushed)
        return True

    def _read_log(self) -> None:
        """Learn from the decisions log which calls logs there are and how far each is on record."""
        for _, entry in self._log.entries():
            if entry.kind is EntryKind.CALLS_LOG_OPENED:
                self._calls_logs[str(entry.body["origin"])] = str(entry.body["vkey"])
            elif entry.kind is EntryKind.CALLS_CHECKPOINT:
                root = base64.b64decode(str(entry.body["root"]))
                self._calls_heads[str(entry.body["log"])] = (int(str(entry.body["size"])), root)

    def _welcome(self, hello: Hello) -> Pushed:
        """Put a gate's log on record the first time it is seen, and refuse another one under the same slot."""
        with self._acting:
            name = f"calls/{hello.slot}"
            NoteVerifier.parse(hello.vkey)
            if self._calls_logs.setdefault(hello.origin, hello.vkey) != hello.vkey:
                raise GateRefused(f"{name} has another key than the one on record")
            body: dict[str, jcs.Json] = {"log": name, "origin": hello.origin, "vkey": hello.vkey}
            self._record(EntryKind.CALLS_LOG_OPENED, body, key=f"calls-log-opened/{hello.origin}")
            if self._pushed is None:
                raise GateRefused("the control plane has not started")
            return self._pushed

    def _take_checkpoint(self, slot: str, note: str) -> None:
        """Put a gate's checkpoint on record, unless its log shrank or forked."""
        with self._acting:
            origin = next(o for o in self._calls_logs if o.endswith(f"/calls/{slot}"))
            tree = open_checkpoint(note.encode(), NoteVerifier.parse(self._calls_logs[origin]))
            name = f"calls/{slot}"
            size, root = self._calls_heads.get(name, (0, EMPTY_ROOT))
            if tree.size < size or (tree.size == size and tree.root != root):
                raise GateRefused(f"{name} shrank or forked at size {tree.size}")
            if tree.size == size:
                return
            body: dict[str, jcs.Json] = {
                "log": name,
                "size": tree.size,
                "root": base64.b64encode(tree.root).decode(),
            }
            self._record(EntryKind.CALLS_CHECKPOINT, body, key=f"calls-checkpoint/{slot}/{tree.size}")
            self._calls_heads[name] = (tree.size, tree.root)


def _same(old: Snapshot, new: Snapshot) -> bool:
    return replace(old, version=new.version, made_at=new.made_at) == new
