"""An address of a database: read from a file of its owner's, never leading to a server that nobody verified."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.ledger import find_store
from sekisho.ledger.errors import AddressRefused, DriverMissing
from sekisho.ledger.postgres_address import PostgresAddress
from sekisho.ledger.store_address import open_store


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (
            "postgresql://gate@/calls?host=/run/postgresql",
            {"user": "gate", "host": "/run/postgresql", "dbname": "calls"},
        ),
        (
            "postgresql://gate:p%40ss%2F@127.0.0.1:5433/calls",
            {"user": "gate", "password": "p@ss/", "host": "127.0.0.1", "port": "5433", "dbname": "calls"},
        ),
        (
            "postgresql://gate:x@db.example/calls?sslrootcert=/etc/ca.pem",
            {
                "user": "gate",
                "password": "x",
                "host": "db.example",
                "dbname": "calls",
                "sslmode": "verify-full",
                "sslrootcert": "/etc/ca.pem",
            },
        ),
        (
            "postgresql://gate@localhost/calls?sslmode=disable",
            {"user": "gate", "host": "localhost", "dbname": "calls", "sslmode": "disable"},
        ),
    ],
)
def test_an_address_says_user_host_and_database(text: str, parameters: dict[str, str]) -> None:
    """As libpq spells them; elsewhere than on this machine the server is verified without being asked for it."""
    assert PostgresAddress.parse(text).parameters == parameters


@pytest.mark.parametrize(
    "text",
    [
        "",
        "decisions.db",
        "postgres://gate@localhost/calls",
        "postgresql://localhost/calls",
        "postgresql://gate@localhost",
        "postgresql://gate@localhost/",
        "postgresql://gate@/calls",
        "postgresql://gate@localhost:port/calls",
        "postgresql://gate@localhost/calls#x",
        "postgresql://gate@localhost/calls%00",
        "postgresql://gate@localhost/calls?options=-c%20fsync%3Doff",
        "postgresql://gate@localhost/calls?hostaddr=192.0.2.1",
        "postgresql://gate@localhost/calls?service=other",
        "postgresql://gate@localhost/calls?sslmode",
        "postgresql://gate@db.example/calls?sslmode=require",
        "postgresql://gate@db.example/calls?sslmode=verify-ca",
        "postgresql://gate@192.0.2.1/calls?sslmode=disable",
        "postgresql://gate@localhost/calls?host=db.example&sslmode=prefer",
        "postgresql://gate@localhost,db.example/calls?sslmode=disable",
    ],
)
def test_what_is_no_address_or_no_safe_one_is_refused(text: str) -> None:
    """Among it what would undo the session's settings, or trust whoever answers."""
    with pytest.raises(AddressRefused):
        PostgresAddress.parse(text)


@given(text=st.text(max_size=80), password=st.text("abcdef0123456789", min_size=12, max_size=20))
def test_nothing_that_is_told_holds_the_password(text: str, password: str) -> None:
    """Whatever the rest of the address is."""
    try:
        told = repr(PostgresAddress.parse(f"postgresql://gate:{password}@{text}"))
    except AddressRefused as refused:
        told = f"{refused} {refused.__cause__}"
    assert password not in told


def test_the_file_beside_decides(tmp_path: Path) -> None:
    """None, and the log is in SQLite; one of its owner's with one line, and it is in PostgreSQL."""
    sqlite, file = tmp_path / "decisions.db", tmp_path / "decisions.postgres"
    assert find_store(sqlite) == sqlite
    file.write_text("postgresql://office@/decisions?host=/run/postgresql\n")
    file.chmod(0o600)
    address = find_store(sqlite)
    assert isinstance(address, PostgresAddress)
    assert address.shown == "decisions at /run/postgresql"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """It holds a password."""
    file = tmp_path / "decisions.postgres"
    file.write_text("postgresql://office@/decisions?host=/run/postgresql")
    file.chmod(mode)
    with pytest.raises(AddressRefused):
        find_store(tmp_path / "decisions.db")


@pytest.mark.parametrize("data", [b"", b"\n", b"postgresql://o@/d?host=/r\nx", b"\xff", b"postgresql://" + b"a" * 5000])
def test_a_file_of_anything_else_is_refused_and_sqlite_is_not_taken_instead(tmp_path: Path, data: bytes) -> None:
    """A damaged address must not begin a second log in another place."""
    file = tmp_path / "decisions.postgres"
    file.write_bytes(data)
    file.chmod(0o600)
    with pytest.raises(AddressRefused):
        find_store(tmp_path / "decisions.db")
    file.unlink()
    file.mkdir()
    with pytest.raises(AddressRefused):
        find_store(tmp_path / "decisions.db")


def test_the_driver_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it an address is answered with the way to get it."""
    monkeypatch.setitem(sys.modules, "sekisho.ledger.postgres_store", None)
    with pytest.raises(DriverMissing) as refused:
        open_store(PostgresAddress.parse("postgresql://o@/d?host=/r"), origin="o", vkey="v")
    assert "sekisho[postgres]" in refused.value.hint


def test_nothing_imports_the_driver_before_an_address_is_given() -> None:
    """ADR 0013: neither the base install nor a programme on SQLite."""
    program = (
        "import sys, sekisho.ledger, sekisho.server.control, sekisho.gate.process; print('psycopg' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
