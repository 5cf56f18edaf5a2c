"""What commands print for people and for programs."""

import json
import os

import pytest
from rich.cells import cell_len

from sekisho.cli import output
from sekisho.cli.output import show

INSTITUTION = {
    "id": "ins_c3gtmmzihmy46p4oix74",
    "lei": "C3GTMMZIHMY46P4OIX74",
    "name_ja": "株式会社三菱ＵＦＪ銀行",
    "enrolled_at": "2026-11-22T14:05:34.289854Z",
}
OTHER = {**INSTITUTION, "id": "ins_5493000sekishodemo71", "name_ja": None}
GRANT = {
    "id": "grt_1",
    "principals": ["wkl_1", "per_2"],
    "budget": {"tokens": 10, "calls": 2},
    "models": [{"name": "cyber-1", "tier": "blue"}, {"name": "cyber-2", "tier": "red"}],
    "conditions": [],
}


def _terminal(monkeypatch, columns):
    monkeypatch.setattr(output.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(output.shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))


@pytest.mark.parametrize("columns", [20, 80, 400])
def test_an_id_is_never_cut_or_folded(capsys, monkeypatch, columns):
    """Whatever the terminal's width, each id is on one line, whole, to be copied."""
    _terminal(monkeypatch, columns)
    show([INSTITUTION, OTHER], as_json=False)
    lines = capsys.readouterr().out.splitlines()
    for record in (INSTITUTION, OTHER):
        assert sum(record["id"] in line for line in lines) == 1
    assert any(INSTITUTION["lei"] in line for line in lines)


def test_a_narrow_terminal_gets_blocks_a_wide_one_a_table(capsys, monkeypatch):
    """One record a block where the table would not fit, one record a line where it does."""
    _terminal(monkeypatch, 80)
    show([INSTITUTION, OTHER], as_json=False)
    blocks = capsys.readouterr().out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [f"id: {INSTITUTION['id']}", f"id: {OTHER['id']}"]
    _terminal(monkeypatch, 120)
    show([INSTITUTION, OTHER], as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_pipe_gets_the_table_whole(capsys):
    """Without a terminal there is no width to keep to: `| grep` sees one record a line."""
    show([INSTITUTION, OTHER], as_json=False)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "id"
    assert INSTITUTION["enrolled_at"] in first
    # Columns stand below each other as a terminal counts: Japanese letters are two cells wide.
    places = [cell_len(line[: line.index("2026-")]) for line in (first, second)]
    assert places[0] == places[1] == cell_len(head[: head.index("enrolled at")])


def test_an_object_is_lines_and_what_is_in_it_is_indented(capsys):
    """No JSON to be read by people."""
    show(GRANT, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "id: grt_1",
        "principals: wkl_1, per_2",
        "budget:",
        "  tokens: 10",
        "  calls: 2",
        "models:",
        "  - name: cyber-1",
        "    tier: blue",
        "  - name: cyber-2",
        "    tier: red",
        "conditions: –",
    ]


def test_nothing_is_no_data(capsys):
    """An empty list prints nothing on stdout, so that a pipe sees nothing; with --json it is a list."""
    show([], as_json=False)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "nothing here yet\n"
    show([], as_json=True)
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "value", [{"name": "a\x1b[2Jb"}, {"a\x1b[2J": 1}, [{"name": "a\u202eb"}], {"x": {"y": ["\x9b"]}}]
)
def test_no_text_can_move_the_screen(capsys, value, as_json):
    """Control and override characters of a stranger's text are shown as escapes, in names and values."""
    show(value, as_json=as_json)
    shown = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in shown)


@pytest.mark.parametrize("value", [GRANT, [INSTITUTION, OTHER]])
def test_json_is_the_value(capsys, value):
    """What programs read is what the control plane answered."""
    show(value, as_json=True)
    assert json.loads(capsys.readouterr().out) == value
