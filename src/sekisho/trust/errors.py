"""Why a signed document was refused. One error for each kind of way out."""

from typing import ClassVar

from sekisho.core import SekishoError


class TrustRefused(SekishoError):
    """Base of the refusals: a document, key, rule or signature did not pass, so a command ends with 1."""

    code: ClassVar[str] = "SKS-TRUST-000"
    hint = "Compare the document with docs/specs/documents.md."
    exit_code: ClassVar[int] = 1


class DocumentRefused(TrustRefused):
    """The payload is not a document of the kind that was asked for, field by field."""

    code: ClassVar[str] = "SKS-TRUST-001"
    hint = "Compare the payload with docs/specs/documents.md; every field is required and no other is allowed."


class KeyRefused(TrustRefused):
    """A public key is malformed, weak, or listed more than once."""

    code: ClassVar[str] = "SKS-TRUST-002"
    hint = "Make a new key with `sekisho party keygen`; each key belongs to one party and is listed once."


class AuditorKeyRefused(KeyRefused):
    """An auditor's key is malformed, weak, or listed more than once."""

    code: ClassVar[str] = "SKS-TRUST-011"
    hint = "Make a new key with `sekisho transcript new-key`; each key belongs to one auditor and is listed once."


class RuleRefused(TrustRefused):
    """A rule of the charter can never be met, could be met by fewer parties than it seems to ask, or is too large."""

    code: ClassVar[str] = "SKS-TRUST-003"
    hint = "See docs/charter.md for what a rule may say."


class CharterNotInForce(TrustRefused):
    """The charter's validity does not contain the time in question."""

    code: ClassVar[str] = "SKS-TRUST-004"
    hint = "The parties must sign a new charter; nothing can be granted, held or revoked under this one."


class SignatureRefused(TrustRefused):
    """A listed key's signature is false, or claims another party than the key's owner."""

    code: ClassVar[str] = "SKS-TRUST-005"
    hint = "The document or the signature was changed. Ask its parties to sign it again; do not remove the signature."


class QuorumNotMet(TrustRefused):
    """Too few parties signed. `signers`: those who did; `missing`: in words, who would complete the quorum."""

    code: ClassVar[str] = "SKS-TRUST-006"
    hint = (
        "Ask the missing parties to sign with `sekisho document sign`. A party counts once, however many keys it has."
    )

    def __init__(self, message: str, *, signers: frozenset[str], missing: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.signers = signers
        self.missing = missing


class DocumentLapsed(TrustRefused):
    """The document is sound, but its time is over."""

    code: ClassVar[str] = "SKS-TRUST-007"
    hint = "Draft a new document with a later end and have it signed."


class OutsideAccord(TrustRefused):
    """A grant or revocation is not within the accord that it rests on."""

    code: ClassVar[str] = "SKS-TRUST-008"
    hint = "A grant's lab, models, tier, techniques and window must all lie within its accord."


class HoldRefused(TrustRefused):
    """The hold is not its party's, runs too long, or is placed at another time than now."""

    code: ClassVar[str] = "SKS-TRUST-009"
    hint = "The placing party signs its own hold, with a basis, for at most the charter's hold_term_s."


class CharterOpensEarly(TrustRefused):
    """The charter opens before keys that signed it, so no auditor could count them."""

    code: ClassVar[str] = "SKS-TRUST-010"
    hint = "Let `valid.opens` be no earlier than the `opens` of the parties' keys, and have the parties sign again."
