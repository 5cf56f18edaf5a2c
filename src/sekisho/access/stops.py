"""What a hold stops, listed before it is placed and while it lasts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sekisho.access.snapshot import GrantState, Snapshot, SnapshotGrant, SnapshotHold
from sekisho.core.ids import GrantId, InstitutionId, PrincipalId
from sekisho.trust import TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What no longer works. Each list is sorted and has no doubles.

    `grants` are touched at least in part: a hold on one model leaves a grant's other models, a hold on one person
    leaves its other people. `principals` and `institutions`: those of these grants for whom something stops.
    """

    grants: tuple[GrantId, ...]
    models: tuple[str, ...]
    principals: tuple[PrincipalId, ...]
    institutions: tuple[InstitutionId, ...]


def list_stopped_by(hold: SnapshotHold, snapshot: Snapshot) -> Stopped:
    """Return what `hold` stops of what `snapshot` grants. Pure; other holds and windows are not looked at."""
    touches = _TOUCHES[hold.target_kind]
    active = (grant for grant in snapshot.grants if grant.state is GrantState.ACTIVE)
    grants = tuple(grant for grant in active if touches(grant, hold.target_id))
    only_model = hold.target_id if hold.target_kind is TargetKind.MODEL else None
    only_principal = hold.target_id if hold.target_kind is TargetKind.PRINCIPAL else None
    return Stopped(
        grants=tuple(sorted(grant.id for grant in grants)),
        models=tuple(sorted({m for grant in grants for m in grant.models if only_model in (None, m)})),
        principals=tuple(sorted({p for grant in grants for p in grant.principals if only_principal in (None, p)})),
        institutions=tuple(sorted({grant.institution_id for grant in grants})),
    )


_TOUCHES: Mapping[TargetKind, Callable[[SnapshotGrant, str], bool]] = {
    TargetKind.LAB: lambda grant, lab: grant.lab == lab,
    TargetKind.MODEL: lambda grant, model: model in grant.models,
    TargetKind.INSTITUTION: lambda grant, institution_id: grant.institution_id == institution_id,
    TargetKind.PRINCIPAL: lambda grant, principal_id: principal_id in grant.principals,
    TargetKind.GRANT: lambda grant, grant_id: grant.id == grant_id,
    TargetKind.ACCORD: lambda grant, accord_id: grant.accord_id == accord_id,
}
