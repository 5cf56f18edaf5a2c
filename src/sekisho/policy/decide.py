"""Step 5 of a call: does a policy in force permit it? Parsed once per snapshot, asked once per call. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import cedarpy

from sekisho.policy.engine import Compiled, compile_set, evaluate, parse_schema
from sekisho.policy.entities import Entity, uid_of
from sekisho.policy.errors import PolicyFailed, PolicyRefused
from sekisho.policy.quoting import NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One call, as the policies see it. `at`: aware UTC. Ids and names as in the snapshot's entities."""

    principal_id: str
    model: str
    asset_id: str
    technique: str
    surface: str
    at: datetime
    case_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A permit. `policy_ids`: the `@id` of each policy that permits, sorted, at least one."""

    policy_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Policies and entities in force, parsed and checked: what `decide` asks. Immutable."""

    compiled: Compiled
    known: frozenset[tuple[str, str]]  # (kind without namespace, id) of every entity


def schema_text() -> str:
    """Return the Cedar schema as shipped."""
    return files("sekisho.policy").joinpath("schema.cedarschema").read_text(encoding="utf-8")


def compile_policies(policies: Iterable[str], entities: Sequence[Entity]) -> Policies:
    """Return the handle of `policies` (Cedar text, each with its own `@id`) over `entities`, or raise PolicyRefused.

    No policies at all is a valid set, and permits nothing.
    """
    texts = tuple(policies)
    compiled = compile_set("\n".join(texts), entities, _schema())
    # One text, one policy, one name: text that smuggles in a second policy is seen here.
    if len(compiled.policies) != len(texts) or len(compiled.names) != len(texts):
        raise PolicyRefused("each text holds one policy with an @id")
    return Policies(compiled=compiled, known=frozenset(_kind_and_id(entity) for entity in entities))


def decide(question: Question, policies: Policies) -> Decision:
    """Return the permit for `question`, or raise PolicyDenied or PolicyFailed.

    Steps: (1) every entity of the question is known, since Cedar would take an unknown one for an empty one;
    (2) Cedar decides, the question validated against the schema; any error is a PolicyFailed.
    """
    # (1)
    _check_known(question, policies.known)
    # (2)
    return Decision(policy_ids=evaluate(policies.compiled, _request(question)))


def _check_known(question: Question, known: frozenset[tuple[str, str]]) -> None:
    asked = (("Principal", question.principal_id), ("Model", question.model), ("Asset", question.asset_id))
    for kind, entity_id in asked:
        if (kind, entity_id) not in known:
            raise PolicyFailed(f"the call names a {kind.lower()} that the policies do not know")


def _request(question: Question) -> dict[str, Any]:
    context: dict[str, Any] = {
        "asset": {"__entity": uid_of("Asset", question.asset_id)},
        "technique": question.technique,
        "surface": question.surface,
        "at": math.floor(question.at.timestamp()),
    }
    if question.case_id is not None:
        context["case"] = question.case_id
    return {
        "principal": uid_of("Principal", question.principal_id),
        "action": uid_of("Action", "call"),
        "resource": uid_of("Model", question.model),
        "context": context,
    }


def _kind_and_id(entity: Entity) -> tuple[str, str]:
    uid = entity["uid"]
    if not isinstance(uid, dict):
        raise PolicyRefused("an entity without a uid")
    return str(uid["type"]).removeprefix(f"{NAMESPACE}::"), str(uid["id"])


@cache
def _schema() -> cedarpy.Schema:
    return parse_schema(schema_text())
