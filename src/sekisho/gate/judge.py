"""Steps 3 to 5: resolve, scope, policy. Pure: what is in force and what was proved go in, a permit comes out."""

from dataclasses import dataclass
from datetime import datetime

from sekisho.access import Denied, SnapshotGrant, Standing, check_scope, resolve
from sekisho.core import Reason
from sekisho.gate.caller import Caller
from sekisho.gate.force import Force, Reach
from sekisho.labs import Surface
from sekisho.policy import PolicyDenied, PolicyFailed, Question, decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """A call that is permitted: who, by which grant, on what, and by which snapshot it was judged."""

    standing: Standing
    grant: SnapshotGrant
    asset_id: str
    force: Force

    @property
    def reach(self) -> Reach:
        """What the call rests on."""
        return Reach(
            lab=self.standing.lab,
            model=self.standing.model,
            institution=self.standing.institution.id,
            principal=self.standing.principal.id,
            grant=self.grant.id,
            accord=self.grant.accord_id,
        )


def judge(force: Force, caller: Caller, *, model: str, surface: Surface, at: datetime) -> Permit:
    """Return the permit for `caller` to call `model` at `at` (aware UTC), or raise Denied."""
    # (3) Who it is, and which grants stand for this model.
    standing = resolve(force.snapshot, principal_id=caller.principal_id, jkt=caller.jkt, model=model, at=at)
    # (4) Which of them reaches the asset, with the technique, now.
    grant = check_scope(force.snapshot, standing, asset_id=caller.asset_id, technique=caller.technique, at=at)
    if caller.asset_id is None:
        raise Denied(Reason.ASSET_UNDECLARED, grant_id=grant.id)
    # (5) The same by another road; any doubt of the engine is a no.
    permit = Permit(standing=standing, grant=grant, asset_id=caller.asset_id, force=force)
    _decide(permit, caller, surface=surface, at=at)
    return permit


def _decide(permit: Permit, caller: Caller, *, surface: Surface, at: datetime) -> None:
    question = Question(
        principal_id=permit.standing.principal.id,
        model=permit.standing.model,
        asset_id=permit.asset_id,
        technique=caller.technique,
        surface=surface.name,
        at=at,
        case_id=caller.case_id,
    )
    try:
        decision = decide(question, permit.force.policies)
    except PolicyDenied:
        raise Denied(Reason.POLICY_DENIED, grant_id=permit.grant.id) from None
    except PolicyFailed:
        raise Denied(Reason.POLICY_FAILED, grant_id=permit.grant.id) from None
    # The engine may permit by another grant; the budget that is charged must be one that the engine agrees to.
    if permit.grant.id not in decision.policy_ids:
        raise Denied(Reason.POLICY_FAILED, grant_id=permit.grant.id)
