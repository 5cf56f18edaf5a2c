"""Judge: docs/ledger-with-go.md, run as it stands: every code of our verifier, found with Go, jq and a shell."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sekisho.core import IdSource, SteadyClock
from sekisho.ledger import EntryKind, Fault, verify_ledger
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.tile import TileBuilder

pytestmark = [pytest.mark.judge, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "ledger-with-go.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh ([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
BLOCKS = [(set(re.findall(r"fault=([\w-]+)", head)), "setup" in head, text) for head, text in BLOCK.findall(PAGE)]
SETUP = next(text for _, is_setup, text in BLOCKS if is_setup)
GOCODE = Path("/usr/share/gocode")


def load(path: str, name: str) -> ModuleType:
    """The rigs of the unit tests, imported by their paths."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "unit" / "ledger" / path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


LEDGER, AUDIT = load("conftest.py", "ledger_rig_for_go"), load("audit/conftest.py", "audit_rig_for_go")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `judge_log` and `look`, compiled from Debian's packages without network."""
    go = shutil.which("go")
    if go is None or shutil.which("jq") is None or not (GOCODE / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("Go's sumdb or jq is absent: apt-get install golang-go golang-golang-x-mod-dev jq")
    folder = tmp_path_factory.mktemp("tools")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(GOCODE),
        "GO111MODULE": "off",
        "CGO_ENABLED": "0",
    }
    for name in ("judge_log", "look"):
        program = Path(__file__).parent / name / "main.go"
        subprocess.run([go, "build", "-o", str(folder / name), str(program)], env=environment, check=True)
    return folder


@pytest.fixture
def rig(tmp_path: Path, clock: SteadyClock, ids: IdSource) -> Iterator[Any]:
    """An honest programme so far: two calls and a denial, before anything is on disk."""
    programme = LEDGER.Programme(tmp_path, clock, ids)
    rig = AUDIT.Rig(LEDGER.Office(programme)).begin()
    rig.call()
    rig.call()
    rig.deny("SKS-ACCESS-402")
    yield rig
    programme.close()


def run(tools: Path, rig: Any, text: str) -> tuple[int, str]:
    """Run a block where the page expects to be, and return how it ended and what it said."""
    folder = rig.ledger.parent
    (folder / "charter.json").write_bytes(rig.office.charter_file())
    (folder / "vectors").mkdir(exist_ok=True)
    shutil.copy(ROOT / "docs/specs/vectors/ledger-entries.json", folder / "vectors")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", text],
        cwd=folder,
        env={"PATH": f"{tools}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def after(*decided: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Decide something more, then make a call by a gate that knew it."""

    def story(rig: Any) -> None:
        for make in decided:
            rig.decide(make(rig))
        rig.call()

    return story


def repeated(rig: Any) -> None:
    rig.requests = 0
    rig.call()


def stale(rig: Any) -> None:
    rig.decide(rig.snapshot(2))
    rig.call(later=timedelta(minutes=3))


# What is written by whoever holds the logs' keys.
SAID: Mapping[Fault, Callable[[Any], object]] = {
    Fault.ENTRY_MISPLACED: lambda rig: rig.decide(rig.programme.intent(rig.decisions.head(), "req-9")),
    Fault.LOG_MISSING: lambda rig: rig.decide(rig.programme.opening("calls/gate-1")),
    Fault.LOG_REOPENED: lambda rig: rig.decide(
        rig.programme.entry(
            EntryKind.CALLS_LOG_OPENED,
            log="calls/gate-0",
            origin="sekisho.example/calls/gate-0",
            vkey=rig.programme.vkey("calls/gate-7"),
        )
    ),
    Fault.LOG_SHRANK: lambda rig: rig.decide(rig.programme.anchor(replace(rig.calls.head(), size=99))),
    Fault.ANCHOR_DIFFERS: lambda rig: rig.decide(rig.programme.anchor(replace(rig.calls.head(), size=1))),
    Fault.DECISIONS_DIFFER: lambda rig: rig.call(decisions_root="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    Fault.CHARTER_DIFFERS: lambda rig: rig.decide(
        rig.office.pinning(replace(rig.office.charter, hold_term=timedelta(days=9)))
    ),
    Fault.DOCUMENT_MISSING: lambda rig: rig.decide(without(rig.accord(), "envelope")),
    Fault.DOCUMENT_REFUSED: lambda rig: rig.decide(rig.grant("home-gov", id="grt_2")),
    Fault.DOCUMENT_DIFFERS: lambda rig: rig.decide(rewritten(rig.grant(id="grt_2"), techniques=["exploit"])),
    Fault.SNAPSHOT_UNKNOWN: lambda rig: rig.call(snapshot_version=7),
    Fault.SNAPSHOT_STALE: stale,
    Fault.GRANT_UNKNOWN: lambda rig: rig.call(grant="grt_9"),
    Fault.CALLED_AFTER_REVOCATION: after(lambda rig: rig.office.revoking("lab-a", "home-gov")),
    Fault.CALLED_OUT_OF_SCOPE: lambda rig: rig.call(asset="ast_2"),
    Fault.CALLED_ON_HOLD: after(lambda rig: rig.hold()),
    Fault.REQUEST_REPEATED: repeated,
    Fault.ANSWER_WITHOUT_INTENT: lambda rig: rig.answer(0),
}


def without(entry: Any, name: str) -> Any:
    return replace(entry, body={key: value for key, value in entry.body.items() if key != name})


def rewritten(entry: Any, **changed: Any) -> Any:
    return replace(entry, body={**entry.body, **changed})


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])


def tile(log: Path) -> Path:
    """The newest partial tile: the one that the checkpoint needs."""
    return max((path for path in (log / "tile" / "0").rglob("*") if path.is_file()), key=lambda path: int(path.name))


def sign(rig: Any, log: Path, size: int, root: bytes) -> None:
    signer = NoteSigner("sekisho.example/decisions", rig.programme.key("decisions"))
    head = Checkpoint(origin="sekisho.example/decisions", size=size, root=root)
    (log / "checkpoint").write_bytes(sign_checkpoint(head, signer))


def rewrite(rig: Any, log: Path, entries: list[bytes]) -> None:
    """Publish another log under the same key."""
    shutil.rmtree(log / "tile")
    builder = TileBuilder()
    made = [part for entry in entries for part in builder.add(entry)]
    for one, data in (*made, *builder.partials()):
        (log / one.path).parent.mkdir(parents=True, exist_ok=True)
        (log / one.path).write_bytes(data)
    sign(rig, log, len(entries), builder.root())


# What is done to the files, by whoever can write them (and, where a signature is needed, by who holds the key).
DONE: Mapping[Fault, Callable[[Any, Path], object]] = {
    Fault.KEY_DIFFERS: lambda rig, log: (log / "vkey").write_text(rig.programme.vkey("calls/gate-0") + "\n"),
    Fault.CHECKPOINT_REFUSED: lambda rig, log: flip(log / "checkpoint"),
    Fault.FILE_UNKNOWN: lambda rig, log: (log / "tile" / "readme.txt").write_text("hello"),
    Fault.FILE_AHEAD: lambda rig, log: (tile(log).with_name("200")).write_bytes(bytes(200 * 32)),
    Fault.FILE_MISSING: lambda rig, log: tile(log).unlink(),
    Fault.FILE_DIFFERS: lambda rig, log: flip(tile(log)),
    Fault.ROOT_DIFFERS: lambda rig, log: sign(rig, log, rig.decisions.head().size, bytes(32)),
    Fault.ENTRY_REFUSED: lambda rig, log: rewrite(rig, log, [b'{"kind": "odd"}']),
    Fault.LOG_UNKNOWN: lambda rig, log: shutil.copytree(log.parent / "calls/gate-0", log.parent / "calls/gate-9"),
}
# Its own way: see the page, and test_go_sumdb.py for the program it names.
ELSEWHERE = {Fault.POLICY_UNMET}


def faults(rig: Any) -> set[Fault]:
    pinned = rig.office.pinned()
    report = verify_ledger(rig.ledger, vkey=pinned.charter.decisions.vkey, charter=pinned)
    return {problem.fault for problem in report.problems}


def found(tools: Path, rig: Any, fault: Fault) -> list[str]:
    """What the page's blocks for `fault` say; nothing if they are silent."""
    meant = [text for codes, _, text in BLOCKS if fault.value in codes]
    assert meant, f"the page has no block for {fault.value}"
    ended = [run(tools, rig, f"{SETUP}{text}") for text in meant]
    return [f"{code} {said}" for code, said in ended if code != 0 or said]


def test_the_page_has_a_way_for_every_code() -> None:
    """And no code that the verifier does not have."""
    known = {fault.value for fault in Fault}
    assert set().union(*(codes for codes, *_ in BLOCKS)) == known - {fault.value for fault in ELSEWHERE}
    assert set(SAID) | set(DONE) | ELSEWHERE == set(Fault)
    for fault in ELSEWHERE:
        assert f"`{fault.value}`" in PAGE


def test_every_block_is_silent_on_a_true_ledger(tools: Path, rig: Any) -> None:
    """All of them, one after the other, as a reader would run them."""
    rig.settle()
    assert faults(rig) == set()
    for codes, _, text in BLOCKS:
        assert run(tools, rig, f"{SETUP}{text}") == (0, ""), codes


@pytest.mark.parametrize("fault", SAID, ids=lambda fault: str(fault.value))
def test_what_entries_say_is_found_by_jq_and_go(tools: Path, rig: Any, fault: Fault) -> None:
    """The blocks for a code speak where our verifier says that code."""
    SAID[fault](rig)
    rig.settle()
    assert fault in faults(rig)
    assert found(tools, rig, fault)


@pytest.mark.parametrize("fault", DONE, ids=lambda fault: str(fault.value))
def test_what_is_done_to_files_is_found_by_go(tools: Path, rig: Any, fault: Fault) -> None:
    """Likewise, for files, trees and keys."""
    rig.settle()
    DONE[fault](rig, rig.ledger / "decisions")
    assert fault in faults(rig)
    assert found(tools, rig, fault)
