"""`sekisho serve`: what it tells before it hands over to the supervisor."""

import pytest
import typer
from typer.testing import CliRunner

from sekisho.cli.serve import serve
from sekisho.server import supervise

PORTS = ("--control-port", "0", "--gate-port", "0", "--gate-admin-port", "0")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(supervise, "serve", lambda places, on_ready: on_ready({"gate-0": {"host": "h", "port": 1}}))
    app = typer.Typer()
    app.command()(serve)
    return lambda *args: CliRunner().invoke(app, ["--data", str(tmp_path / "data"), *args], catch_exceptions=False)


def test_what_was_fixed_at_the_first_start_is_said_to_stay(run):
    """Another port or name on a later start has no effect; nobody should wait for it at the wrong address."""
    assert "note:" not in run("--programme", "programme.example", *PORTS).stderr
    later = run("--programme", "other.example", "--gate-port", "9000").stderr
    assert "note: --programme is programme.example" in later
    assert "note: --gate-port is 0" in later
    assert later.count("note:") == 2


def test_it_says_where_things_are(run, tmp_path):
    """Addresses and data on stderr; stdout stays empty."""
    result = run()
    assert result.stdout == ""
    assert "gate-0: http://h:1" in result.stderr
    assert str((tmp_path / "data").resolve()) in result.stderr
