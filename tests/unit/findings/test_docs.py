"""docs/findings.md is true: its fields, states and reasons are those of the code."""

import dataclasses
import re
from pathlib import Path

from sekisho.findings import REASONS_OF, Finding, State

PAGE = (Path(__file__).parents[3] / "docs" / "findings.md").read_text(encoding="utf-8")


def test_every_field_is_in_the_table() -> None:
    """A reader of the JSON finds each name on the page, and the page has none besides."""
    table = PAGE.partition("## What is in it")[2].partition("Paths are relative")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == {field.name for field in dataclasses.fields(Finding)}


def test_every_state_lists_its_reasons() -> None:
    """The reasons of a state are those that `move` takes."""
    for state in set(State) - {State.OPEN}:
        (row,) = re.findall(rf"^\| {state.value} \| (.*) \|$", PAGE, flags=re.MULTILINE)
        assert set(re.findall(r"`([\w-]+)`", row)) == {reason.value for reason in REASONS_OF[state]}
