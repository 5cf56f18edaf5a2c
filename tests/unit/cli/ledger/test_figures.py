"""`sekisho ledger figures`: of a verified ledger alone, with what is withheld said."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sekisho.cli.ledger import app
from sekisho.cli.ledger.place import LedgerNotVerified
from sekisho.core import SteadyClock
from sekisho.ledger import Entry, EntryKind, Log

THEN = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture
def data(tmp_path, ids):
    """A data directory with a decisions log and one calls log, in which five institutions were denied."""
    key, clock = Ed25519PrivateKey.generate(), SteadyClock(THEN)

    def entry(kind, **body):
        return Entry(kind=kind, at=clock.now(), id=ids.new("ent"), body=body)

    def write(name, log_key, *entries):
        log = Log.open(
            store=tmp_path / f"{name.replace('/', '-')}.db",
            public=tmp_path / "ledger" / name,
            origin=f"sekisho.example/{name}",
            key=log_key,
            clock=clock,
        )
        for one in entries:
            log.append(one).result()
        log.close()
        return log.vkey

    none = {"principal": None, "grant": None, "reason": "SKS-ACCESS-304"}
    denials = [
        entry(EntryKind.CALL_DENIED, request_id=f"req-{n}", institution=f"ins_{n % 5}", **none) for n in range(300)
    ]
    vkey = write("calls/gate-0", key, *denials)
    opening = entry(EntryKind.CALLS_LOG_OPENED, log="calls/gate-0", origin="sekisho.example/calls/gate-0", vkey=vkey)
    write("decisions", Ed25519PrivateKey.generate(), opening)
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, ["figures", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_months_are_rows_and_what_is_withheld_is_said(data):
    """To people and to programs the same figures."""
    code, output, errors = run(data)
    assert code == 0
    assert "2026-01" in output
    assert "standing 300" in output
    assert "fewer than five institutions" in errors
    assert "self-consistent only" in errors
    code, output, _ = run(data, "--json")
    assert code == 0
    assert json.loads(output)["months"][0]["denials"]["total"] == 300
    assert "ins_" not in output


def test_nothing_is_counted_in_a_ledger_that_does_not_verify(data):
    """Figures of entries that somebody changed, or of logs that are not there, are none."""
    tile = data / "ledger" / "calls" / "gate-0" / "tile" / "0" / "000"
    tile.write_bytes(tile.read_bytes()[:-1] + b"x")
    with pytest.raises(LedgerNotVerified):
        run(data)
