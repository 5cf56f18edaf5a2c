"""The Cedar engine behind a wrapper that fails closed. Knows Cedar, and nothing of Sekisho's schema.

Cedar skips a policy whose evaluation errs. A `forbid` that errs is then a call that passes; so any error in the
diagnostics, any answer but a plain Allow or Deny and any exception of the engine is a PolicyFailed here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy

from sekisho.policy.errors import PolicyDenied, PolicyFailed, PolicyRefused

# Ten thousand grants of about 1 kB; parsing that takes tenths of a second.
MAX_POLICY_TEXT_SIZE = 16 * 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Policies, entities and schema, parsed once. Immutable, and safe to share between threads."""

    policies: cedarpy.PolicySet
    entities: cedarpy.Entities
    schema: cedarpy.Schema
    names: Mapping[str, str]  # Cedar's positional policy id → our @id


def parse_schema(text: str) -> cedarpy.Schema:
    """Return the handle of a schema in Cedar's own syntax, or raise PolicyRefused."""
    try:
        return cedarpy.Schema.from_str(text)
    except ValueError as error:
        raise PolicyRefused(f"the schema does not parse: {_first_line(error)}") from error


def compile_set(policy_text: str, entities: Sequence[Mapping[str, Any]], schema: cedarpy.Schema) -> Compiled:
    """Return `policy_text` and `entities` ready for `evaluate`, or raise PolicyRefused.

    Steps: (1) size; (2) the policies parse, and none is a template; (3) they fit the schema; (4) the entities fit
    the schema, none in two versions; (5) every entity that another refers to is there.
    """
    # (1)
    if len(policy_text) > MAX_POLICY_TEXT_SIZE:
        raise PolicyRefused(f"policies of {len(policy_text)} characters, more than {MAX_POLICY_TEXT_SIZE}")
    # (2)
    policies, names = _parse_policies(policy_text)
    # (3)
    validated = cedarpy.validate_policies(policy_text, schema)
    if not validated.validation_passed:
        raise PolicyRefused(f"the policies do not fit the schema: {'; '.join(str(e) for e in validated.errors[:3])}")
    # (4)
    try:
        handle = cedarpy.Entities.from_json_str(json.dumps(list(entities)), schema)
    except (ValueError, TypeError) as error:
        raise PolicyRefused(f"the entities do not fit the schema: {_first_line(error)}") from error
    # (5) Cedar takes a dangling reference for an entity without attributes or parents.
    _check_references(entities)
    return Compiled(policies=policies, entities=handle, schema=schema, names=names)


def evaluate(compiled: Compiled, request: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the policies that permit `request`, or raise PolicyDenied or PolicyFailed.

    `request`: `principal`, `action`, `resource` as `{"type", "id"}`, `context` as Cedar JSON. It is validated
    against the schema on every call. A policy without an `@id` goes by Cedar's positional id.
    """
    try:
        result = cedarpy.is_authorized(dict(request), compiled.policies, compiled.entities, compiled.schema)
        decision, errors, reasons = result.decision, result.diagnostics.errors, result.diagnostics.reasons
    except Exception as error:  # whatever a native engine throws, the answer is no
        raise PolicyFailed(f"the policy engine failed: {type(error).__name__}") from error
    if errors:
        raise PolicyFailed(f"a policy could not be evaluated: {_first_line(errors[0])}")
    policy_ids = tuple(sorted(compiled.names.get(reason, reason) for reason in reasons))
    if decision is cedarpy.Decision.Allow and policy_ids:
        return policy_ids
    if decision is cedarpy.Decision.Deny:
        said = f"forbidden by {', '.join(policy_ids)}" if policy_ids else "no policy permits this call"
        raise PolicyDenied(said, forbidden_by=policy_ids)
    raise PolicyFailed(f"the policy engine reached no decision: {decision.value}")


def _parse_policies(text: str) -> tuple[cedarpy.PolicySet, Mapping[str, str]]:
    try:
        policies = cedarpy.PolicySet.from_str(text)
        nodes = policies.to_pst()
    except ValueError as error:
        raise PolicyRefused(f"the policies do not parse: {_first_line(error)}") from error
    # A template permits nothing until it is linked; one among policies is a mistake.
    if nodes.templates:
        raise PolicyRefused("a policy has an open slot")
    names = {key: node.annotations["id"] for key, node in nodes.static_policies.items() if node.annotations.get("id")}
    if len(set(names.values())) != len(names):
        raise PolicyRefused("two policies carry one @id")
    return policies, names


def _check_references(entities: Sequence[Mapping[str, Any]]) -> None:
    known = {_key(entity["uid"]) for entity in entities}
    for entity in entities:
        for type_name, entity_id in _references(entity):
            if (type_name, entity_id) not in known:
                raise PolicyRefused(f"an entity refers to {type_name} {entity_id[:80]!r}, which is not there")


def _references(entity: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for parent in entity["parents"]:
        yield _key(parent)
    for value in entity["attrs"].values():
        if isinstance(value, Mapping) and "__entity" in value:
            yield _key(value["__entity"])


def _key(uid: Mapping[str, str]) -> tuple[str, str]:
    return uid["type"], uid["id"]


def _first_line(error: object) -> str:
    return str(error).split("\n", 1)[0][:300]
