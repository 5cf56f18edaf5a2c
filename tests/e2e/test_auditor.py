"""An auditor's day: a copy of a real programme's ledger, the pinned charter, this package, and no network."""

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.access import services as access
from sekisho.ledger import Entry, EntryKind, Log, commit
from sekisho.server.places import DataDir

ACCORD = "acc_00000000000000000000000001"
ORIGIN = "sekisho.example/calls/gate-0"
PROMPT, SALT = b'{"model":"red-1","input":"hello"}', b"s" * 32
# The command line, in a process that cannot open a socket.
OFFLINE = (
    "import socket, sys\n"
    "def refuse(*args, **named): raise AssertionError('the auditor has no network')\n"
    "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
    "sys.argv[0] = 'sekisho'\n"
    "from sekisho.cli.main import main\n"
    "main()\n"
)

Sekisho = Callable[..., "subprocess.CompletedProcess[str]"]


def load_rig() -> ModuleType:
    """The control plane's rig, imported by its path."""
    name = "server_rig_for_auditor"
    path = Path(__file__).parents[1] / "unit" / "server" / "rig.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def open_calls(world: Any) -> Log:
    """Open a gate's log, and put it on record as the office does."""
    places = world.places
    calls = Log.open(
        store=places.root / "calls.db",
        public=places.ledger / "calls" / "gate-0",
        origin=ORIGIN,
        key=Ed25519PrivateKey.from_private_bytes(b"g" * 32),
        clock=world.clock,
    )
    append(world, world.log, EntryKind.CALLS_LOG_OPENED, log="calls/gate-0", origin=ORIGIN, vkey=calls.vkey)
    return calls


def append(world: Any, to: Log, kind: EntryKind, **body: Any) -> int:
    entry = Entry(kind=kind, at=world.clock.now(), id=world.ids.new("ent"), body=body)
    return int(to.append(entry).result())


def call(world: Any, calls: Log, bank: Any, grant: Any, request_id: str) -> None:
    """Leave what a gate leaves of one call, judged by the newest snapshot on record."""
    snapshot = next(entry for entry in reversed(world.entries()) if entry.kind is EntryKind.SNAPSHOT_PUBLISHED)
    head = world.log.head()
    index = append(
        world,
        calls,
        EntryKind.CALL_INTENDED,
        request_id=request_id,
        institution=bank.institution.id,
        principal=bank.principal.id,
        grant=grant.id,
        lab="lab-a",
        model="red-1",
        surface="openai.chat",
        asset=bank.asset.id,
        case=None,
        technique="find",
        request_commitment=commit(PROMPT, SALT),
        request_size_bytes=len(PROMPT),
        reserved_tokens=100,
        decisions_size=head.size,
        decisions_root=base64.b64encode(head.root).decode(),
        snapshot_version=snapshot.body["version"],
        snapshot_sha256=snapshot.body["snapshot_sha256"],
    )
    append(
        world,
        calls,
        EntryKind.CALL_ANSWERED,
        request_id=request_id,
        intent_index=index,
        outcome="complete",
        status=200,
        model_answered="red-1",
        input_tokens=3,
        output_tokens=4,
        settled_tokens=7,
        response_commitment=None,
        response_size_bytes=0,
        duration_us=1000,
    )


def anchor(world: Any, calls: Log) -> None:
    """Publish the calls log, and put its checkpoint on record."""
    calls.publish()
    root = base64.b64encode(calls.head().root).decode()
    append(world, world.log, EntryKind.CALLS_CHECKPOINT, log="calls/gate-0", size=calls.head().size, root=root)
    world.log.publish()


def act(world: Any, do: Callable[..., Any], document: bytes) -> Any:
    """Bring a signed document to the office."""
    office = world.office
    return office.act(lambda session: do(session, document, office.charter, ids=world.ids, at=world.clock.now())).value


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a programme left: enrolment, accord, grant, calls, a revocation; and one call that came after it."""
    rig, folder = load_rig(), tmp_path_factory.mktemp("auditor")
    world = rig.World(places=DataDir(tmp_path_factory.mktemp("programme") / "data"))
    with world.open() as office:
        charter = world.charter()
        office.pin(charter)
        bank = world.enrol()
        act(world, access.bring_accord_into_force, world.accord())
        grant = act(world, access.issue_grant, world.grant(bank))
        calls = open_calls(world)
        call(world, calls, bank, grant, "req-good")
        act(world, access.revoke_grant, world.revocation(grant.id))
        world.clock.advance(timedelta(hours=1))
        anchor(world, calls)
        shutil.copytree(world.places.ledger, folder / "before")
        call(world, calls, bank, grant, "req-late")
        anchor(world, calls)
        calls.close()
    shutil.copytree(world.places.ledger, folder / "ledger")
    (folder / "charter.json").write_bytes(charter)
    return folder


@pytest.fixture
def sekisho(left: Path) -> Sekisho:
    """A command of the auditor's, offline, from a read-only copy."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        argv = (sys.executable, "-c", OFFLINE, "ledger", *arguments, "--charter", "charter.json")
        return subprocess.run(argv, cwd=left, capture_output=True, text=True, timeout=60)

    return run


def test_an_honest_ledger_verifies_and_breaks_no_clause(sekisho: Sekisho) -> None:
    """As it was before the late call: nothing is wrong, and what nothing shows is not claimed."""
    assert sekisho("verify", "before").returncode == 0
    done = sekisho("audit", ACCORD, "before", "--json")
    assert done.returncode == 0, done.stderr
    audit = json.loads(done.stdout)
    assert audit["result"] == "not-shown"
    assert {c["clause"] for c in audit["clauses"] if c["result"] != "met"} == {"condition", "holds"}


def test_the_ledger_verifies_but_for_the_call_that_came_after_its_revocation(sekisho: Sekisho) -> None:
    """The files are whole; what they say is not in order, and verification names the entry."""
    done = sekisho("verify", "ledger", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert {(one["code"], one["where"]) for one in report["problems"]} == {
        ("called-after-revocation", "calls/gate-0 entry 2")
    }


def test_the_accord_is_audited_clause_by_clause(sekisho: Sekisho, left: Path) -> None:
    """One clause is not met, by the late call; the rest is met, or nothing in this ledger shows it."""
    done = sekisho("audit", ACCORD, "ledger", "--json", "-o", "report.html")
    assert done.returncode == 1, done.stderr
    audit = json.loads(done.stdout)
    results = {clause["clause"]: clause["result"] for clause in audit["clauses"]}
    assert {name for name, result in results.items() if result == "not-met"} == {"revocations"}
    assert {name for name, result in results.items() if result == "not-shown"} == {"condition", "holds"}
    (late,) = next(c for c in audit["clauses"] if c["clause"] == "revocations")["against"]["listed"]
    assert (late["log"], late["index"], late["ground"]) == ("calls/gate-0", 2, "after-revocation")
    assert "Own assets alone." in (left / "report.html").read_text(encoding="utf-8")
    japanese = sekisho("audit", ACCORD, "ledger", "--lang", "ja")
    assert japanese.returncode == 1
    assert "許可の取消し後に行われました" in japanese.stdout


def test_one_call_is_found_and_its_content_opened(sekisho: Sekisho) -> None:
    """By its request id, outcome beside intent; the commitment opens with what the institution showed."""
    done = sekisho("entries", "before", "--log", "calls/gate-0", "--kind", "call-intended/v1", "--json")
    assert done.returncode == 0, done.stderr
    (intent,) = (json.loads(line) for line in done.stdout.splitlines())
    made = hashlib.sha256(b"sekisho-commitment/v1\x00" + SALT + PROMPT).hexdigest()
    assert intent["body"]["request_commitment"] == f"sha256:{made}"
    found = sekisho("search", "before", "--request", "req-good", "--json")
    assert found.returncode == 0, found.stderr
    assert "call-answered/v1" in found.stdout
    assert "grant-issued/v1" in found.stdout
