"""docs/operating.md, docs/ledger-reading.md and docs/disclosure.md are run as they stand: what one copies works."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
# `sh`: one after the other, in one shell. `bash`: in a terminal of its own, where it stays.
BLOCK = re.compile(r"^```(sh|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Ports that the pages name; others are put in their place, since those may be taken.
PORTS = ("8440", "8441", "8442", "9000")
# By what file a terminal's command shows that it is ready, and the ports that a page leaves to their defaults.
BACKGROUND = {
    "model": {"ready": "model.json"},
    "serve": {
        "ready": "programme/run/gate-0.json",
        "further": " --control-port 8440 --gate-port 8441 --gate-admin-port 8442",
    },
}
READY_S = 60
DONE = "this step is done"


@pytest.mark.timeout(600)
def test_the_walkthrough_goes_through(tmp_path):
    """Every command of these pages, in their order, each ending with 0; the outputs are what the pages promise."""
    pytest.importorskip("xllamacpp", reason="needs the local model")
    with _Walk(tmp_path, _free_ports()) as walk:
        for page in ("operating.md", "ledger-reading.md", "disclosure.md"):
            for shell, lines in BLOCK.findall((DOCS / page).read_text()):
                if shell == "sh":
                    walk.step(lines)
                else:
                    walk.background(lines, **BACKGROUND["serve" if "sekisho serve" in lines else "model"])
        out = walk.said
    permitted, *denied = re.findall(r"^(permitted|denied):(?:\n  (\S+))?", out, re.MULTILINE)
    assert permitted[0] == "permitted"
    assert [code for _, code in denied] == ["SKS-ACCESS-401", "SKS-ACCESS-302"]
    assert "verdict: signed by nobody; still missing: lab-a and japan and one of (usa, working-group)" in out
    assert out.count("verdict: enough") == 2
    assert "verified, with the key of the pinned charter" in out
    assert re.search(r"grant-issued/v1 .*grt_example1", out)
    assert re.search(r"^grt_example1 .* revoked ", out, re.MULTILINE)
    assert "not affected: 0\nunknown: 0\n" in out
    (page,) = (tmp_path / "programme" / "notices").glob("*/*.html")
    assert "例示信用金庫 御中" in page.read_text()


class _Walk:
    """One shell that takes the steps, and what runs in the other terminals meanwhile."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self._folder = folder
        self._ports = ports
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._env = {**os.environ, "PATH": path, "SEKISHO_DATA": str(folder / "programme")}
        self._stack = contextlib.ExitStack()
        self._shell = self._open(
            ["bash", "-eu", "-o", "pipefail"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said = ""

    def __enter__(self) -> "_Walk":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def step(self, lines: str) -> None:
        """Run `lines` in the shell, which ends at the first command that fails."""
        self._shell.stdin.write(f"{self._placed(lines)}\necho {DONE}\n".encode())
        self._shell.stdin.flush()
        for line in iter(self._shell.stdout.readline, b""):
            if line.decode().strip() == DONE:
                return
            self.said += line.decode()
        pytest.fail(f"a step failed: {lines}\n{self.said[-3000:]}")

    def background(self, lines: str, *, ready: str, further: str = "") -> None:
        """Run `lines` in a terminal of their own, and wait until the file `ready` is there."""
        process = self._open(["bash", "-c", self._placed(lines.rstrip() + further)], stderr=subprocess.DEVNULL)
        ends = time.monotonic() + READY_S
        while not (self._folder / ready).exists():
            assert process.poll() is None, lines
            assert time.monotonic() < ends, f"not ready: {lines}"
            time.sleep(0.2)

    def _open(self, command, **streams):
        process = self._stack.enter_context(
            subprocess.Popen(command, cwd=self._folder, env=self._env, start_new_session=True, **streams)
        )
        self._stack.callback(_end, process)
        return process

    def _placed(self, lines: str) -> str:
        return re.sub("|".join(PORTS), lambda port: self._ports[port[0]], lines)


def _end(process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def _free_ports() -> dict[str, str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        return {name: str(one.getsockname()[1]) for name, one in zip(PORTS, sockets, strict=True)}
