"""Act 8: every step is in the ledger; anybody can verify it offline, and one flipped byte anywhere shows."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sekisho.ledger.receipt import Kept, check_receipt, parse_receipt
from sekisho.server.demo.stage import Stage
from sekisho.server.demo.story import ActFailed, require
from sekisho.trust import read_pinned_charter

VERIFY_TIMEOUT_S = 60
# What each act must have left in the ledger.
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "charter": (
        "charter-pinned/v1",
        "accord-in-force/v1",
        "document-refused/v1",
        "snapshot-published/v1",
        "calls-log-opened/v1",
    ),
    "vetting": ("institution-enrolled/v1", "principal-enrolled/v2", "asset-declared/v1", "grant-issued/v1"),
    "access": ("call-intended/v1", "call-answered/v1", "calls-checkpoint/v1"),
    "denials": ("call-denied/v1", "denials-counted/v1", "hold-placed/v1"),
    "revocation": ("grant-revoked/v1", "hold-placed/v1"),
    "hunt": ("campaign-recorded/v1", "finding-recorded/v1"),
    "sharing": ("inventory-recorded/v1", "case-opened/v1", "notice-issued/v1"),
}


def play(stage: Stage) -> Mapping[str, Any]:
    """Stop the programme, verify what it left with and without the pinned charter, then damage copies of it."""
    stage.stop_serving()
    ledger, charter = stage.places.ledger, stage.places.charter
    pinned = _verify(ledger, charter)
    require(pinned["verified"] and pinned["trust"] == "pinned", "the ledger does not verify with the pinned charter")
    alone = _verify(ledger, None)
    require(alone["trust"] == "self-consistent", "without the charter, the ledger must only be called self-consistent")
    kinds: Counter[str] = Counter()
    for log in pinned["logs"]:
        kinds.update(log["counts"])
    played = [name for name in EXPECTED if stage.played[name].ok]
    missing = [kind for name in played for kind in EXPECTED[name] if not kinds[kind]]
    require(not missing, f"not in the ledger: {', '.join(missing)}")
    for headers in stage.receipts:
        _require_kept(stage, headers)
    noticed = {name: _verify_damaged(ledger, charter, path) for name, path in _places_to_damage(ledger)}
    return {
        "ledger": str(ledger),
        "acts_in_it": played,
        "entries": kinds.total(),
        "kinds": len(kinds),
        "trust": pinned["trust"],
        "trust_without_charter": alone["trust"],
        "promises_kept": len(stage.receipts),
        "one_flipped_byte_noticed": noticed,
    }


def _require_kept(stage: Stage, headers: Mapping[str, str]) -> None:
    """Turn one receipt of act 3 into an inclusion proof, or raise ActFailed."""
    receipt = parse_receipt(json.dumps(dict(headers)).encode())
    vkey = read_pinned_charter(stage.places.charter.read_bytes()).charter.decisions.vkey
    found = check_receipt(receipt, stage.places.ledger, vkey=vkey, at=stage.clock.now())
    require(isinstance(found, Kept), f"the log broke the promise of entry {found.promise.index}")


def _verify(ledger: Path, charter: Path | None) -> Mapping[str, Any]:
    """Return the report of `sekisho ledger verify`, in a process of its own: from files alone."""
    argv = [sys.executable, "-m", "sekisho.cli.main", "ledger", "verify", str(ledger), "--json"]
    if charter is not None:
        argv += ["--charter", str(charter)]
    done = subprocess.run(argv, capture_output=True, timeout=VERIFY_TIMEOUT_S, check=False)  # noqa: S603  # our own command
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise ActFailed("sekisho ledger verify printed no report") from error
    require(isinstance(report, Mapping) and report["verified"] == (done.returncode == 0), "exit code and report differ")
    return dict(report)


def _places_to_damage(ledger: Path) -> Iterator[tuple[str, Path]]:
    """Yield one file of each sort: name, and path relative to the ledger."""
    for log in ("decisions", "calls/gate-0"):
        tiles = ledger / log / "tile"
        entries = sorted(path for path in (tiles / "entries").rglob("*") if path.is_file())
        hashes = sorted(path for path in (tiles / "0").rglob("*") if path.is_file())
        for sort, path in (("entries", entries[-1]), ("tile", hashes[-1]), ("checkpoint", ledger / log / "checkpoint")):
            yield f"{log} {sort}", path.relative_to(ledger)


def _verify_damaged(ledger: Path, charter: Path, damaged: Path) -> str:
    """Flip one bit in the middle of `damaged` in a copy; return what the verifier says, or raise ActFailed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ledger"
        shutil.copytree(ledger, copy)
        data = bytearray((copy / damaged).read_bytes())
        data[len(data) // 2] ^= 1
        (copy / damaged).write_bytes(data)
        report = _verify(copy, charter)
    require(not report["verified"], f"a flipped byte in {damaged} was not noticed")
    problems = Counter(str(problem["code"]) for problem in report["problems"])
    return ", ".join(sorted(problems))
