import re
from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.policy import PolicyFailed, compile_policies, decide, schema_text
from sekisho.policy.engine import parse_schema

_PAGE = Path(__file__).parents[3] / "docs" / "policy.md"


def test_the_schema_that_is_shipped_parses():
    """It lies in the package, so an installed wheel has it."""
    parse_schema(schema_text())


def test_the_page_names_every_entity_and_every_part_of_the_context():
    """docs/policy.md and the schema do not drift apart."""
    page = _PAGE.read_text(encoding="utf-8")
    schema = schema_text()
    for entity in re.findall(r"^  entity (\w+)", schema, re.MULTILINE):
        assert f"`Sekisho::{entity}`" in page
    [context] = re.findall(r"context: \{([^}]*)\}", schema)
    for part in re.findall(r"(\w+)\??:", context):
        assert f"| `{part}` |" in page


def test_the_pages_example_is_a_policy_that_works(entities):
    """The policy that the page shows compiles."""
    [example] = re.findall(r"```cedar\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(compile_policies([example], entities).compiled.policies) == 1


def test_a_question_that_does_not_fit_the_schema_is_a_failure(question, texts, entities):
    """The question's context is checked on each call, not only the policies: a number for a text does not pass."""
    with pytest.raises(PolicyFailed):
        decide(replace(question, surface=1), compile_policies(texts, entities))
