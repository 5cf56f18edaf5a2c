#!/usr/bin/env python3
"""What a durable entry costs: our log against a bare loop that appends the same bytes and calls fdatasync.

Prints JSON. Rounds of ours and of the bare loop alternate in one run, on one disk; figures are medians over the rounds.

    uv run --no-sync bench/ledger.py [--rounds N]
"""

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SteadyClock
from sekisho.ledger import Entry, EntryKind, Log, encode_entry

ALONE, TOGETHER, WRITERS = 200, 3_200, 64
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def entry(number: int) -> Entry:
    """Return an entry of the usual size."""
    body = {"version": number, "snapshot_sha256": f"{number:064x}"}
    return Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=NOW, id=f"ent_{number:026d}", body=body)


def open_log(folder: Path) -> Log:
    return Log.open(
        store=folder / "log.db",
        public=folder / "public",
        origin="bench.sekisho.example/decisions",
        key=Ed25519PrivateKey.generate(),
        clock=SteadyClock(NOW),
    )


def ours_alone(folder: Path) -> list[float]:
    """Return the seconds of each append by one writer that waits for its index."""
    log, took = open_log(folder), []
    for number in range(ALONE):
        began = time.perf_counter()
        log.append(entry(number)).result()
        took.append(time.perf_counter() - began)
    log.close()
    return took


def bare_alone(folder: Path) -> list[float]:
    """Return the seconds of each bare append and fdatasync."""
    took = []
    with (folder / "bare").open("ab", buffering=0) as file:
        for number in range(ALONE):
            data = encode_entry(entry(number))
            began = time.perf_counter()
            file.write(data)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return took


def ours_together(folder: Path) -> float:
    """Return entries a second with many writers, each waiting for its index."""
    log = open_log(folder)

    def write(first: int) -> None:
        for number in range(first, TOGETHER, WRITERS):
            log.append(entry(number)).result()

    threads = [threading.Thread(target=write, args=(first,)) for first in range(WRITERS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    log.close()
    return TOGETHER / took


def bare_together(folder: Path) -> float:
    """Return entries a second of a loop that appends as many at once as there were writers."""
    made = [encode_entry(entry(number)) for number in range(TOGETHER)]
    with (folder / "bare").open("ab", buffering=0) as file:
        began = time.perf_counter()
        for first in range(0, TOGETHER, WRITERS):
            file.write(b"".join(made[first : first + WRITERS]))
            os.fdatasync(file.fileno())
        return TOGETHER / (time.perf_counter() - began)


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main() -> None:
    """Run the rounds and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    seen: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, run in (("ours", ours_alone), ("bare", bare_alone)):
            with tempfile.TemporaryDirectory() as folder:
                took = run(Path(folder))
            seen.setdefault(f"{name}_p50_ms", []).append(percentile(took, 0.5) * 1000)
            seen.setdefault(f"{name}_p99_ms", []).append(percentile(took, 0.99) * 1000)
        for name, run_together in (("ours", ours_together), ("bare", bare_together)):
            with tempfile.TemporaryDirectory() as folder:
                seen.setdefault(f"{name}_entries_per_s", []).append(run_together(Path(folder)))
    medians = {name: round(statistics.median(values), 3) for name, values in seen.items()}
    ratios = {
        "p50_ratio": round(medians["ours_p50_ms"] / medians["bare_p50_ms"], 2),
        "p99_ratio": round(medians["ours_p99_ms"] / medians["bare_p99_ms"], 2),
        "throughput_ratio": round(medians["ours_entries_per_s"] / medians["bare_entries_per_s"], 3),
    }
    print(json.dumps({"rounds": rounds, "writers": WRITERS, **medians, **ratios}, indent=2))


if __name__ == "__main__":
    main()
