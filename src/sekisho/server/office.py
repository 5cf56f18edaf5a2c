"""The control plane's heart: one act at a time, each durable and logged before it is answered or in force.

An act is (1) one database transaction that also fills the outbox, (2) the outbox drained into the decisions log,
(3) a new snapshot, if what gates must know has changed, logged and pushed. A crash between two of them is
made good at the next act or the next start: the outbox is drained again and a snapshot is made from what is stored.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from sekisho.access import DocumentTooLarge, Snapshot, encode_snapshot, snapshot_to_json
from sekisho.access.services import build_snapshot, refuse_document
from sekisho.api.interfaces import Done
from sekisho.core import Clock, IdSource, SekishoError
from sekisho.db import Database, check_history, drain
from sekisho.formats import dsse, jcs
from sekisho.formats.dsse import Envelope
from sekisho.ledger import Entry, EntryKind, EntryRefused, Log, decode_entry, encode_entry
from sekisho.ledger.document_bodies import Body, charter_body
from sekisho.server.calls_logs import CallsLogs, GateRefused
from sekisho.server.errors import CharterNotStored, CharterPinned, ForeignCharter, NoCharter
from sekisho.server.gate_link import GateLink, Hello, Pushed, encode_frame
from sekisho.server.places import DataDir
from sekisho.server.setup import write_private
from sekisho.server.transcripts import TranscriptOffice
from sekisho.tokens import PublicKey
from sekisho.trust import Charter, pin_charter, read_charter, verify_signers

T = TypeVar("T")

# What the office records of itself; all other entries come from acts, through the outbox.
RECORDED_HERE = frozenset(
    {
        EntryKind.CHARTER_PINNED,
        EntryKind.SNAPSHOT_PUBLISHED,
        EntryKind.CALLS_LOG_OPENED,
        EntryKind.CALLS_CHECKPOINT,
        EntryKind.TRANSCRIPT_ERASED,
        EntryKind.TRANSCRIPT_UNSEALED,
    }
)

# A gate that lost the control plane for longer than this denies. Short, since in that time no stop reaches it; long
# enough for a restart of the control plane.
LEASE_S = 5
# Invariant 8 asks for 100 ms; an answer waits a little longer for the gates' word, then says that it has none.
IN_FORCE_TIMEOUT_S = 1.0


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
        self.link = GateLink(
            secrets_by_slot=gate_secrets,
            on_hello=self._welcome,
            on_checkpoint=self._take_checkpoint,
            erased_at=lambda slot: self.transcripts.erased_at(slot),
        )
        self.transcripts = TranscriptOffice(self.link, record=self._record_on_content)
        self._acting = threading.RLock()  # guards the three steps of an act, and the fields below
        self._charter: Charter | None = None
        self._pinned: str | None = None  # digest of the charter that the ledger has on record
        self._snapshot: Snapshot | None = None
        self._pushed: Pushed | None = None
        self._calls_logs = CallsLogs(programme=log.origin.removesuffix("/decisions"))

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

    def check_ready(self) -> None:
        """Raise unless the database answers, the ledger takes entries and gates have a snapshot."""
        with self._database.read() as session:
            session.execute(text("SELECT 1"))
        if self._log.trouble is not None:
            raise self._log.trouble
        _ = self.snapshot

    def start(self) -> None:
        """Make good what a crash left undone, then make the first snapshot. Call once, before serving.

        Raises HistoryDiffers for a database or ledger that was put back from an older copy.
        """
        with self._acting:
            self._read_log()
            if self._places.charter.exists():
                self._adopt(dsse.decode(self._places.charter.read_bytes()))
            drain(self._database, self._append)
            check_history(self._database, self._drained())
            self._publish()

    def pin(self, envelope: bytes) -> Done[Charter]:
        """Pin the first charter.

        Steps: (1) none is pinned; (2) its own rule is met by its own keys, now; (3) it names this ledger; (4) it is
        stored, then logged, then in force. A crash after it is stored logs it at the next start.
        """
        with self._acting:
            try:
                charter = self._judge_first(envelope)
            except SekishoError as refusal:
                self._refuse_charter(envelope, refusal)
                raise
            # (4)
            self._store_charter(envelope)
            index = self._adopt(dsse.decode(envelope))
            since, pushed = time.monotonic(), self._publish()
        return Done(value=charter, indexes=(index,), in_force_ms=self._wait(pushed, since=since))

    def _judge_first(self, envelope: bytes) -> Charter:
        opened = dsse.decode(envelope)
        # (1) Neither in force, nor stored before the ledger failed.
        if self._charter is not None or self._stored_digest() not in (None, opened.digest):
            raise CharterPinned("a charter is pinned already")
        self._check_on_record(opened)
        # (2)
        charter = pin_charter(opened, at=self.clock.now())
        # (3)
        self._check_ledger(charter)
        # Stored and not logged it would stop the next start.
        try:
            encode_entry(self._entry(EntryKind.CHARTER_PINNED, _pinned_body(opened, charter)))
        except EntryRefused as error:
            raise DocumentTooLarge("the charter with its signatures does not fit into the ledger") from error
        return charter

    def _refuse_charter(self, envelope: bytes, refusal: SekishoError) -> None:
        with self._database.begin() as session:
            refuse_document(session, envelope, refusal, kind="charter", ids=self.ids, at=self.clock.now())
        drain(self._database, self._append)

    def act(self, change: Callable[[Session], T]) -> Done[T]:
        """Run `change` in one transaction, log what it recorded, tell the gates; return when durable and told.

        A change that raises leaves nothing. When the ledger fails after it, the change stands, is told to nobody, and
        the next act or start logs it first; the same act again then does what was left.
        """
        with self._acting:
            # (1)
            with self._database.begin() as session:
                value = change(session)
            # (2)
            indexes = drain(self._database, self._append)
            since = time.monotonic()
            # (3) Also when nothing was recorded: an act before may have failed between (2) and (3).
            pushed = self._publish()
        # Not under the lock, which the link needs to take in what gates send before their acknowledgement.
        return Done(value=value, indexes=indexes, in_force_ms=self._wait(pushed, since=since))

    def read(self, question: Callable[[Session], T]) -> T:
        """Answer `question` from one consistent state."""
        with self._database.read() as session:
            return question(session)

    def _append(self, entry: bytes, key: str) -> int:
        return self._log.write(decode_entry(entry), key=key)

    def _record(self, kind: EntryKind, body: dict[str, jcs.Json], *, key: str) -> int:
        return self._log.write(self._entry(kind, body), key=key)

    def _record_on_content(self, kind: EntryKind, body: dict[str, jcs.Json], key: str | None) -> int:
        """Put an act on the content of a call on record, and tell whoever keeps count of them."""
        with self._acting:
            entry = self._entry(kind, body)
            index = self._log.write(entry, key=key)
            self.transcripts.learn(index, entry)
            return index

    def _entry(self, kind: EntryKind, body: dict[str, jcs.Json]) -> Entry:
        return Entry(kind=kind, at=self.clock.now(), id=self.ids.new("ent"), body=body)

    def _adopt(self, envelope: Envelope) -> int:
        """Take the stored charter into force once it is on record; return the index of that entry.

        Judged at its own opening time: an expired charter still says whose ledger this is, and every document that
        is opened under it is judged at its own time.
        """
        self._check_on_record(envelope)
        charter = pin_charter(envelope, at=read_charter(envelope).valid.opens)
        self._check_ledger(charter)
        body = _pinned_body(envelope, charter)
        index = self._record(EntryKind.CHARTER_PINNED, body, key=f"charter-pinned/{envelope.digest}")
        self._charter, self._pinned = charter, envelope.digest
        return index

    def _check_on_record(self, envelope: Envelope) -> None:
        if self._pinned not in (None, envelope.digest):
            raise CharterPinned(
                "the ledger has another charter on record than this one",
                hint=f"Put back the charter.json with the digest {self._pinned}.",
            )

    def _check_ledger(self, charter: Charter) -> None:
        if charter.decisions.vkey != self._log.vkey:
            raise ForeignCharter("the charter names another decisions log")

    def _stored_digest(self) -> str | None:
        try:
            return dsse.decode(self._places.charter.read_bytes()).digest
        except FileNotFoundError:
            return None

    def _store_charter(self, envelope: bytes) -> None:
        try:
            write_private(self._places.charter, envelope)
        except OSError as error:
            raise CharterNotStored(f"cannot write {self._places.charter}: {error.strerror}") from error

    def _wait(self, pushed: Pushed | None, *, since: float) -> dict[str, float | None]:
        if pushed is None:
            return {}
        return self.link.wait_in_force(pushed.version, since=since, timeout_s=IN_FORCE_TIMEOUT_S)

    def _publish(self) -> Pushed | None:
        """Log and push a new snapshot if anything in it has changed; return what was pushed."""
        snapshot = self._build()
        if self._snapshot is not None and _same(self._snapshot, snapshot):
            return None
        # The version is the index of the snapshot's own entry: it rises, also after a restart. It is another index
        # than expected when an append that failed had reached the disk after all; then the head is known again.
        while self._log_snapshot(snapshot) != snapshot.version:
            snapshot = self._build()
        # Published before any gate names it: a verifier that reads the files meanwhile must find what intents rest on.
        # But a hold waits for no witness: it is durable, and the log publishes it by itself once they cosign.
        head = self._log.head() if self._log.is_witnessed else self._log.publish()
        self._snapshot = snapshot
        self._pushed = encode_frame(
            snapshot_to_json(snapshot),
            size=head.size,
            root=base64.b64encode(head.root).decode(),
            version=snapshot.version,
        )
        self.link.push(self._pushed)
        return self._pushed

    def _build(self) -> Snapshot:
        with self._database.read() as session:
            return build_snapshot(
                session,
                version=self._log.head().size,
                made_at=self.clock.now(),
                lease_s=LEASE_S,
                issuer=self._issuer,
                token_keys=(self._token_key,),
                labs=self._charter.labs if self._charter else (),
                auditors=self._charter.auditors if self._charter else None,
            )

    def _log_snapshot(self, snapshot: Snapshot) -> int:
        digest = hashlib.sha256(encode_snapshot(snapshot)).hexdigest()
        body: dict[str, jcs.Json] = {"version": snapshot.version, "snapshot_sha256": digest}
        return self._record(EntryKind.SNAPSHOT_PUBLISHED, body, key=f"snapshot-published/{snapshot.version}/{digest}")

    def _read_log(self) -> None:
        """Learn from the decisions log its charter, which calls logs there are, and how far each is on record."""
        for index, entry in self._log.entries():
            if entry.kind is EntryKind.CHARTER_PINNED:
                self._pinned = str(entry.body["charter_sha256"])
            self._calls_logs.learn(entry)
            self.transcripts.learn(index, entry)

    def _drained(self) -> Iterator[int]:
        """Yield the index of every entry that came through the outbox."""
        return (index for index, entry in self._log.entries() if entry.kind not in RECORDED_HERE)

    def _welcome(self, hello: Hello) -> Pushed:
        """Put a gate's log on record the first time it is seen, before the gate gets anything."""
        with self._acting:
            body = self._calls_logs.check_hello(hello)
            self._learn(EntryKind.CALLS_LOG_OPENED, body, key=f"calls-log-opened/{hello.origin}")
            if self._pushed is None:
                raise GateRefused("the control plane has not started")
            return self._pushed

    def _take_checkpoint(self, slot: str, note: str) -> None:
        """Put a gate's checkpoint on record, unless it contradicts what is there."""
        with self._acting:
            body = self._calls_logs.check_checkpoint(slot, note)
            if body is not None:
                self._learn(EntryKind.CALLS_CHECKPOINT, body, key=f"calls-checkpoint/{slot}/{body['size']}")

    def _learn(self, kind: EntryKind, body: dict[str, jcs.Json], *, key: str) -> None:
        entry = Entry(kind=kind, at=self.clock.now(), id=self.ids.new("ent"), body=body)
        self._log.write(entry, key=key)
        self._calls_logs.learn(entry)


def _pinned_body(envelope: Envelope, charter: Charter) -> Body:
    return charter_body(charter, envelope, verify_signers(envelope, charter, at=charter.valid.opens))


def _same(old: Snapshot, new: Snapshot) -> bool:
    return replace(old, version=new.version, made_at=new.made_at) == new
