"""The closed list of what the ledger records, and the bytes of it: docs/specs/ledger-entries.md in code.

An entry is one object of canonical JSON (RFC 8785), `{"at","body","id","kind"}`. Content (a prompt, an answer, a
finding's detail, a name of a person) is never in it: only ids, counts, digests of signed documents, and salted
commitments.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final

from sekisho.core.errors import SekishoError
from sekisho.core.utc import format_utc, parse_utc
from sekisho.formats import jcs
from sekisho.ledger.errors import EntryRefused
from sekisho.ledger.fields import BodyShape, Field, Shape
from sekisho.tlog.tile import MAX_ENTRY_SIZE_BYTES

_ID = re.compile(r"[a-z]{2,8}_[0-9a-z]{26}", re.ASCII)


class EntryKind(Enum):
    """What an entry records; the value is the versioned name in the log."""

    CHARTER_PINNED = "charter-pinned/v1"
    ACCORD_IN_FORCE = "accord-in-force/v1"
    INSTITUTION_ENROLLED = "institution-enrolled/v1"
    PRINCIPAL_ENROLLED = "principal-enrolled/v1"
    PRINCIPAL_ENROLLED_V2 = "principal-enrolled/v2"
    ASSET_DECLARED = "asset-declared/v1"
    GRANT_ISSUED = "grant-issued/v1"
    GRANT_REVOKED = "grant-revoked/v1"
    HOLD_PLACED = "hold-placed/v1"
    DOCUMENT_REFUSED = "document-refused/v1"
    SNAPSHOT_PUBLISHED = "snapshot-published/v1"
    CALLS_LOG_OPENED = "calls-log-opened/v1"
    CALLS_CHECKPOINT = "calls-checkpoint/v1"
    CAMPAIGN_RECORDED = "campaign-recorded/v1"
    FINDING_RECORDED = "finding-recorded/v1"
    CASE_OPENED = "case-opened/v1"
    NOTICE_ISSUED = "notice-issued/v1"
    INVENTORY_RECORDED = "inventory-recorded/v1"
    TRANSCRIPT_UNSEALED = "transcript-unsealed/v1"
    TRANSCRIPT_ERASED = "transcript-erased/v1"
    CALL_INTENDED = "call-intended/v1"
    CALL_ANSWERED = "call-answered/v1"
    CALL_DENIED = "call-denied/v1"
    DENIALS_COUNTED = "denials-counted/v1"


# Kinds of the calls logs; every other kind belongs into the decisions log.
CALLS_KINDS: Final = frozenset(
    {EntryKind.CALL_INTENDED, EntryKind.CALL_ANSWERED, EntryKind.CALL_DENIED, EntryKind.DENIALS_COUNTED}
)


def _must(name: str, shape: Shape = Shape.TEXT) -> Field:
    return Field(name=name, shape=shape)


def _null(name: str, shape: Shape = Shape.TEXT) -> Field:
    return Field(name=name, shape=shape, may_be_null=True)


def _may(name: str, shape: Shape = Shape.TEXT) -> Field:
    return Field(name=name, shape=shape, is_required=False)


# `envelope` is the signed document itself, an encoded DSSE envelope, where it fits into an entry: then the log alone
# shows who signed what.
FIELDS: Final[Mapping[EntryKind, tuple[Field, ...]]] = MappingProxyType(
    {
        EntryKind.CHARTER_PINNED: (
            _must("programme"),
            _must("version", Shape.COUNT),
            _must("charter_sha256", Shape.DIGEST),
            _must("signers", Shape.TEXTS),
            _may("envelope"),
        ),
        EntryKind.ACCORD_IN_FORCE: (
            _must("accord"),
            _must("lab"),
            _must("accord_sha256", Shape.DIGEST),
            _must("signers", Shape.TEXTS),
            _may("models", Shape.TEXTS),
            _may("opens", Shape.TIME),
            _may("closes", Shape.TIME),
            _may("envelope"),
        ),
        EntryKind.INSTITUTION_ENROLLED: (
            _must("institution"),
            _must("lei"),
            _must("institution_kind"),
            _may("name"),
            _may("evidence_sha256", Shape.DIGEST),
        ),
        EntryKind.PRINCIPAL_ENROLLED: (
            _must("principal"),
            _must("institution"),
            _must("principal_kind"),
            _must("jkt"),
        ),
        EntryKind.PRINCIPAL_ENROLLED_V2: (
            _must("principal"),
            _must("institution"),
            _must("principal_kind"),
            # Not the thumbprint: tokens and proofs show it, and it is one in every programme that takes the key.
            _must("key_commitment", Shape.COMMITMENT),
        ),
        EntryKind.ASSET_DECLARED: (
            _must("asset"),
            _must("institution"),
            _must("asset_kind"),
            _may("commitment", Shape.COMMITMENT),
        ),
        EntryKind.GRANT_ISSUED: (
            _must("grant"),
            _must("accord"),
            _must("institution"),
            _must("grant_sha256", Shape.DIGEST),
            _must("signers", Shape.TEXTS),
            _may("lab"),
            _may("models", Shape.TEXTS),
            _may("principals", Shape.TEXTS),
            _may("assets", Shape.TEXTS),
            _may("techniques", Shape.TEXTS),
            _may("opens", Shape.TIME),
            _may("closes", Shape.TIME),
            _may("budget_tokens", Shape.COUNT),
            _may("budget_calls", Shape.COUNT),
            _may("envelope"),
        ),
        EntryKind.GRANT_REVOKED: (
            _must("grant"),
            _must("revocation_sha256", Shape.DIGEST),
            _must("signers", Shape.TEXTS),
            _may("basis"),
            _may("envelope"),
        ),
        EntryKind.HOLD_PLACED: (
            _must("hold"),
            _must("placed_by"),
            _must("target_kind"),
            _must("target"),
            _must("basis"),
            _must("lapses_at", Shape.TIME),
            _must("hold_sha256", Shape.DIGEST),
            _may("envelope"),
        ),
        EntryKind.DOCUMENT_REFUSED: (
            _must("document_kind"),
            _must("document_sha256", Shape.DIGEST),
            _must("reason"),
            _may("message"),
            _may("signers", Shape.TEXTS),
        ),
        EntryKind.SNAPSHOT_PUBLISHED: (
            _must("version", Shape.COUNT),
            _must("snapshot_sha256", Shape.DIGEST),
        ),
        EntryKind.CALLS_LOG_OPENED: (
            _must("log", Shape.LOG),
            _must("origin"),
            _must("vkey"),
        ),
        EntryKind.CALLS_CHECKPOINT: (
            _must("log", Shape.LOG),
            _must("size", Shape.COUNT),
            _must("root", Shape.ROOT),
            _may("note"),
        ),
        EntryKind.CAMPAIGN_RECORDED: (
            _must("campaign"),
            _must("institution"),
            _must("asset"),
            _must("report_commitment", Shape.COMMITMENT),
            _must("findings", Shape.COUNT),
            _may("not_analyzed", Shape.COUNT),
            _may("engines", Shape.TEXTS),
        ),
        EntryKind.FINDING_RECORDED: (
            _must("finding"),
            _must("campaign"),
            _must("institution"),
            _must("commitment", Shape.COMMITMENT),
        ),
        EntryKind.CASE_OPENED: (
            _must("case"),
            _must("finding"),
            _must("commitment", Shape.COMMITMENT),
            _may("institution"),
            _may("embargo_until", Shape.TIME),
            _may("tlp"),
        ),
        EntryKind.NOTICE_ISSUED: (
            _must("notice"),
            _must("case"),
            # Not the institution: a public list of who runs what is affected is a list of targets.
            _must("recipient_commitment", Shape.COMMITMENT),
            _must("ring"),
            _must("tlp"),
            _must("notice_commitment", Shape.COMMITMENT),
        ),
        EntryKind.INVENTORY_RECORDED: (
            _must("institution"),
            _must("commitment", Shape.COMMITMENT),
            _must("components", Shape.COUNT),
        ),
        EntryKind.TRANSCRIPT_UNSEALED: (
            _must("request_id"),
            _must("log", Shape.LOG),
            _must("intent_index", Shape.COUNT),
            _must("sealed_sha256", Shape.DIGEST),
            _must("requested_by"),
            _must("basis"),
        ),
        EntryKind.TRANSCRIPT_ERASED: (
            _must("request_id"),
            _must("log", Shape.LOG),
            _must("intent_index", Shape.COUNT),
            _may("sealed_sha256", Shape.DIGEST),
            _must("erased_by"),
            _must("basis"),
        ),
        EntryKind.CALL_INTENDED: (
            _must("request_id"),
            _must("institution"),
            _must("principal"),
            _must("grant"),
            _must("lab"),
            _must("model"),
            _must("surface"),
            _must("asset"),
            _null("case"),
            _must("technique"),
            _must("request_commitment", Shape.COMMITMENT),
            _must("request_size_bytes", Shape.COUNT),
            _must("reserved_tokens", Shape.COUNT),
            _must("decisions_size", Shape.COUNT),
            _must("decisions_root", Shape.ROOT),
            _must("snapshot_version", Shape.COUNT),
            _must("snapshot_sha256", Shape.DIGEST),
        ),
        EntryKind.CALL_ANSWERED: (
            _must("request_id"),
            _must("intent_index", Shape.COUNT),
            _must("outcome"),
            _null("status", Shape.COUNT),
            _null("model_answered"),
            _null("input_tokens", Shape.COUNT),
            _null("output_tokens", Shape.COUNT),
            _must("settled_tokens", Shape.COUNT),
            _null("response_commitment", Shape.COMMITMENT),
            _must("response_size_bytes", Shape.COUNT),
            _must("duration_us", Shape.COUNT),
            _may("sealed_sha256", Shape.DIGEST),
        ),
        EntryKind.CALL_DENIED: (
            _must("request_id"),
            _must("reason"),
            _null("institution"),
            _null("principal"),
            _null("grant"),
            _may("lab"),
            _may("model"),
            _may("surface"),
            _may("asset"),
            _may("case"),
            _may("technique"),
            _may("snapshot_version", Shape.COUNT),
        ),
        EntryKind.DENIALS_COUNTED: (
            _must("opens", Shape.TIME),
            _must("closes", Shape.TIME),
            _must("counts", Shape.COUNTS),
        ),
    }
)


_SHAPES: Final[Mapping[EntryKind, BodyShape]] = {kind: BodyShape(fields) for kind, fields in FIELDS.items()}
# What a body of most kinds is made of; the JSON writer takes these as they are.
_FLAT: Final = frozenset({str, int, type(None)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `at`: aware UTC; `id`: the entry's own id; `body`: the fields of its kind."""

    kind: EntryKind
    at: datetime
    id: str
    body: Mapping[str, jcs.Json]


def encode_entry(entry: Entry) -> bytes:
    """Return `entry` as the bytes of its leaf, or raise EntryRefused."""
    _SHAPES[entry.kind].check(entry.body)
    _check_id(entry.id)
    try:
        data = _write(entry)
    except SekishoError as error:
        raise EntryRefused(f"the entry has no canonical form: {error.message}") from error
    if len(data) > MAX_ENTRY_SIZE_BYTES:
        raise EntryRefused(f"{len(data)} bytes, more than {MAX_ENTRY_SIZE_BYTES}")
    return data


def decode_entry(data: bytes) -> Entry:
    """Return the entry whose bytes are `data`, or raise EntryRefused.

    Steps: (1) size; (2) canonical JSON, so that one entry has one spelling; (3) exactly the four names; (4) a known
    kind; (5) time and id; (6) the fields of that kind.
    """
    # (1)
    if len(data) > MAX_ENTRY_SIZE_BYTES:
        raise EntryRefused(f"{len(data)} bytes, more than {MAX_ENTRY_SIZE_BYTES}")
    # (2)
    try:
        value = jcs.parse_canonical(data)
    except SekishoError as error:
        raise EntryRefused(f"not canonical JSON: {error.message}") from error
    # (3)
    if not isinstance(value, Mapping) or set(value) != {"at", "body", "id", "kind"}:
        raise EntryRefused("expected an object with exactly at, body, id, kind")
    # (4)
    kind = _kind(value["kind"])
    # (5)
    at = _time(value["at"])
    entry_id = value["id"]
    _check_id(entry_id)
    # (6)
    body = value["body"]
    if not isinstance(body, Mapping):
        raise EntryRefused("the body is not an object")
    _SHAPES[kind].check(body)
    return Entry(kind=kind, at=at, id=str(entry_id), body=MappingProxyType(dict(body)))


def _write(entry: Entry) -> bytes:
    """Return the canonical bytes of `entry`, whose body has its shape."""
    value: dict[str, jcs.Json] = {"at": format_utc(entry.at), "body": entry.body, "id": entry.id}
    value["kind"] = entry.kind.value
    # Flat and of its shape: no float, no nesting, no number too large.
    if type(entry.body) is dict and _FLAT.issuperset(map(type, entry.body.values())):
        data = jcs.canonical_if_ascii(value)
        if data is not None:
            return data
    return jcs.canonical(value | {"body": _plain(entry.body)})


def _plain(value: jcs.Json) -> jcs.Json:
    """Return `value` in dicts and lists: the JSON writer takes no read-only view."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _kind(value: jcs.Json) -> EntryKind:
    try:
        return EntryKind(value)
    except ValueError as error:
        raise EntryRefused(f"no such kind of entry: {str(value)[:40]!r}") from error


def _time(value: jcs.Json) -> datetime:
    Field(name="at", shape=Shape.TIME).check(value)
    return parse_utc(str(value))


def _check_id(value: jcs.Json) -> None:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise EntryRefused("an id is a prefix, an underscore and 26 characters")
