"""The snapshot: everything that a gate needs to know to judge a call, as one value at one moment.

A gate asks nobody while a call waits. It holds the latest snapshot under a lease and denies when the lease lapses. A
snapshot has no names of people and no grounds of holds: a gate needs neither, so a stolen gate cannot tell them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Protocol, TypeVar

from sekisho.access.errors import SnapshotRefused
from sekisho.core import Window
from sekisho.core.ids import AccordId, AssetId, GrantId, HoldId, InstitutionId, PrincipalId
from sekisho.registry import AssetKind, InstitutionKind, Lei, PrincipalKind
from sekisho.tokens import PublicKey
from sekisho.trust import Auditors, TargetKind


class GrantState(Enum):
    """Whether a grant was revoked. Expiry is no state: it follows from the window."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInstitution:
    """An institution, as far as a gate needs it."""

    id: InstitutionId
    lei: Lei
    kind: InstitutionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPrincipal:
    """A principal. `jkt`: RFC 7638 thumbprint of the one key that it may use."""

    id: PrincipalId
    institution_id: InstitutionId
    kind: PrincipalKind
    jkt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotAsset:
    """A declared asset."""

    id: AssetId
    institution_id: InstitutionId
    kind: AssetKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotGrant:
    """A grant as signed, and whether it still stands. Budgets count over the grant's whole window."""

    id: GrantId
    accord_id: AccordId
    institution_id: InstitutionId
    principals: tuple[PrincipalId, ...]
    lab: str
    models: tuple[str, ...]
    tier: str
    assets: tuple[AssetId, ...]
    techniques: tuple[str, ...]
    budget_tokens: int
    budget_calls: int
    window: Window
    state: GrantState


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotHold:
    """A hold in force when the snapshot was made; whoever reads it later asks `is_in_force` again."""

    id: HoldId
    target_kind: TargetKind
    target_id: str
    placed_by: str
    placed_at: datetime
    lapses_at: datetime

    def is_in_force(self, at: datetime) -> bool:
        """Say whether the hold stops anything at `at` (aware UTC).

        `placed_at` is not looked at: a gate whose clock is behind the office's must stop at once all the same.
        """
        return at < self.lapses_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotLab:
    """A lab, by its party's name in the charter, and the models that may be asked for."""

    party: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is in force. `version` rises with every change; `issuer`: the `iss` of access tokens, `token_keys`: theirs.
    `auditors`: to whom gates seal the content of calls, None if no content is kept.

    Ids are unique, a key belongs to one principal, and a model to one lab; else SnapshotRefused. References may dangle
    (a person has left, the grant still lists them): deciding treats what is missing as not permitted.
    """

    version: int
    made_at: datetime
    lease_s: int
    issuer: str
    token_keys: tuple[PublicKey, ...]
    institutions: tuple[SnapshotInstitution, ...]
    principals: tuple[SnapshotPrincipal, ...]
    assets: tuple[SnapshotAsset, ...]
    grants: tuple[SnapshotGrant, ...]
    holds: tuple[SnapshotHold, ...]
    labs: tuple[SnapshotLab, ...]
    auditors: Auditors | None = None
    # Built once, since a gate looks up three ids for every call and a snapshot may list 200,000 principals.
    _index: "_Index" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_unique("token key", (key.thumbprint for key in self.token_keys))
        _require_unique("key of a principal", (principal.jkt for principal in self.principals))
        _require_unique("lab", (lab.party for lab in self.labs))
        _require_unique("model", (model for lab in self.labs for model in lab.models))
        _require_unique("hold", (hold.id for hold in self.holds))
        object.__setattr__(self, "_index", _build_index(self))

    def find_institution(self, institution_id: str) -> SnapshotInstitution | None:
        return self._index.institutions.get(institution_id)

    def find_principal(self, principal_id: str) -> SnapshotPrincipal | None:
        return self._index.principals.get(principal_id)

    def find_asset(self, asset_id: str) -> SnapshotAsset | None:
        return self._index.assets.get(asset_id)

    def find_grant(self, grant_id: str) -> SnapshotGrant | None:
        return self._index.grants.get(grant_id)

    def find_lab_of(self, model: str) -> str | None:
        """Return the party's name of the lab that serves `model`, if one does."""
        return self._index.lab_of_model.get(model)

    def grants_of(self, principal_id: str) -> tuple[SnapshotGrant, ...]:
        """Return every grant that lists the principal, revoked ones too, in order of id."""
        return self._index.grants_of.get(principal_id, ())

    def is_held(self, target_kind: TargetKind, target_id: str, at: datetime) -> bool:
        """Say whether a hold on exactly this target is in force at `at` (aware UTC)."""
        return any(hold.is_in_force(at) for hold in self._index.holds_on.get((target_kind, target_id), ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    institutions: Mapping[str, SnapshotInstitution]
    principals: Mapping[str, SnapshotPrincipal]
    assets: Mapping[str, SnapshotAsset]
    grants: Mapping[str, SnapshotGrant]
    lab_of_model: Mapping[str, str]
    grants_of: Mapping[str, tuple[SnapshotGrant, ...]]
    holds_on: Mapping[tuple[TargetKind, str], tuple[SnapshotHold, ...]]


def _build_index(snapshot: Snapshot) -> _Index:
    return _Index(
        institutions=_by_id("institution", snapshot.institutions),
        principals=_by_id("principal", snapshot.principals),
        assets=_by_id("asset", snapshot.assets),
        grants=_by_id("grant", snapshot.grants),
        lab_of_model=MappingProxyType({model: lab.party for lab in snapshot.labs for model in lab.models}),
        grants_of=_grants_by_principal(snapshot.grants),
        holds_on=_holds_by_target(snapshot.holds),
    )


def _grants_by_principal(grants: Iterable[SnapshotGrant]) -> Mapping[str, tuple[SnapshotGrant, ...]]:
    listed: dict[str, list[SnapshotGrant]] = {}
    for grant in sorted(grants, key=lambda g: g.id):
        for principal_id in dict.fromkeys(grant.principals):
            listed.setdefault(principal_id, []).append(grant)
    return MappingProxyType({principal_id: tuple(found) for principal_id, found in listed.items()})


def _holds_by_target(
    holds: Iterable[SnapshotHold],
) -> Mapping[tuple[TargetKind, str], tuple[SnapshotHold, ...]]:
    placed: dict[tuple[TargetKind, str], list[SnapshotHold]] = {}
    for hold in holds:
        placed.setdefault((hold.target_kind, hold.target_id), []).append(hold)
    return MappingProxyType({target: tuple(found) for target, found in placed.items()})


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_HasId)


def _by_id(what: str, things: tuple[_T, ...]) -> Mapping[str, _T]:
    _require_unique(what, (thing.id for thing in things))
    return MappingProxyType({thing.id: thing for thing in things})


def _require_unique(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise SnapshotRefused(f"a {what} appears twice: {value[:80]}")
        seen.add(value)
