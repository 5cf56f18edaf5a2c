"""`sekisho serve` with its two logs in PostgreSQL, as an operator sets it up."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

if TYPE_CHECKING:
    from postgres import Cluster

pytestmark = [pytest.mark.judge, pytest.mark.timeout(120)]
COMMAND = (sys.executable, "-m", "sekisho.cli.main")
READY_S = 30.0


def until(what: Callable[[], Any]) -> Any:
    """Return the first true answer of `what`, or fail."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not come to pass in time")


@pytest.fixture
def data(cluster: "Cluster") -> Iterator[tuple[Path, dict[str, str]]]:
    """A data directory with the addresses of two databases in it. Its path is short: a unix socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="sks-") as folder:
        databases = {"control/decisions": cluster.make_database(), "gate-0/calls": cluster.make_database()}
        for log, database in databases.items():
            file = Path(folder) / f"{log}.postgres"
            file.parent.mkdir(mode=0o700)
            file.write_text(cluster.address(database) + "\n")
            file.chmod(0o600)
        yield Path(folder), databases


@contextlib.contextmanager
def serving(data: Path) -> Iterator[None]:
    ports = [part for name in ("control", "gate", "gate-admin") for part in (f"--{name}-port", "0")]
    with (data / "serve.log").open("ab") as log:
        process = subprocess.Popen([*COMMAND, "serve", "--data", str(data), *ports], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0, (data / "serve.log").read_text()


def enrol(data: Path, lei: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "institution", "enrol", "--lei", lei, "--kind", "bank", "--name", "Bank", "--data", str(data)],
        capture_output=True,
        text=True,
    )


def count(cluster: "Cluster", database: str) -> int:
    return int(cluster.run(sql.SQL("SELECT size FROM sekisho_log.log"), database)[0][0])


def test_both_logs_lie_in_postgresql_and_outlive_its_crash(
    cluster: "Cluster", data: tuple[Path, dict[str, str]]
) -> None:
    """No SQLite file of a log is made; the server's crash is a refusal while it lasts; all of it verifies."""
    folder, databases = data
    with serving(folder):
        until(lambda: all((folder / "run" / f"{name}.json").exists() for name in ("control", "gate-0")))
        assert json.loads((folder / "run" / "gate-0.json").read_bytes())["port"]
        until(lambda: enrol(folder, "C3GTMMZIHMY46P4OIX74").returncode == 0)
        before = until(lambda: count(cluster, databases["control/decisions"]))
        cluster.stop("immediate")
        try:
            assert enrol(folder, "5493000EXAMPLEBANK10").returncode != 0
        finally:
            cluster.start()
        # The act that was refused waits in the outbox, and goes into the log before the next one.
        third = enrol(folder, "529900T8BM49AURSDO55")
        assert third.returncode == 0, third.stderr
        assert count(cluster, databases["control/decisions"]) >= before + 2
    assert not [path for path in folder.rglob("*.db") if path.stem in ("decisions", "calls")]
    verified = subprocess.run([*COMMAND, "ledger", "verify", str(folder)], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
