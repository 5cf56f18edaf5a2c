"""What the acts play on: the data directory, the processes, the parties' keys, the office's client.

Everything here is what an operator would do by hand: make keys, write a lab's address and credential into the gate's
folder, start `sekisho serve`. The parties' keys lie side by side on this machine because it is a demo; in a
programme each lies with its party.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.api.client import OfficeClient
from sekisho.core import Window
from sekisho.formats import dsse, jcs
from sekisho.server.demo.story import ActFailed, Played
from sekisho.server.places import DataDir
from sekisho.server.setup import DEFAULT_SETTINGS, GATE_SLOT, Settings, prepare, write_private
from sekisho.server.system import RandomIds, SystemClock

PROGRAMME = "demo.sekisho.example"
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
# Which party is which: the demo names real institutions and labs, and is affiliated with none (README).
LABS: Mapping[str, tuple[str, str]] = {  # party → dialect, model that the accord names
    "openai": ("openai", "gpt-5.5-cyber"),
    "anthropic": ("anthropic", "claude-mythos"),
}
GOVERNMENTS = {"japan": "home", "united-states": "partner"}
WORKING_GROUP = "working-group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A principal of the demo: its id, its institution's id, and where its key lies."""

    id: str
    institution_id: str
    key_file: Path


@dataclass(slots=True)
class Stage:
    """The demo's world. Acts read what earlier acts left in `institutions`, `principals`, `assets` and `grants`."""

    places: DataDir
    cache: Path  # fetched releases; outlives the data directory of one run
    clock: SystemClock = field(default_factory=SystemClock)
    ids: RandomIds = field(default_factory=RandomIds)
    year: Window = field(init=False)  # what the demo's documents are valid for
    party_keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    institutions: dict[str, str] = field(default_factory=dict)
    principals: dict[str, Enrolled] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)
    accords: dict[str, str] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)
    receipts: list[Mapping[str, str]] = field(default_factory=list)  # headers of answers, as a defender keeps them
    played: dict[str, Played] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    serving: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        opens = self.clock.now().replace(microsecond=0) - timedelta(minutes=1)
        self.year = Window(opens=opens, closes=opens + timedelta(days=365))

    @property
    def office(self) -> OfficeClient:
        return OfficeClient.of(self.places.root)

    @property
    def issuer(self) -> str:
        return str(self.read_run_file(self.places.control_run)["issuer"])

    @property
    def gate_origin(self) -> str:
        return str(self.read_run_file(self.places.gate_run(GATE_SLOT))["origin"])

    def signed(self, kind: str, payload: Mapping[str, jcs.Json], *parties: str) -> bytes:
        """Return the document `payload` with the signatures of `parties`, each by its own key."""
        envelope = dsse.seal(kind, payload)
        for party in parties:
            envelope = dsse.sign(envelope, party=party, key=self.party_keys[party])
        return dsse.encode(envelope)

    def quorum(self, lab: str) -> tuple[str, ...]:
        """Return parties that meet the demo charter's rule for `lab`."""
        return (lab, "japan", WORKING_GROUP)

    def start(self) -> None:
        """Start the two stand-ins for the labs, give the gate their addresses, then `sekisho serve`."""
        prepare(self.places, _any_port())
        upstreams = [self._start_lab(party) for party in LABS]
        write_private(self.places.gate(GATE_SLOT) / "labs.json", json.dumps({"labs": upstreams}).encode())
        log = (self.places.run / "serve.log").open("ab")
        self.serving = subprocess.Popen(  # noqa: S603  # our own command
            (sys.executable, "-m", "sekisho.cli.main", "serve", "--data", str(self.places.root)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        _wait_for(self.places.gate_run(GATE_SLOT), self.serving)

    def stop_serving(self) -> None:
        """Stop `sekisho serve` as an operator would, so that every log is whole."""
        if self.serving is not None:
            _stop(self.serving)
            self.serving = None

    def close(self) -> None:
        """Stop everything that is still running."""
        self.stop_serving()
        while self.processes:
            _stop(self.processes.pop())

    def _start_lab(self, party: str) -> dict[str, str]:
        """Start the local model in the place of `party`'s lab; return its entry for the gate's labs.json."""
        folder = self.places.root / "lab-stand-ins"
        folder.mkdir(mode=0o700, exist_ok=True)
        credential = self.credentials[party] = f"lab-{secrets.token_urlsafe(24)}"
        credential_file, run_file = folder / f"{party}.credential", folder / f"{party}.json"
        write_private(credential_file, credential.encode())
        run_file.unlink(missing_ok=True)
        log = (folder / f"{party}.log").open("ab")
        argv = (sys.executable, "-m", "sekisho.labs.local_model", "--run-file", str(run_file))
        process = subprocess.Popen(  # noqa: S603  # our own module
            (*argv, "--credential-file", str(credential_file)), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self.processes.append(process)
        _wait_for(run_file, process)
        dialect, _ = LABS[party]
        base_url = str(self.read_run_file(run_file)["base_url"])
        return {"party": party, "base_url": base_url, "dialect": dialect, "credential": credential}

    def read_run_file(self, path: Path) -> Mapping[str, Any]:
        value = json.loads(path.read_bytes())
        if not isinstance(value, Mapping):
            raise ActFailed(f"{path.name} is not what a process writes")
        return value


def make_party_keys(stage: Stage) -> None:
    """Make a key for each party, and keep it under `parties/` for the reader to look at."""
    folder = stage.places.root / "parties"
    folder.mkdir(mode=0o700, exist_ok=True)
    for party in (*LABS, *GOVERNMENTS, WORKING_GROUP):
        key = stage.party_keys[party] = Ed25519PrivateKey.generate()
        write_private(folder / f"{party}.pem", _pem(key))


def _pem(key: Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _any_port() -> Settings:
    from dataclasses import replace

    return replace(DEFAULT_SETTINGS, programme=PROGRAMME, control_port=0, gate_port=0, gate_admin_port=0)


def _wait_for(run_file: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not run_file.exists():
        if process.poll() is not None:
            raise ActFailed(f"a process ended with status {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise ActFailed(f"{run_file.name}: a process was not ready after {READY_TIMEOUT_S:.0f} s")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
