"""Two institutions, two labs, three models, three assets; and policies of the shape that grants compile to."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sekisho.policy import (
    Question,
    asset_entity,
    institution_entity,
    lab_entity,
    model_entity,
    principal_entity,
    quote_string,
    quote_uid,
)

OPENS, CLOSES = 1_795_338_000, 1_797_930_000


def grant_policy(grant_id, institution, principal, lab, model, asset):
    return f"""@id({quote_string(grant_id)})
permit (
  principal in {quote_uid("Institution", institution)},
  action == Sekisho::Action::"call",
  resource in {quote_uid("Lab", lab)}
)
when {{
  [{quote_uid("Principal", principal)}].contains(principal) &&
  [{quote_uid("Model", model)}].contains(resource) &&
  [{quote_uid("Asset", asset)}].contains(context.asset) &&
  principal in context.asset.owner &&
  ["find"].contains(context.technique) &&
  context.at >= {OPENS} && context.at < {CLOSES}
}};"""


@pytest.fixture
def entities():
    return [
        institution_entity("ins_a", kind="bank"),
        institution_entity("ins_b", kind="fintech"),
        principal_entity("per_a", kind="person", institution_id="ins_a"),
        principal_entity("wkl_a", kind="workload", institution_id="ins_a"),
        principal_entity("per_b", kind="person", institution_id="ins_b"),
        lab_entity("lab-a"),
        lab_entity("lab-b"),
        model_entity("cyber-1", lab="lab-a"),
        model_entity("cyber-2", lab="lab-a"),
        model_entity("myth-1", lab="lab-b"),
        asset_entity("ast_a", owner_id="ins_a"),
        asset_entity("ast_a2", owner_id="ins_a"),
        asset_entity("ast_b", owner_id="ins_b"),
    ]


@pytest.fixture
def texts():
    return [
        grant_policy("grt_1", "ins_a", "per_a", "lab-a", "cyber-1", "ast_a"),
        grant_policy("grt_2", "ins_a", "wkl_a", "lab-b", "myth-1", "ast_a2"),
    ]


@pytest.fixture
def question():
    at = datetime.fromtimestamp(OPENS + 1000, tz=UTC)
    return Question(
        principal_id="per_a", model="cyber-1", asset_id="ast_a", technique="find", surface="openai.chat", at=at
    )


@pytest.fixture
def questions(question):
    """Every principal, model and asset, before, in and after the window."""
    return [
        replace(question, principal_id=p, model=m, asset_id=a, technique=t, at=datetime.fromtimestamp(s, tz=UTC))
        for p in ("per_a", "wkl_a", "per_b")
        for m in ("cyber-1", "cyber-2", "myth-1")
        for a in ("ast_a", "ast_a2", "ast_b")
        for t in ("find", "patch")
        for s in (OPENS - 1, OPENS, CLOSES)
    ]
