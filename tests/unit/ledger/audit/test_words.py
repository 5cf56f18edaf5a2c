"""The tables of an audit: complete, in both languages, and true of the tree."""

from pathlib import Path
from typing import Any

import pytest

import sekisho
from sekisho.ledger.audit import ClauseKind, Ground, Limit, Result, words
from sekisho.ledger.audit.controls import CONTROLS, LIMITS
from sekisho.ledger.audit.sheets import GROUNDS

PACKAGE = Path(sekisho.__file__).parent


@pytest.mark.parametrize(
    ("table", "members"),
    [(words.CLAUSES, ClauseKind), (words.GROUNDS, Ground), (words.LIMITS, Limit), (words.RESULTS, Result)],
)
def test_every_member_of_a_closed_list_has_its_words_in_both_languages(table: Any, members: Any) -> None:
    """None is missing, none is left over, and the Japanese is Japanese."""
    assert set(table) == set(members)
    for text in table.values():
        assert text.en.isascii()
        assert any("\u3040" <= c <= "\u9fff" for c in text.ja), text


def test_every_clause_names_its_controls_and_limits() -> None:
    """Each file that a control is said to be in is there; a condition alone has no control."""
    assert set(CONTROLS) == set(LIMITS) == set(ClauseKind)
    assert [kind for kind, controls in CONTROLS.items() if not controls] == [ClauseKind.CONDITION]
    for controls in CONTROLS.values():
        for control in controls:
            assert (PACKAGE / control.file).is_file(), control.file
            assert 0 <= control.step <= 12


def test_every_ground_that_verification_finds_is_one_of_an_entrys_content() -> None:
    """A fault of files, keys or trees is not among them: such a ledger shows nothing at all."""
    names = {fault.value for fault in GROUNDS}
    assert not {name for name in names if name.startswith(("file-", "key-", "log-", "root-", "checkpoint-", "anchor-"))}
    assert "charter-differs" not in names
    assert set(GROUNDS.values()) <= set(Ground)


def test_the_page_for_auditors_names_every_clause_and_result() -> None:
    """docs/auditing.md has a row for each; several kinds may share one."""
    rows = (PACKAGE.parents[1] / "docs" / "auditing.md").read_text(encoding="utf-8").split("## Clauses")[1]
    named = {
        name.strip() for line in rows.splitlines() if line.startswith("| ") for name in line.split("|")[1].split(",")
    }
    assert {kind.value for kind in ClauseKind} <= named
    page = (PACKAGE.parents[1] / "docs" / "auditing.md").read_text(encoding="utf-8")
    for result in Result:
        assert f"| {words.RESULTS[result].en} |" in page
