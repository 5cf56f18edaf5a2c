"""`sekisho ledger entries`: what an auditor reads is what was verified."""

import json
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sekisho.cli import ledger as command
from sekisho.cli.ledger.place import LedgerNotVerified
from sekisho.ledger import Entry, EntryKind, Log, LogDamaged, NoSuchLog, verify_ledger

ENTRIES = 300  # more than one bundle


@pytest.fixture
def data(tmp_path, clock, ids):
    """A data directory whose decisions log has snapshots, and a hold among them."""
    log = Log.open(
        store=tmp_path / "decisions.db",
        public=tmp_path / "ledger" / "decisions",
        origin="sekisho.example/decisions",
        key=Ed25519PrivateKey.generate(),
        clock=clock,
    )
    hold = {
        "hold": "hld_1",
        "placed_by": "japan",
        "target_kind": "lab",
        "target": "lab-a",
        "basis": "画面\u202eを動かす",
        "lapses_at": "2026-11-25T09:00:00.000000Z",
        "hold_sha256": "0" * 64,
        "envelope": "long",
    }
    for version in range(ENTRIES):
        kind, body = EntryKind.SNAPSHOT_PUBLISHED, {"version": version, "snapshot_sha256": "0" * 64}
        if version == ENTRIES - 1:
            kind, body = EntryKind.HOLD_PLACED, hold
        log.append(Entry(kind=kind, at=clock.now(), id=ids.new("ent"), body=body)).result()
    log.publish()
    log.close()
    return tmp_path


def _run(*args):
    return CliRunner().invoke(command.app, ["entries", *map(str, args)], catch_exceptions=False)


@pytest.mark.parametrize("below", ["", "ledger"])
def test_every_entry_is_printed_once_in_order(data, below):
    """One a line, over several bundles, whole as JSON."""
    entries = [json.loads(line) for line in _run(data / below, "--json").stdout.splitlines()]
    assert [entry["index"] for entry in entries] == list(range(ENTRIES))
    assert entries[-1]["body"]["envelope"] == "long"


def test_entries_of_one_kind(data):
    """For people a line: no signed document in it, and nothing that moves the screen."""
    shown = _run(data, "--kind", "hold-placed/v1")
    (line,) = shown.stdout.splitlines()
    assert line.startswith(f"{ENTRIES - 1}  ")
    assert "hold hld_1" in line
    assert "long" not in line
    assert line.isprintable()
    assert "self-consistent only" in shown.stderr


def test_what_does_not_verify_is_not_shown(data):
    """One flipped byte, and no entry is printed."""
    tile = data / "ledger" / "decisions" / "tile" / "entries" / "000"
    tile.write_bytes(tile.read_bytes()[:-1] + b"x")
    result = CliRunner().invoke(command.app, ["entries", str(data)])
    assert isinstance(result.exception, LedgerNotVerified)
    assert result.stdout == ""


def test_files_that_change_after_they_were_verified_are_noticed(data, monkeypatch):
    """Whoever swaps a bundle between the two readings is found out before any of it is shown."""
    tile = data / "ledger" / "decisions" / "tile" / "entries" / "000"

    def verify_then_change(path, **pinned):
        report = verify_ledger(path, **pinned)
        changed = tile.read_bytes().replace(b'"version":7,', b'"version":8,').replace(b'"version":7}', b'"version":8}')
        assert changed != tile.read_bytes()
        os.chmod(tile, 0o600)
        tile.write_bytes(changed)
        return report

    monkeypatch.setattr(command.entries, "verify_ledger", verify_then_change)
    with pytest.raises(LogDamaged, match="tile/entries/000"):
        _run(data)
    assert CliRunner().invoke(command.app, ["entries", str(data)]).stdout == ""


def test_a_log_that_is_not_there_is_named_with_those_that_are(data):
    """The hint lists them."""
    with pytest.raises(NoSuchLog) as caught:
        _run(data, "--log", "calls/gate-7")
    assert "decisions" in caught.value.hint


def test_one_log_is_read_where_it_lies(data):
    """A folder that is a log needs no --log, but for its own name."""
    shown = _run(data / "ledger" / "decisions", "--json")
    assert len(shown.stdout.splitlines()) == ENTRIES
