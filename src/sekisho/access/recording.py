"""The ledger entries that documents leave: each with its digest, who signed it, and, if it fits, the document."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.orm import Session

from sekisho.core import IdSource, SekishoError, format_utc
from sekisho.db import is_recorded, record
from sekisho.formats import dsse, jcs
from sekisho.ledger import Entry, EntryKind, encode_entry
from sekisho.trust import Accord, Grant, Hold, Revocation

Body: TypeAlias = dict[str, jcs.Json]

# An entry has room for 64 kB. Half of it leaves enough for the fields beside, which repeat the document's lists.
MAX_ENVELOPE_IN_ENTRY_BYTES = 32_768


def record_document(
    session: Session, kind: EntryKind, subject_id: str, body: Body, *, ids: IdSource, at: datetime
) -> None:
    """Owe the ledger one entry of `kind` about the document `subject_id`."""
    _record(session, kind, body, key=f"{kind.value}/{subject_id}", ids=ids, at=at)


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
    _record(session, EntryKind.DOCUMENT_REFUSED, body, key=key, ids=ids, at=at)


def accord_body(accord: Accord, envelope: dsse.Envelope, signers: Iterable[str]) -> Body:
    return {
        "accord": accord.id,
        "lab": accord.lab,
        "accord_sha256": envelope.digest,
        "signers": sorted(signers),
        "models": sorted({model.name for model in accord.models}),
        "opens": format_utc(accord.valid.opens),
        "closes": format_utc(accord.valid.closes),
        **_document(envelope),
    }


def grant_body(grant: Grant, envelope: dsse.Envelope, signers: Iterable[str]) -> Body:
    body: Body = {
        "grant": grant.id,
        "accord": grant.accord_id,
        "institution": grant.institution_id,
        "grant_sha256": envelope.digest,
        "signers": sorted(signers),
        "lab": grant.lab,
        "opens": format_utc(grant.window.opens),
        "closes": format_utc(grant.window.closes),
        "budget_tokens": grant.budget.tokens,
        "budget_calls": grant.budget.calls,
    }
    if document := _document(envelope):
        body |= document
        body |= {
            "models": grant.models,
            "principals": grant.principals,
            "assets": grant.assets,
            "techniques": grant.techniques,
        }
    return body


def revocation_body(revocation: Revocation, envelope: dsse.Envelope, signers: Iterable[str]) -> Body:
    return {
        "grant": revocation.grant_id,
        "revocation_sha256": envelope.digest,
        "signers": sorted(signers),
        "basis": revocation.basis,
        **_document(envelope),
    }


def hold_body(hold: Hold, envelope: dsse.Envelope) -> Body:
    return {
        "hold": hold.id,
        "placed_by": hold.placed_by,
        "target_kind": hold.target.kind.value,
        "target": hold.target.id,
        "basis": hold.basis,
        "lapses_at": format_utc(hold.lapses_at),
        "hold_sha256": envelope.digest,
        **_document(envelope),
    }


def _record(session: Session, kind: EntryKind, body: Body, *, key: str, ids: IdSource, at: datetime) -> None:
    record(session, encode_entry(Entry(kind=kind, at=at, id=ids.new("ent"), body=body)), key=key)


def _document(envelope: dsse.Envelope) -> Body:
    encoded = dsse.encode(envelope)
    return {"envelope": encoded.decode()} if len(encoded) <= MAX_ENVELOPE_IN_ENTRY_BYTES else {}


def _digest_of(data: bytes) -> str:
    """Return the digest that the document's signers know it by; of what is no envelope, the digest of all of it."""
    try:
        return dsse.decode(data).digest
    except SekishoError:
        return hashlib.sha256(data).hexdigest()
