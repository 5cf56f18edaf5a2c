"""What the gate writes into its calls log, field by field; `ledger.entries` checks the shapes. Pure.

Ids, counts and commitments alone. A caller's own text, such as the name of a model that does not exist, is not here.
"""

from sekisho.access import Denied
from sekisho.formats.jcs import Json
from sekisho.gate.caller import Caller
from sekisho.gate.force import Force
from sekisho.gate.plan import Plan
from sekisho.gate.relay import Passage
from sekisho.labs import Surface


def intent_body(plan: Plan, caller: Caller, commitment: str) -> dict[str, Json]:
    """Return the body of `call-intended/v1`: who, what and by which snapshot; the content as a commitment alone."""
    permit, force = plan.permit, plan.permit.force
    return {
        "request_id": plan.request_id,
        "institution": permit.standing.institution.id,
        "principal": permit.standing.principal.id,
        "grant": permit.grant.id,
        "lab": permit.standing.lab,
        "model": permit.standing.model,
        "surface": plan.surface.name,
        "asset": permit.asset_id,
        "case": caller.case_id,
        "technique": caller.technique,
        "request_commitment": commitment,
        "request_size_bytes": len(plan.body),
        "reserved_tokens": plan.reservation.tokens,
        "decisions_size": force.decisions_size,
        "decisions_root": force.decisions_root,
        "snapshot_version": force.version,
        "snapshot_sha256": force.digest,
    }


def outcome_body(
    plan: Plan,
    intent_index: int,
    passage: Passage,
    *,
    outcome: str,
    settled_tokens: int,
    duration_us: int,
    sealed_sha256: str | None,
) -> dict[str, Json]:
    """Return the body of `call-answered/v1`. `outcome`: `complete`, or the code of the reason why it is not.

    `sealed_sha256`: of the transcript, None where none is kept.
    """
    answer = passage.answer
    sealed = {} if sealed_sha256 is None else {"sealed_sha256": sealed_sha256}
    return {
        "request_id": plan.request_id,
        "intent_index": intent_index,
        "outcome": outcome,
        "status": passage.status or None,
        "model_answered": answer.model if answer else None,
        "input_tokens": answer.input_tokens if answer else None,
        "output_tokens": answer.output_tokens if answer else None,
        "settled_tokens": settled_tokens,
        "response_commitment": passage.commitment.text() if passage.size_bytes else None,
        "response_size_bytes": passage.size_bytes,
        "duration_us": duration_us,
        **sealed,
    }


def denial_body(
    request_id: str, denied: Denied, *, caller: Caller, surface: Surface | None, force: Force | None
) -> dict[str, Json]:
    """Return the body of `call-denied/v1`. `force`: the snapshot it was judged by, if there was one."""
    principal = force.snapshot.find_principal(caller.principal_id) if force else None
    body: dict[str, Json] = {
        "request_id": request_id,
        "reason": denied.reason.value,
        "institution": principal.institution_id if principal else None,
        "principal": caller.principal_id,
        "grant": denied.grant_id,
        "technique": caller.technique,
    }
    optional = {
        "surface": surface.name if surface else None,
        "asset": caller.asset_id,
        "case": caller.case_id,
        "snapshot_version": force.version if force else None,
    }
    return body | {name: value for name, value in optional.items() if value is not None}
