"""Who may decide: the charter, threshold rules counted by party, and the documents that parties sign. Pure.

A document is drafted as a value (`Grant`), written as a payload (`grant_payload`), sealed and signed with
`formats.dsse`, and opened here (`open_grant`), which verifies. `read_*` only parse: they trust nobody's signature.
"""

from sekisho.trust.accord import Accord, Model, accord_payload, open_accord, read_accord
from sekisho.trust.auditors import (
    Auditor,
    Auditors,
    auditor_payload,
    auditors_payload,
    check_auditor_key,
    read_auditors,
)
from sekisho.trust.charter import Charter, LabModels, LogKey, charter_payload, read_charter
from sekisho.trust.documents import Document, read_document, require_signed
from sekisho.trust.errors import (
    AuditorKeyRefused,
    CharterNotInForce,
    CharterOpensEarly,
    DocumentLapsed,
    DocumentRefused,
    HoldRefused,
    KeyRefused,
    OutsideAccord,
    QuorumNotMet,
    RuleRefused,
    SignatureRefused,
    TrustRefused,
)
from sekisho.trust.grant import Budget, Grant, grant_payload, open_grant, read_grant
from sekisho.trust.hold import Hold, Target, TargetKind, hold_payload, open_hold, read_hold
from sekisho.trust.party import Party, PartyKey, Role, check_party_name, key_payload, raw_key
from sekisho.trust.pinning import PinnedCharter, pin_charter, read_pinned_charter, read_pinned_ledger_key
from sekisho.trust.quorum import require_quorum, require_rule, verify_signers
from sekisho.trust.revocation import Revocation, open_revocation, read_revocation, revocation_payload
from sekisho.trust.threshold import AllOf, AnyOf, AnyOfRole, AtLeast, LabOfAccord, OneParty, Rule

__all__ = [
    "Accord",
    "AllOf",
    "AnyOf",
    "AnyOfRole",
    "AtLeast",
    "Auditor",
    "AuditorKeyRefused",
    "Auditors",
    "Budget",
    "Charter",
    "CharterNotInForce",
    "CharterOpensEarly",
    "Document",
    "DocumentLapsed",
    "DocumentRefused",
    "Grant",
    "Hold",
    "HoldRefused",
    "KeyRefused",
    "LabModels",
    "LabOfAccord",
    "LogKey",
    "Model",
    "OneParty",
    "OutsideAccord",
    "Party",
    "PartyKey",
    "PinnedCharter",
    "QuorumNotMet",
    "Revocation",
    "Role",
    "Rule",
    "RuleRefused",
    "SignatureRefused",
    "Target",
    "TargetKind",
    "TrustRefused",
    "accord_payload",
    "auditor_payload",
    "auditors_payload",
    "charter_payload",
    "check_auditor_key",
    "check_party_name",
    "grant_payload",
    "hold_payload",
    "key_payload",
    "open_accord",
    "open_grant",
    "open_hold",
    "open_revocation",
    "pin_charter",
    "raw_key",
    "read_accord",
    "read_auditors",
    "read_charter",
    "read_document",
    "read_grant",
    "read_hold",
    "read_pinned_charter",
    "read_pinned_ledger_key",
    "read_revocation",
    "require_quorum",
    "require_rule",
    "require_signed",
    "revocation_payload",
    "verify_signers",
]
