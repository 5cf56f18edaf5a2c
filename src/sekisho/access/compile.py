"""Grants as Cedar policies: step 5 asks the engine what step 4 already found, by another road.

One `permit` per standing grant, named by the grant's id, and never a `forbid`: Cedar skips a policy that errs, so a
`forbid` that errs would let calls through. Holds are not compiled, since they lapse by the clock; `resolve` sees them.
"""

import math
from collections.abc import Iterable, Iterator

from sekisho.access.snapshot import GrantState, Snapshot, SnapshotGrant
from sekisho.policy import (
    Entity,
    EntityKind,
    Policies,
    asset_entity,
    compile_policies,
    institution_entity,
    lab_entity,
    model_entity,
    principal_entity,
    quote_string,
    quote_uid,
)

_PERMIT = """\
@id({id})
permit (principal, action == {action}, resource)
when {{
  principal in [{principals}] &&
  resource in [{models}] &&
  resource in {lab} &&
  [{assets}].contains(context.asset) &&
  context.asset.owner == {institution} &&
  principal in {institution} &&
  [{techniques}].contains(context.technique) &&
  context.at >= {opens} &&
  context.at < {closes}
}};
"""


def compile_snapshot(snapshot: Snapshot) -> Policies:
    """Return the policies and entities of `snapshot`, ready for `policy.decide`, or raise PolicyRefused."""
    standing = (grant for grant in snapshot.grants if grant.state is GrantState.ACTIVE and _reaches_anything(grant))
    return compile_policies(tuple(compile_grant(grant) for grant in standing), tuple(_entities(snapshot)))


def compile_grant(grant: SnapshotGrant) -> str:
    """Return `grant` as one Cedar policy. Every list of it must have an item: Cedar has no empty set."""
    return _PERMIT.format(
        id=quote_string(grant.id),
        action=quote_uid("Action", "call"),
        principals=_uids("Principal", grant.principals),
        models=_uids("Model", grant.models),
        lab=quote_uid("Lab", grant.lab),
        assets=_uids("Asset", grant.assets),
        institution=quote_uid("Institution", grant.institution_id),
        techniques=", ".join(quote_string(technique) for technique in grant.techniques),
        # The engine's time is in whole seconds, rounded down. The window is rounded outwards, so that the engine does
        # not deny in the second in which a grant opens; step 4 has checked it to the microsecond.
        opens=math.floor(grant.window.opens.timestamp()),
        closes=math.ceil(grant.window.closes.timestamp()),
    )


def _reaches_anything(grant: SnapshotGrant) -> bool:
    return all((grant.principals, grant.models, grant.assets, grant.techniques))


def _entities(snapshot: Snapshot) -> Iterator[Entity]:
    # What belongs to an institution that is not there is left out: the engine then knows no such principal or asset.
    for institution in snapshot.institutions:
        yield institution_entity(institution.id, kind=institution.kind.value)
    for principal in snapshot.principals:
        if snapshot.find_institution(principal.institution_id):
            yield principal_entity(principal.id, kind=principal.kind.value, institution_id=principal.institution_id)
    for asset in snapshot.assets:
        if snapshot.find_institution(asset.institution_id):
            yield asset_entity(asset.id, owner_id=asset.institution_id)
    for lab in snapshot.labs:
        yield lab_entity(lab.party)
        for model in lab.models:
            yield model_entity(model, lab=lab.party)


def _uids(kind: EntityKind, ids: Iterable[str]) -> str:
    return ", ".join(quote_uid(kind, entity_id) for entity_id in ids)
