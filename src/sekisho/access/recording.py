"""The ledger entries that documents leave: each with its digest, who signed it, and the document itself.

A document that is not in the log could be in force without anybody being able to see who signed it; so one that does
not fit into an entry is not put in force.
"""

import hashlib
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from sekisho.access.errors import DocumentTooLarge
from sekisho.core import IdSource, SekishoError
from sekisho.db import is_recorded, record
from sekisho.formats import dsse
from sekisho.ledger import Entry, EntryKind, EntryRefused, encode_entry
from sekisho.ledger.document_bodies import Body

# An entry has room for 64 kB. These repeat the document beside them and are left out first.
_LISTS = frozenset({"models", "principals", "assets", "techniques"})


def record_document(
    session: Session, kind: EntryKind, subject_id: str, body: Body, *, ids: IdSource, at: datetime
) -> None:
    """Owe the ledger one entry of `kind` about the document `subject_id`, or raise DocumentTooLarge."""
    entry = Entry(kind=kind, at=at, id=ids.new("ent"), body=body)
    record(session, _encode_whole(entry), key=f"{kind.value}/{subject_id}")


def record_refusal(
    session: Session, data: bytes, error: SekishoError, *, kind: str, ids: IdSource, at: datetime
) -> None:
    """Owe the ledger an entry that a document was refused and why; the same refusal again owes nothing more.

    The message is left out: it may quote what the sender wrote.
    """
    # By all its bytes: the same document with other signatures is another attempt.
    key = f"{EntryKind.DOCUMENT_REFUSED.value}/{hashlib.sha256(data).hexdigest()}/{error.code}"
    if is_recorded(session, key):
        return
    body: Body = {"document_kind": kind, "document_sha256": _digest_of(data), "reason": error.code}
    record(session, encode_entry(Entry(kind=EntryKind.DOCUMENT_REFUSED, at=at, id=ids.new("ent"), body=body)), key=key)


def _encode_whole(entry: Entry) -> bytes:
    """Return `entry` encoded, without the lists that its document repeats if it has no room for both."""
    try:
        return encode_entry(entry)
    except EntryRefused:
        brief = {name: value for name, value in entry.body.items() if name not in _LISTS}
    try:
        return encode_entry(replace(entry, body=brief))
    except EntryRefused as error:
        raise DocumentTooLarge("the document with its signatures does not fit into an entry of the ledger") from error


def _digest_of(data: bytes) -> str:
    """Return the digest that the document's signers know it by; of what is no envelope, the digest of all of it."""
    try:
        return dsse.decode(data).digest
    except SekishoError:
        return hashlib.sha256(data).hexdigest()
