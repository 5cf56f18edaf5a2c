"""The control plane's process: what stops its start, and how it says so. Killing it is for tests/e2e."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from sekisho.server import control
from sekisho.server.control import GateAbsent, _gate_origin, main
from sekisho.server.gate_link import GateLink, LinkUnavailable
from sekisho.server.places import DataDir
from sekisho.server.setup import DEFAULT_SETTINGS, prepare

ANY_PORT = replace(DEFAULT_SETTINGS, control_port=0, gate_port=0, gate_admin_port=0)


@pytest.fixture
def places(tmp_path: Path) -> Iterator[DataDir]:
    """A prepared directory; the process's own signals and logging are put back afterwards."""
    places = DataDir(tmp_path / "d")
    prepare(places, ANY_PORT)
    before = signal.getsignal(signal.SIGTERM)
    yield places
    signal.signal(signal.SIGTERM, before)
    structlog.reset_defaults()


def _start(places: DataDir, capsys: pytest.CaptureFixture[str]) -> tuple[Any, str]:
    """Run `main` until it ends; return exit code and what it said."""
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(places.root)])
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        ("control/settings.json", b"{", "SKS-SERVER-001"),
        ("control/token.pem", b"", "SKS-SERVER-001"),
        ("control/ledger.pem", b"rubbish", "SKS-SERVER-001"),
        ("control/office.token", b"\n", "SKS-SERVER-001"),
        ("gate-0/link.token", b"", "SKS-SERVER-001"),
        ("control/control.db", b"not a database at all" * 100, "SKS-"),
        ("control/decisions.db", b"not a database at all" * 100, "SKS-LEDGER-"),
        ("charter.json", b"{", "SKS-FORMATS-"),
        ("charter.json", b"{}", "SKS-FORMATS-"),
    ],
)
def test_a_damaged_file_stops_the_start_with_a_code(
    places: DataDir, capsys: pytest.CaptureFixture[str], name: str, damage: bytes, code: str
) -> None:
    """Never a traceback, never half a service: nothing says that it is ready."""
    (places.root / name).write_bytes(damage)
    exit_code, said = _start(places, capsys)
    assert exit_code == 2
    assert said.startswith(f"error[{code}"), said
    assert not places.control_run.exists()


def test_a_port_that_is_taken_stops_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that another process has bound and will listen on."""
    for listening in (True, False):
        places = DataDir(tmp_path / str(listening))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            if listening:
                taken.listen()
            prepare(places, replace(ANY_PORT, control_port=taken.getsockname()[1]))
            exit_code, said = _start(places, capsys)
        assert (exit_code, said.split("]")[0]) == (2, "error[SKS-SERVER-106")


def test_a_host_that_is_none_stops_the_start(places: DataDir, capsys: pytest.CaptureFixture[str]) -> None:
    """A name in settings.json that no resolver knows."""
    settings = json.loads(places.settings.read_bytes())
    places.settings.write_text(json.dumps({**settings, "control_host": "no such host"}))
    exit_code, said = _start(places, capsys)
    assert (exit_code, said.split("]")[0]) == (2, "error[SKS-SERVER-106")


def test_an_error_in_a_task_is_told_like_any_other(
    places: DataDir, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gates' socket cannot be made: the whole process ends, with the code of that."""

    async def refuse(_link: GateLink, _socket: Path) -> None:
        raise LinkUnavailable("no")

    monkeypatch.setattr(GateLink, "serve", refuse)
    exit_code, said = _start(places, capsys)
    assert (exit_code, said.split("]")[0]) == (2, "error[SKS-SERVER-108")


def test_a_bug_in_a_task_is_not_taken_for_an_error_of_ours(places: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown whole."""

    async def fail(_link: GateLink, _socket: Path) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("bug")

    monkeypatch.setattr(GateLink, "serve", fail)
    with pytest.raises(ExceptionGroup):
        main(["--data", str(places.root)])


def test_a_stop_while_it_starts_is_obeyed(places: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor that is killed then would leave an orphan that holds the log's lock for ever."""
    real = control.migrate

    def migrate_then_stop(engine: Any) -> None:
        real(engine)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(control, "migrate", migrate_then_stop)
    main(["--data", str(places.root)])
    assert not places.control_run.exists()


@pytest.mark.parametrize("run", [None, b"", b"[]", b"5", b"{}", b"\xff"])
def test_without_a_gate_no_token_can_be_for_it(places: DataDir, run: bytes | None) -> None:
    """Absent, or a run file that is not one."""
    if run is not None:
        places.gate_run("gate-0").write_bytes(run)
    with pytest.raises(GateAbsent):
        _gate_origin(places)


def test_the_process_is_started_by_its_module_name() -> None:
    """What the supervisor types."""
    assert control.__name__ == "sekisho.server.control"
