"""What an entry says of the signed document that it carries: written when one is put in force, and held against the
document again when the log is verified.
"""

from collections.abc import Iterable
from typing import TypeAlias

from sekisho.core import format_utc
from sekisho.formats import dsse, jcs
from sekisho.formats.dsse import Envelope
from sekisho.trust import Accord, Charter, Grant, Hold, Revocation

Body: TypeAlias = dict[str, jcs.Json]


def charter_body(charter: Charter, envelope: Envelope, signers: Iterable[str]) -> Body:
    return {
        "programme": charter.programme,
        "version": charter.version,
        "charter_sha256": envelope.digest,
        "signers": sorted(signers),
        **_document(envelope),
    }


def accord_body(accord: Accord, envelope: Envelope, signers: Iterable[str]) -> Body:
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


def grant_body(grant: Grant, envelope: Envelope, signers: Iterable[str]) -> Body:
    return {
        "grant": grant.id,
        "accord": grant.accord_id,
        "institution": grant.institution_id,
        "grant_sha256": envelope.digest,
        "signers": sorted(signers),
        "lab": grant.lab,
        "models": list(grant.models),
        "principals": list(grant.principals),
        "assets": list(grant.assets),
        "techniques": list(grant.techniques),
        "opens": format_utc(grant.window.opens),
        "closes": format_utc(grant.window.closes),
        "budget_tokens": grant.budget.tokens,
        "budget_calls": grant.budget.calls,
        **_document(envelope),
    }


def revocation_body(revocation: Revocation, envelope: Envelope, signers: Iterable[str]) -> Body:
    return {
        "grant": revocation.grant_id,
        "revocation_sha256": envelope.digest,
        "signers": sorted(signers),
        "basis": revocation.basis,
        **_document(envelope),
    }


def hold_body(hold: Hold, envelope: Envelope) -> Body:
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


def _document(envelope: Envelope) -> Body:
    return {"envelope": dsse.encode(envelope).decode()}
