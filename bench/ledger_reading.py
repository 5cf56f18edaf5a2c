#!/usr/bin/env python3
"""What reading a log costs: fsck against bare hashing, memory, and proofs from tiles, as logs grow.

Prints JSON. fsck and the bare loop alternate in one run; figures are medians over the rounds, by the clock and by the
processor's time, which other work on the machine moves less. The bare loop makes the same leaf and node hashes with
`hashlib` from entries that lie in memory, and does nothing else.

    uv run --no-sync bench/ledger_reading.py [--large]
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.ledger import check_entry_proof, check_files, open_source, prove_entry
from sekisho.ledger.reading import tile_reader
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.merkle import hash_leaf, verify_inclusion
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.proof import encode_proof
from sekisho.tlog.tile import TileBuilder
from sekisho.tlog.tile_tree import prove_inclusion

SIZES, LARGE = (10_000, 100_000, 1_000_000), 10_000_000
ROUNDS, PROOFS = 3, 300
ORIGIN = "bench.sekisho.example/decisions"
# In a process of its own, so that the peak is that of fsck alone. Not getrusage: that peak outlives an exec.
MEASURED = """
import re, sys
from pathlib import Path
from sekisho.ledger import check_files
def peak():
    return re.search("VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
before = peak()
assert check_files(Path(sys.argv[1])).is_verified
print(before, peak())
"""


def entries(count: int) -> Iterator[bytes]:
    """Yield entries of the usual size, as their canonical JSON is."""
    for number in range(count):
        yield (
            b'{"at":"2026-11-22T09:00:00.000000Z","body":{"snapshot_sha256":"%064x","version":%d},'
            b'"id":"ent_%026d","kind":"snapshot-published/v1"}' % (number, number, number)
        )


def write_log(folder: Path, count: int) -> NoteSigner:
    """Write a signed log of `count` entries without a store and without flushing, and return its signer."""
    builder = TileBuilder()
    for entry in entries(count):
        for tile, data in builder.add(entry):
            _write(folder / tile.path, data)
    for tile, data in builder.partials():
        _write(folder / tile.path, data)
    signer = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    head = Checkpoint(origin=ORIGIN, size=count, root=builder.root())
    _write(folder / "checkpoint", sign_checkpoint(head, signer))
    _write(folder / "vkey", f"{signer.verifier.vkey}\n".encode())
    return signer


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_bytes(data)


Taken = tuple[float, float]


def _now() -> Taken:
    return time.perf_counter(), time.process_time()


def _since(began: Taken) -> Taken:
    return time.perf_counter() - began[0], time.process_time() - began[1]


def hash_bare(count: int) -> Taken:
    """Return the seconds (clock, processor) that the hashes of so many entries take, done by hashlib alone."""
    sha256, level = hashlib.sha256, []
    taken: list[Taken] = []
    made = entries(count)
    while batch := list(islice(made, 65_536)):
        began = _now()
        level += [sha256(b"\x00" + entry).digest() for entry in batch]
        taken.append(_since(began))
    began = _now()
    while len(level) > 1:
        lonely = level[len(level) & ~1 :]
        level = [sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)] + lonely
    taken.append(_since(began))
    return sum(one for one, _ in taken), sum(one for _, one in taken)


def fsck(folder: Path) -> Taken:
    """Return the seconds (clock, processor) that fsck takes."""
    began = _now()
    if not check_files(folder).is_verified:
        raise SystemExit("the log is damaged")
    return _since(began)


def peak_mib(folder: Path) -> tuple[float, float]:
    """Return the memory of a process before and at the peak of fsck, in MiB."""
    done = subprocess.run([sys.executable, "-c", MEASURED, str(folder)], check=True, capture_output=True, text=True)
    before, peak = (int(number) / 1024 for number in done.stdout.split())
    return round(before, 1), round(peak, 1)


def proofs_ms(folder: Path, count: int, signer: NoteSigner) -> dict[str, float]:
    """Return what a proof costs: its path from tiles on disk, and checking path and proof file."""
    source = open_source(str(folder))
    read, paths, checks, files = tile_reader(source, count), [], [], []
    root = prove_entry(source, None, 0)
    head = check_entry_proof(encode_proof(root), log=signer.verifier, policy=None).witnessed.checkpoint
    for number in range(PROOFS):
        index = number * 7_919_993 % count
        began = time.perf_counter()
        path = prove_inclusion(index, count, read)
        paths.append(time.perf_counter() - began)
        proof = prove_entry(source, None, index)
        leaf, data = hash_leaf(proof.extra or b""), encode_proof(proof)
        began = time.perf_counter()
        verify_inclusion(leaf, index, count, path, head.root)
        checks.append(time.perf_counter() - began)
        began = time.perf_counter()
        check_entry_proof(data, log=signer.verifier, policy=None)
        files.append(time.perf_counter() - began)
    return {
        "path_from_tiles_p50_ms": _percentile_ms(paths, 0.5),
        "path_from_tiles_p99_ms": _percentile_ms(paths, 0.99),
        "path_verified_p50_ms": _percentile_ms(checks, 0.5),
        "path_verified_p99_ms": _percentile_ms(checks, 0.99),
        "proof_file_checked_p50_ms": _percentile_ms(files, 0.5),
    }


def _percentile_ms(values: list[float], part: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * part))] * 1000, 4)


def measure(*, large: bool = False) -> dict[str, Any]:
    """Return the figures, by size of the log."""
    figures = {}
    for count in (*SIZES, LARGE) if large else SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "decisions"
            signer = write_log(folder, count)
            rounds = 1 if count == LARGE else ROUNDS
            taken = [(*fsck(folder), *hash_bare(count)) for _ in range(rounds)]
            ours, ours_cpu, bare, bare_cpu = (statistics.median(values) for values in zip(*taken, strict=True))
            before, peak = peak_mib(folder)
            figures[str(count)] = {
                "fsck_s": round(ours, 3),
                "hashlib_s": round(bare, 3),
                "ratio": round(ours / bare, 2),
                "fsck_cpu_s": round(ours_cpu, 3),
                "hashlib_cpu_s": round(bare_cpu, 3),
                "cpu_ratio": round(ours_cpu / bare_cpu, 2),
                "fsck_memory_before_mib": before,
                "fsck_memory_peak_mib": peak,
                **proofs_ms(folder, count, signer),
            }
    return figures


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help=f"up to {LARGE} entries: 3 GB of disk, some minutes")
    print(json.dumps(measure(large=parser.parse_args().large), indent=2))


if __name__ == "__main__":
    main()
