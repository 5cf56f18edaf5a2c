"""`sekisho demo`: what is told at the end, without playing it."""

import pytest
from rich.console import Console

from sekisho.cli import demo
from sekisho.server.demo.story import Played

FACTS = {"sarif": "/data/reports/a.sarif", "notice": "/data/n.json", "notice_for_people": ["/data/n.html"]}


def _end(tmp_path):
    screen = Console(width=40)
    acts = (Played(name="sharing", seconds=1.0, facts=FACTS, ok=True),)
    with screen.capture() as captured:
        demo._show_end(screen, tmp_path, acts)
    return captured.get().splitlines()


def test_the_end_names_what_to_open_and_what_to_type(tmp_path, monkeypatch):
    """Paths and commands are whole on a line each, to be copied, however narrow the terminal."""
    monkeypatch.setattr("sys.argv", ["sekisho"])
    lines = _end(tmp_path)
    assert "notice (open it in a browser): /data/n.html" in lines
    assert f"next: sekisho ledger verify {tmp_path}/ledger --charter {tmp_path}/charter.json" in lines
    assert "next: sekisho hunt PATH-TO-YOUR-OWN-CODE" in lines


@pytest.mark.parametrize(
    ("called", "typed"),
    [
        ("sekisho", "sekisho"),
        ("{here}/.venv/bin/sekisho", ".venv/bin/sekisho"),
        ("/opt/venv/bin/sekisho", "/opt/venv/bin/sekisho"),
        ("{here}/src/sekisho/cli/main.py", "sekisho"),
    ],
)
def test_the_command_is_named_as_this_shell_finds_it(tmp_path, monkeypatch, called, typed):
    """`make demo` runs it out of .venv/bin, which is on nobody's path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [called.format(here=tmp_path)])
    assert f"next: {typed} hunt PATH-TO-YOUR-OWN-CODE" in _end(tmp_path)
