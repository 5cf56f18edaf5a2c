"""The entities that policies speak of, in Cedar's JSON form. One function for each kind in the schema."""

from collections.abc import Mapping
from typing import TypeAlias

from sekisho.policy.quoting import NAMESPACE, EntityKind

EntityJson: TypeAlias = "str | bool | int | list[EntityJson] | dict[str, EntityJson]"
# {"uid", "attrs", "parents"} as https://docs.cedarpolicy.com/auth/entities-syntax.html has it.
Entity: TypeAlias = Mapping[str, EntityJson]


def uid_of(kind: EntityKind, entity_id: str) -> dict[str, EntityJson]:
    """Return the structured uid; it needs no quoting."""
    return {"type": f"{NAMESPACE}::{kind}", "id": entity_id}


def institution_entity(institution_id: str, *, kind: str) -> Entity:
    """Return an institution; `kind` as in the registry: `bank`, `fintech`, …"""
    return {"uid": uid_of("Institution", institution_id), "attrs": {"kind": kind}, "parents": []}


def principal_entity(principal_id: str, *, kind: str, institution_id: str) -> Entity:
    """Return a person or workload (`kind`) of an institution."""
    parents: list[EntityJson] = [uid_of("Institution", institution_id)]
    return {"uid": uid_of("Principal", principal_id), "attrs": {"kind": kind}, "parents": parents}


def lab_entity(lab: str) -> Entity:
    """Return a lab, by its party's name in the charter."""
    return {"uid": uid_of("Lab", lab), "attrs": {}, "parents": []}


def model_entity(model: str, *, lab: str) -> Entity:
    """Return a model of a lab, by the name that callers send."""
    return {"uid": uid_of("Model", model), "attrs": {}, "parents": [uid_of("Lab", lab)]}


def asset_entity(asset_id: str, *, owner_id: str) -> Entity:
    """Return an asset and the institution that declared it."""
    owner: EntityJson = {"__entity": uid_of("Institution", owner_id)}
    return {"uid": uid_of("Asset", asset_id), "attrs": {"owner": owner}, "parents": []}
