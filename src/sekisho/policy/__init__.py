"""Cedar, failing closed: the schema, safe quoting, and one decision per call. Pure."""

from sekisho.policy.decide import Decision, Policies, Question, compile_policies, decide, schema_text
from sekisho.policy.entities import (
    Entity,
    asset_entity,
    institution_entity,
    lab_entity,
    model_entity,
    principal_entity,
)
from sekisho.policy.errors import PolicyDenied, PolicyFailed, PolicyRefused
from sekisho.policy.quoting import EntityKind, quote_string, quote_uid

__all__ = [
    "Decision",
    "Entity",
    "EntityKind",
    "Policies",
    "PolicyDenied",
    "PolicyFailed",
    "PolicyRefused",
    "Question",
    "asset_entity",
    "compile_policies",
    "decide",
    "institution_entity",
    "lab_entity",
    "model_entity",
    "principal_entity",
    "quote_string",
    "quote_uid",
    "schema_text",
]
