"""`sekisho ledger verify` (src/sekisho/cli/ledger/verify.py): the report for people and programs, and the exit code."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sekisho.cli.ledger import app
from sekisho.cli.ledger.charter_file import CharterUnreadable
from sekisho.ledger import LedgerNotFound


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_without_a_charter_a_whole_ledger_is_self_consistent_only(story: Any) -> None:
    """Exit 0, and the output does not claim more than was shown."""
    code, output = run(story.data)
    assert code == 0
    assert "self-consistent only" in output
    assert "calls/gate-0: 1 × call-intended/v1" in output


def test_with_the_pinned_charter_it_is_verified(office: Any, tmp_path: Path) -> None:
    """Key and signatures are judged by the charter's file; another programme's charter is not this log's."""
    charter = tmp_path / "charter.json"
    charter.write_bytes(office.charter_file())
    office.verify(office.pinning(), office.bringing("lab-a", "home-gov"))
    code, output = run(office.programme.ledger, "--charter", charter)
    assert (code, "verified, with the key of the pinned charter" in output) == (0, True)

    office.verify(office.issuing("lab-a"))
    code, output = run(office.programme.ledger, "--charter", charter)
    assert code == 1
    assert "document-refused: decisions entry 2" in output

    key = office.programme.vkey("decisions")
    office.charter = replace(office.charter, decisions=replace(office.charter.decisions, vkey=f"{key[:-4]}AAA="))
    charter.write_bytes(office.charter_file())
    code, output = run(office.programme.ledger, "--charter", charter)
    assert code == 1
    assert "key-differs: decisions/vkey" in output


def test_a_fault_exits_1_and_says_what_and_where(story: Any) -> None:
    """In the table and in JSON alike."""
    tile = story.ledger / "decisions" / "tile" / "0" / "000.p" / "4"
    tile.write_bytes(tile.read_bytes()[:-1] + b"x")
    code, output = run(story.ledger)
    assert code == 1
    assert "file-differs: decisions/tile/0/000.p/4" in output
    assert "NOT VERIFIED: 1 problem. Keep this copy" in output
    code, output = run(story.ledger, "--json")
    assert code == 1
    assert json.loads(output)["problems"][0]["where"] == "decisions/tile/0/000.p/4"


def test_json_is_the_report_and_nothing_else(story: Any) -> None:
    """Programs read stdout whole."""
    code, output = run(story.ledger, "--json")
    assert code == 0
    assert json.loads(output)["verified"] is True


def test_what_cannot_be_read_is_an_error_of_ours(story: Any, tmp_path: Path) -> None:
    """No ledger, no charter: a code and a hint for the caller to print, no traceback."""
    with pytest.raises(LedgerNotFound):
        run(tmp_path / "nowhere")
    with pytest.raises(CharterUnreadable):
        run(story.ledger, "--charter", tmp_path / "nowhere")


def test_verifying_needs_the_base_install_alone() -> None:
    """Neither a server's nor an agent's package is imported by the log, the ledger or this command."""
    program = (
        "import sys; import sekisho.cli.ledger, sekisho.tlog.tile, sekisho.trust;"
        "print([name for name in ('sqlalchemy', 'fastapi', 'starlette', 'pydantic', 'joserfc', 'httpx2', 'cedarpy',"
        " 'httptools', 'uvloop', 'structlog', 'msgspec') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
