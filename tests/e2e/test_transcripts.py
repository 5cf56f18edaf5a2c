"""docs/sealing.md as it stands: the content of a call, from the request to its erasure, on real processes."""

import importlib.util
import json
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sekisho.api.client import OfficeClient, OfficeRefused
from sekisho.cli.main import app
from sekisho.core import SekishoError, Window
from sekisho.server.places import DataDir
from sekisho.server.system import RandomIds, SystemClock
from sekisho.sidecar import SekishoAuth, TokenClient
from sekisho.tokens import CallScope, SigningKey
from sekisho.trust import Auditors, read_auditors

pytestmark = pytest.mark.timeout(180)
PAGE = Path(__file__).parents[2] / "docs" / "sealing.md"


def commands_of(page: str) -> dict[str, list[list[str]]]:
    """Return the words of the page's commands behind `sekisho`, by the verb."""
    found: dict[str, list[list[str]]] = {}
    for block in re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line)[1:]
            found.setdefault(words[1], []).append(words)
    return found


COMMANDS = commands_of(PAGE.read_text(encoding="utf-8"))
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "red-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "答え"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    },
    ensure_ascii=False,
).encode()


def load_rig() -> ModuleType:
    """Return a copy of the server's rig, which signs documents: its year is changed here."""
    path = Path(__file__).parents[1] / "unit" / "server" / "rig.py"
    spec = importlib.util.spec_from_file_location("server_rig_of_transcripts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Lab(BaseHTTPRequestHandler):
    """A lab that always says the same."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: Any) -> None:
        pass


def until(what: Callable[[], Any], *, within_s: float = 30.0) -> Any:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with suppress(OSError, ValueError, KeyError):
            if answer := what():
                return answer
        time.sleep(0.05)
    raise AssertionError("it did not come to pass in time")


class Programme:
    """A served data directory whose charter names three auditors, two of whom open a transcript."""

    def __init__(self, root: Path) -> None:
        self.rig = load_rig()
        self.root, self.places = root, DataDir(root / "programme")
        self.world = self.rig.World(self.places)
        self.serving: subprocess.Popen[bytes] | None = None
        self.lab = ThreadingHTTPServer(("127.0.0.1", 0), Lab)
        threading.Thread(target=self.lab.serve_forever, daemon=True).start()
        upstream = {
            "party": "lab-a",
            "base_url": f"http://127.0.0.1:{self.lab.server_address[1]}",
            "dialect": "openai",
            "credential": "lab-credential-0123456789",
        }
        (self.places.gate("gate-0") / "labs.json").write_text(json.dumps({"labs": [upstream]}))

    @property
    def office(self) -> OfficeClient:
        return OfficeClient.of(self.places.root)

    def start(self) -> None:
        self.places.gate_run("gate-0").unlink(missing_ok=True)
        argv = (sys.executable, "-m", "sekisho.cli.main", "serve", "--data", str(self.places.root))
        with (self.root / "serve.log").open("ab") as log:
            self.serving = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.is_ready)

    def is_ready(self) -> bool:
        run = json.loads(self.places.gate_run("gate-0").read_bytes())
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"http://127.0.0.1:{run['admin_port']}/readyz", trust_env=False).is_success
        return False

    def stop(self) -> None:
        if self.serving is not None:
            self.serving.send_signal(signal.SIGTERM)
            self.serving.wait(30)
            self.serving = None

    def sekisho(self, *arguments: str) -> str:
        """Run a command; return what it prints, or raise the error it ends with."""
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False, standalone_mode=False)
        return result.stdout

    def begin(self) -> None:
        """Sign the charter and a grant, enrol a workload."""
        now = SystemClock().now().replace(microsecond=0)
        year = Window(opens=now - timedelta(days=1), closes=now + timedelta(days=300))
        made, names = COMMANDS["new-key"][0], ("auditor-a", "auditor-b", "auditor-c")
        entries = [self.sekisho(*(word.replace("auditor-a", name) for word in made)) for name in names]
        auditors: Auditors = read_auditors({"threshold": 2, "members": [json.loads(entry) for entry in entries]})
        self.world.log = SimpleNamespace(vkey=(self.places.ledger / "decisions" / "vkey").read_text().strip())
        self.rig.YEAR = year
        self.charter = self.root / "charter.json"
        self.charter.write_bytes(self.world.charter(valid=year, auditors=auditors))
        self.office.post("/charter", self.charter.read_bytes())
        self.office.post("/accords", self.world.accord(valid=year))
        bank = self.office.post("/institutions", {"lei": self.rig.MUFG, "kind": "bank", "name": "MUFG Bank"})
        self.key = SigningKey(Ed25519PrivateKey.generate())
        principal = self.office.post(
            "/principals",
            {"institution_id": bank["id"], "kind": "workload", "name": "hunter", "key": self.key.public.to_jwk()},
        )
        asset = self.office.post(
            "/assets", {"institution_id": bank["id"], "kind": "host", "name": "bank.example", "basis": "It is ours."}
        )
        enrolled = SimpleNamespace(
            institution=SimpleNamespace(id=bank["id"]),
            principal=SimpleNamespace(id=principal["id"]),
            asset=SimpleNamespace(id=asset["id"]),
        )
        self.principal_id, self.asset_id = principal["id"], asset["id"]
        window = Window(opens=now, closes=now + timedelta(days=30))
        self.office.post("/grants", self.world.grant(enrolled, window=window))

    def call(self, question: str) -> httpx2.Response:
        """Call the model as the workload, through the sidecar's authentication."""
        control = json.loads(self.places.control_run.read_bytes())
        origin = json.loads(self.places.gate_run("gate-0").read_bytes())["origin"]
        body = {"model": "red-1", "messages": [{"role": "user", "content": question}], "max_tokens": 10}
        with (
            TokenClient(
                issuer=control["issuer"],
                principal_id=self.principal_id,
                key=self.key,
                scope=CallScope(technique="find", asset=self.asset_id),
                clock=SystemClock(),
                ids=RandomIds(),
            ) as tokens,
            httpx2.Client(auth=SekishoAuth(tokens=tokens), trust_env=False) as client,
        ):
            return client.post(f"{origin}/v1/chat/completions", json=body)

    def play(self, command: str, request_id: str = "", *further: str) -> list[str]:
        """Run the commands of the page of this name, in their order; return what each prints."""
        return [
            self.sekisho(*(word.replace("$REQUEST", request_id) for word in words), *further)
            for words in COMMANDS[command]
        ]

    def listed(self) -> list[dict[str, Any]]:
        """Return what `transcript list` says, of the whole ledger under the pinned charter."""
        return list(json.loads(self.play("list", "", "--json")[0]))


@pytest.fixture
def programme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programme]:
    monkeypatch.chdir(tmp_path)
    made = Programme(tmp_path)
    made.start()
    try:
        made.begin()
        yield made
    finally:
        made.stop()
        made.lab.shutdown()
        made.lab.server_close()


def files_with(content: bytes, *roots: Path) -> list[str]:
    """Return the files below `roots` that hold `content`."""
    files = (path for root in roots for path in root.rglob("*") if path.is_file())
    return [str(path) for path in files if content in path.read_bytes()]


def test_two_of_three_auditors_read_a_call_and_erasing_ends_it(programme: Programme, tmp_path: Path) -> None:
    """Handed out, opened share by share, held against the ledger; erased, also from a backup; the ledger verifies."""
    answered = programme.call("秘密の質問")
    assert answered.status_code == 200
    request_id = answered.headers["sekisho-request-id"]
    gate = programme.places.gate("gate-0")
    assert files_with("秘密の質問".encode(), programme.places.root) == []
    (row,) = until(programme.listed)
    assert (row["request"], row["erased"]) == (request_id, None)

    # Handed out by the office, with a reason; opened by two auditors, put together by a third person.
    programme.play("release", request_id)
    programme.play("open-share")
    assert programme.play("unseal") == [""]
    opened = json.loads(Path("call.json").read_bytes())
    assert "秘密の質問" in json.loads(opened["request"]["text"])["messages"][0]["content"]
    assert opened["response"]["text"].encode() == answered.content
    for name in ("call.json", "call.sealed", "share-a", "share-c", "auditor-a.key"):
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600

    # One share is not enough, one auditor's twice neither; nothing is written then, nor over a file.
    unseal = ("transcript", "unseal", "call.sealed")
    for shares in (("share-a",), ("share-a", "share-a")):
        with pytest.raises(SekishoError):
            programme.sekisho(*unseal, *shares, "--ledger", "programme", "--out", "no")
    assert not Path("no").exists()
    with pytest.raises(SekishoError):
        programme.play("unseal")
    for command, words in (("release", ("--out", "call.json")), ("open-share", ("--out", "share-a"))):
        with pytest.raises(SekishoError):
            programme.play(command, request_id, *words)

    # Erased: salts and file are gone, the entries stay; a backup from before forgets when it is put back.
    salts = [bytes.fromhex(opened[part]["salt"]) for part in ("request", "response")]
    store = [path for path in gate.iterdir() if path.name.startswith("calls.db")]
    assert all(any(salt in path.read_bytes() for path in store) for salt in salts)
    programme.stop()
    shutil.copytree(gate, tmp_path / "backup")
    programme.start()
    (told,) = programme.play("erase", request_id, "--json")
    assert [call["is_destroyed"] for call in json.loads(told)] == [True]
    assert [files_with(salt, gate) for salt in salts] == [[], []]
    assert not list((gate / "transcripts").rglob("*.sealed"))
    (row,) = until(lambda: [one for one in programme.listed() if one["erased"] is not None])
    with pytest.raises(OfficeRefused):
        programme.play("release", request_id, "--out", "late")
    with pytest.raises(SekishoError, match="erased"):
        programme.sekisho(*unseal, "share-a", "share-c", "--ledger", "programme", "--out", "again")
    assert not Path("again").exists()
    programme.stop()
    shutil.rmtree(gate)
    shutil.copytree(tmp_path / "backup", gate)
    assert files_with(salts[0], gate) != []
    programme.start()
    until(lambda: not list((gate / "transcripts").rglob("*.sealed")))
    until(lambda: [files_with(salt, gate) for salt in salts] == [[], []])
    assert programme.call("noch eine").status_code == 200
    verified = programme.sekisho("ledger", "verify", "programme", "--charter", "charter.json", "--json")
    assert json.loads(verified)["problems"] == []
