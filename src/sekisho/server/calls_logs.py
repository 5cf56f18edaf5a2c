"""What the decisions log has on record of each gate's calls log, and what contradicts it. Pure; no lock of its own."""

import base64
from dataclasses import dataclass, field
from typing import ClassVar

from sekisho.core import SekishoError
from sekisho.formats import jcs
from sekisho.ledger import Entry, EntryKind
from sekisho.server.gate_link import Hello
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint
from sekisho.tlog.merkle import root_of
from sekisho.tlog.note import NoteVerifier

EMPTY_ROOT = root_of(())


class GateRefused(SekishoError):
    """A gate's log is not the one that is on record for its slot."""

    code: ClassVar[str] = "SKS-SERVER-104"
    hint = "The gate's key or log was replaced or rolled back: keep its folder and the ledger for the auditor."


@dataclass(slots=True)
class CallsLogs:
    """The calls logs of one programme, by name such as `calls/gate-0`.

    `programme`: what their origins begin with. What a log is found to contradict stays doubted until the next start: a
    gate that is cut off comes back, and would get a new lease each time.
    """

    programme: str
    _keys: dict[str, str] = field(default_factory=dict)  # log → verifier key on record
    _heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # log → size and root last on record
    _doubted: set[str] = field(default_factory=set)

    def learn(self, entry: Entry) -> None:
        """Take in an entry of the decisions log."""
        name = str(entry.body.get("log"))
        if entry.kind is EntryKind.CALLS_LOG_OPENED:
            self._keys[name] = str(entry.body["vkey"])
        elif entry.kind is EntryKind.CALLS_CHECKPOINT:
            self._heads[name] = int(str(entry.body["size"])), base64.b64decode(str(entry.body["root"]))

    def check_hello(self, hello: Hello) -> dict[str, jcs.Json]:
        """Return the body of `calls-log-opened` for the log that `hello` names, or raise GateRefused.

        Steps: (1) it did not contradict itself before; (2) its origin is the slot's own; (3) its key is named for that
        origin and is the one on record, or the first.
        """
        name = f"calls/{hello.slot}"
        # (1)
        if name in self._doubted:
            raise GateRefused(f"{name} contradicted what is on record")
        # (2)
        if hello.origin != f"{self.programme}/{name}":
            raise GateRefused(f"{name} has another origin than its slot's")
        # (3)
        if _key_name(hello.vkey) != hello.origin or self._keys.get(name, hello.vkey) != hello.vkey:
            raise GateRefused(f"{name} has another key than the one on record")
        return {"log": name, "origin": hello.origin, "vkey": hello.vkey}

    def check_checkpoint(self, slot: str, note: str) -> dict[str, jcs.Json] | None:
        """Return the body of `calls-checkpoint` for the signed `note`, or None if it says nothing new.

        Raises GateRefused for a log that shrank, one that has another root at the same size, and what its key did not
        sign. A fork that hides behind growth shows in the tiles: `ledger.verify` holds every root on record to them.
        """
        name = f"calls/{slot}"
        size, root = self._heads.get(name, (0, EMPTY_ROOT))
        try:
            tree = self._open(name, note)
        except SekishoError as error:
            self._doubted.add(name)
            raise GateRefused(f"{name}: {error.message}") from error
        if tree.size < size or (tree.size == size and tree.root != root):
            self._doubted.add(name)
            raise GateRefused(f"{name} shrank or forked at size {tree.size}")
        if tree.size == size:
            return None
        return {"log": name, "size": tree.size, "root": base64.b64encode(tree.root).decode()}

    def _open(self, name: str, note: str) -> Checkpoint:
        if name not in self._keys:
            raise GateRefused("a checkpoint of a log that was not opened")
        return open_checkpoint(note.encode(), NoteVerifier.parse(self._keys[name]))


def _key_name(vkey: str) -> str:
    try:
        return NoteVerifier.parse(vkey).name
    except SekishoError as error:
        raise GateRefused(f"not a verifier key: {error.message}") from error
