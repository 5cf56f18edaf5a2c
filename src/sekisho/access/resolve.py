"""Who is calling, by which grant, and does it reach this asset now: steps 3 and 4 of the path of one call.

Pure: a snapshot, what the caller proved, and the time go in; a grant comes out, or Denied. Nothing here waits, and the
same question always has the same answer, so that an auditor can ask it again from the ledger.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime

from sekisho.access.errors import Denied
from sekisho.access.snapshot import (
    GrantState,
    Snapshot,
    SnapshotGrant,
    SnapshotInstitution,
    SnapshotPrincipal,
)
from sekisho.core import Reason
from sekisho.trust import TargetKind

# Later means that more of the grant fitted; a caller with several grants is told of the one that came nearest.
_SCOPE_ORDER = (
    Reason.ASSET_UNDECLARED,
    Reason.ASSET_OUT_OF_SCOPE,
    Reason.WINDOW_CLOSED,
    Reason.TECHNIQUE_NOT_GRANTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What step 3 found. `grants`: those that stand and cover the model, in order of id; at least one."""

    principal: SnapshotPrincipal
    institution: SnapshotInstitution
    lab: str
    model: str
    grants: tuple[SnapshotGrant, ...]


def resolve(snapshot: Snapshot, *, principal_id: str, jkt: str, model: str, at: datetime) -> Standing:
    """Return the standing of a caller who proved the key `jkt` and asks for `model` at `at`, or raise Denied.

    DESIGN, step 3: (1) the principal is enrolled with this key, and its institution is; (2) neither is suspended;
    (3) a grant covers the model, and a lab serves it; (4) one of those grants was not revoked; (5) lab and model are
    not on hold; (6) one of the grants is not on hold, nor its accord. What is on hold is told after (4), to those
    alone who hold a grant for it: to anybody else a held, an ungranted and an invented model look alike.
    """
    # (1)
    principal = _require_principal(snapshot, principal_id, jkt)
    institution = snapshot.find_institution(principal.institution_id)
    if institution is None:
        raise Denied(Reason.PRINCIPAL_UNKNOWN)
    # (2)
    if snapshot.is_held(TargetKind.PRINCIPAL, principal.id, at):
        raise Denied(Reason.PERSON_SUSPENDED)
    if snapshot.is_held(TargetKind.INSTITUTION, institution.id, at):
        raise Denied(Reason.INSTITUTION_SUSPENDED)
    # (3)
    lab = snapshot.find_lab_of(model)
    covering = tuple(g for g in snapshot.grants_of(principal.id) if _covers(g, institution, lab, model))
    if lab is None or not covering:
        raise Denied(Reason.NO_GRANT)
    # (4)
    standing = tuple(grant for grant in covering if grant.state is GrantState.ACTIVE)
    if not standing:
        raise Denied(Reason.GRANT_REVOKED, grant_id=covering[0].id)
    # (5)
    if snapshot.is_held(TargetKind.LAB, lab, at):
        raise Denied(Reason.LAB_ON_HOLD, grant_id=standing[0].id)
    if snapshot.is_held(TargetKind.MODEL, model, at):
        raise Denied(Reason.MODEL_ON_HOLD, grant_id=standing[0].id)
    # (6)
    free = tuple(grant for grant in standing if not _is_grant_held(snapshot, grant, at))
    if not free:
        raise Denied(Reason.GRANT_ON_HOLD, grant_id=standing[0].id)
    return Standing(principal=principal, institution=institution, lab=lab, model=model, grants=free)


def check_scope(
    snapshot: Snapshot, standing: Standing, *, asset_id: str | None, technique: str, at: datetime
) -> SnapshotGrant:
    """Return the first grant of `standing` that reaches the asset with the technique at `at`, or raise Denied.

    DESIGN, step 4: (1) the asset is declared by the caller's own institution; then per grant (2) the asset is in its
    scope, (3) its window is open, (4) it allows the technique. If none fits, the denial is of the grant that came
    nearest; among equals, of the first.
    """
    # (1)
    asset = None if asset_id is None else snapshot.find_asset(asset_id)
    if asset is None or asset.institution_id != standing.institution.id:
        raise Denied(Reason.ASSET_UNDECLARED, grant_id=standing.grants[0].id)
    # (2) to (4)
    denials: list[Denied] = []
    for grant in standing.grants:
        reason = _scope_denial(grant, asset.id, technique, at)
        if reason is None:
            return grant
        denials.append(Denied(reason, grant_id=grant.id))
    raise max(denials, key=lambda denied: _SCOPE_ORDER.index(denied.reason))


def _require_principal(snapshot: Snapshot, principal_id: str, jkt: str) -> SnapshotPrincipal:
    principal = snapshot.find_principal(principal_id)
    if principal is None or not hmac.compare_digest(principal.jkt.encode(), jkt.encode()):
        raise Denied(Reason.PRINCIPAL_UNKNOWN)
    return principal


def _covers(grant: SnapshotGrant, institution: SnapshotInstitution, lab: str | None, model: str) -> bool:
    return grant.institution_id == institution.id and grant.lab == lab and model in grant.models


def _is_grant_held(snapshot: Snapshot, grant: SnapshotGrant, at: datetime) -> bool:
    return snapshot.is_held(TargetKind.GRANT, grant.id, at) or snapshot.is_held(TargetKind.ACCORD, grant.accord_id, at)


def _scope_denial(grant: SnapshotGrant, asset_id: str, technique: str, at: datetime) -> Reason | None:
    if asset_id not in grant.assets:
        return Reason.ASSET_OUT_OF_SCOPE
    if not grant.window.is_open(at):
        return Reason.WINDOW_CLOSED
    if technique not in grant.techniques:
        return Reason.TECHNIQUE_NOT_GRANTED
    return None
