"""The signed documents in the decisions log, judged again: did those sign whom the pinned charter asks for?

Whoever holds the log's key can write that a grant was issued. It cannot sign for the parties, so each entry that
puts a document in force carries the document, and it is opened here as it was opened then, at the entry's own time.
"""

from collections.abc import Mapping

from sekisho.core import SekishoError
from sekisho.formats import dsse
from sekisho.formats.dsse import Envelope
from sekisho.formats.jcs import Json
from sekisho.ledger.document_bodies import accord_body, charter_body, grant_body, hold_body, revocation_body
from sekisho.ledger.entries import Entry, EntryKind
from sekisho.ledger.report import Fault, Notebook
from sekisho.trust import (
    Accord,
    Grant,
    PinnedCharter,
    open_accord,
    open_grant,
    open_hold,
    open_revocation,
    read_grant,
    read_revocation,
    verify_signers,
)
from sekisho.trust.errors import DocumentRefused

KINDS = frozenset(
    {
        EntryKind.CHARTER_PINNED,
        EntryKind.ACCORD_IN_FORCE,
        EntryKind.GRANT_ISSUED,
        EntryKind.GRANT_REVOKED,
        EntryKind.HOLD_PLACED,
    }
)


class Documents:
    """Judges the documents of one decisions log, in its order, under the pinned charter."""

    def __init__(self, pinned: PinnedCharter, log: str, notebook: Notebook) -> None:
        self._pinned = pinned
        self._log = log
        self._notebook = notebook
        self._accords: dict[str, Accord] = {}
        self._grants: dict[str, Grant] = {}

    def take(self, index: int, entry: Entry) -> None:
        """Note what is false in the entry at `index`, if it puts a document in force.

        Steps: (1) a charter is the pinned one; (2) the document is there; (3) it opens under the pinned charter at
        the entry's time; (4) the entry says of it what it says itself.
        """
        if entry.kind not in KINDS:
            return
        # (1)
        if entry.kind is EntryKind.CHARTER_PINNED and entry.body["charter_sha256"] != self._pinned.digest:
            self._note(Fault.CHARTER_DIFFERS, index, "the charter on record is not the one that this is verified with")
            return
        # (2)
        encoded = entry.body.get("envelope")
        if not isinstance(encoded, str):
            self._note(Fault.DOCUMENT_MISSING, index, "the signed document is not in the entry")
            return
        # (3)
        try:
            said = self._open(entry, dsse.decode(encoded.encode()))
        except SekishoError as error:
            self._note(Fault.DOCUMENT_REFUSED, index, error.message)
            return
        # (4)
        differing = sorted(name for name in said if name in entry.body and entry.body[name] != said[name])
        if differing:
            self._note(Fault.DOCUMENT_DIFFERS, index, f"the document says otherwise: {', '.join(differing)}")

    def _open(self, entry: Entry, envelope: Envelope) -> Mapping[str, Json]:
        """Return the fields of the entry as the document in it has them, or raise what refuses it."""
        charter, at = self._pinned.charter, entry.at
        match entry.kind:
            case EntryKind.CHARTER_PINNED:
                # Taken as the root at its own opening time, not at the entry's.
                signers = verify_signers(envelope, charter, at=charter.valid.opens)
                return charter_body(charter, envelope, signers)
            case EntryKind.ACCORD_IN_FORCE:
                accord = open_accord(envelope, charter, at=at)
                self._accords.setdefault(accord.id, accord)
                return accord_body(accord, envelope, verify_signers(envelope, charter, at=at))
            case EntryKind.GRANT_ISSUED:
                grant = open_grant(envelope, charter, self._accord(read_grant(envelope).accord_id), at=at)
                self._grants.setdefault(grant.id, grant)
                return grant_body(grant, envelope, verify_signers(envelope, charter, at=at))
            case EntryKind.GRANT_REVOKED:
                accord = self._accord_of(read_revocation(envelope).grant_id)
                revocation = open_revocation(envelope, charter, accord, at=at)
                return revocation_body(revocation, envelope, verify_signers(envelope, charter, at=at))
            case _:
                return hold_body(open_hold(envelope, charter, at=at), envelope)

    def _accord(self, accord_id: str) -> Accord:
        if accord_id not in self._accords:
            raise DocumentRefused(f"accord {accord_id} was not in force before")
        return self._accords[accord_id]

    def _accord_of(self, grant_id: str) -> Accord:
        if grant_id not in self._grants:
            raise DocumentRefused(f"grant {grant_id} was not issued before")
        return self._accord(self._grants[grant_id].accord_id)

    def _note(self, fault: Fault, index: int, message: str) -> None:
        self._notebook.add(fault, f"{self._log} entry {index}", message)
