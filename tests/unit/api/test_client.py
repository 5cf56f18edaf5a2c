"""The command line's end: whatever answers, or does not, is an error of ours."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sekisho.api.client import ControlUnreachable, OfficeClient, OfficeRefused, SignInNeeded


def _client(answer: Any) -> OfficeClient:
    client = OfficeClient(base_url="http://127.0.0.1:1/api/v1", credential="x")
    client._http = httpx2.Client(base_url="http://127.0.0.1:1", transport=httpx2.MockTransport(answer))
    return client


@pytest.mark.parametrize(
    "run",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"host": "127.0.0.1"}',
        b'{"host": "a b", "port": "x"}',
        b"\xff",
        b"[" * 99_999,
    ],
)
def test_a_run_file_that_says_no_address_means_that_nobody_serves(tmp_path: Path, run: bytes) -> None:
    """Half-written or of something else."""
    (tmp_path / "run").mkdir()
    (tmp_path / "control").mkdir()
    (tmp_path / "run" / "control.json").write_bytes(run)
    (tmp_path / "control" / "office.token").write_text("sko_x")
    with pytest.raises(ControlUnreachable):
        OfficeClient.of(tmp_path)


def test_a_port_where_nobody_listens_means_that_nobody_serves(tmp_path: Path) -> None:
    """A run file outlives a kill."""
    (tmp_path / "run").mkdir()
    (tmp_path / "control").mkdir()
    (tmp_path / "run" / "control.json").write_text(json.dumps({"host": "127.0.0.1", "port": 1}))
    (tmp_path / "control" / "office.token").write_text("sko_x")
    client = OfficeClient.of(tmp_path)
    for path in ("/grants", "/gra\x00nts", "/a\nb"):
        with pytest.raises(ControlUnreachable):
            client.get(path)


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("body", [b"", b"<html>", b"5", b'"x"', b"null", b"[" * 99_999, b"\xff"])
def test_an_answer_that_is_not_the_control_planes_is_an_error(status: int, body: bytes) -> None:
    """Another program on the port."""
    with pytest.raises(ControlUnreachable):
        _client(lambda _request: httpx2.Response(status, content=body)).get("/grants")


def test_a_problem_is_told_in_the_control_planes_own_words() -> None:
    """Code, message, hint; 401 ends with its own exit code."""
    problem = {"code": "SKS-X-001", "message": "no", "hint": "do"}
    for status, kind, exit_code in ((422, OfficeRefused, 1), (401, SignInNeeded, 4)):
        with pytest.raises(kind) as refused:
            _client(lambda _request, status=status: httpx2.Response(status, json=problem)).post("/grants", b"{}")
        assert str(refused.value) == "error[SKS-X-001]: no\nhint: do"
        assert refused.value.exit_code == exit_code
