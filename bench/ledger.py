#!/usr/bin/env python3
"""What a durable entry costs: our log against a bare loop that appends the same bytes and calls fdatasync.

Prints JSON. Rounds of ours and of the bare loop alternate in one run, on one disk; figures are medians over the rounds.
Many writers come in two shapes: threads, and tasks of one event loop as in a gate. The bare loop appends as many
entries at once as our log did on average in the same round.

    uv run --no-sync bench/ledger.py [--rounds N]
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SteadyClock
from sekisho.formats.jcs import Json
from sekisho.ledger import Entry, EntryKind, Log, encode_entry
from sekisho.ledger.steps import Step

ALONE, TOGETHER, WRITERS = 1_000, 12_800, 64
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def entry(number: int) -> Entry:
    """Return an entry of the usual size."""
    body: dict[str, Json] = {"version": number, "snapshot_sha256": f"{number:064x}"}
    return Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=NOW, id=f"ent_{number:026d}", body=body)


class Flushes:
    """Counts the transactions of a log."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, step: Step) -> None:
        self.count += step is Step.SEQUENCE_DURABLE


def open_log(folder: Path, at_step: Callable[[Step], None] = lambda step: None) -> Log:
    return Log.open(
        store=folder / "log.db",
        public=folder / "public",
        origin="bench.sekisho.example/decisions",
        key=Ed25519PrivateKey.generate(),
        clock=SteadyClock(NOW),
        at_step=at_step,
    )


def ours_alone(folder: Path) -> list[float]:
    """Return the seconds of each append by one writer that waits for its index."""
    log, took = open_log(folder), []
    for made in [entry(number) for number in range(ALONE)]:
        began = time.perf_counter()
        log.write(made)
        took.append(time.perf_counter() - began)
    log.close()
    return took


def bare_alone(folder: Path) -> list[float]:
    """Return the seconds of each bare append and fdatasync."""
    took = []
    with (folder / "bare").open("ab", buffering=0) as file:
        for data in [encode_entry(entry(number)) for number in range(ALONE)]:
            began = time.perf_counter()
            file.write(data)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return took


def threads_together(log: Log, entries: Sequence[Entry]) -> None:
    """Append `entries` from many threads, each waiting for its index."""

    def write(first: int) -> None:
        for made in entries[first::WRITERS]:
            log.write(made)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def tasks_together(log: Log, entries: Sequence[Entry]) -> None:
    """Append `entries` from many tasks of one event loop, each waiting for its index."""

    async def write(first: int) -> None:
        for made in entries[first::WRITERS]:
            await log.append_async(made)

    async def write_all() -> None:
        async with asyncio.TaskGroup() as group:
            for first in range(WRITERS):
                group.create_task(write(first))

    asyncio.run(write_all())


def ours_together(folder: Path, write: Callable[[Log, Sequence[Entry]], None]) -> tuple[float, float]:
    """Return entries a second with many writers, and how many entries a flush took."""
    flushes, entries = Flushes(), [entry(number) for number in range(TOGETHER)]
    log = open_log(folder, flushes)
    began = time.perf_counter()
    write(log, entries)
    took = time.perf_counter() - began
    log.close()
    return TOGETHER / took, TOGETHER / flushes.count


def bare_together(folder: Path, batch: int) -> float:
    """Return entries a second of a loop that appends `batch` at once."""
    made = [encode_entry(entry(number)) for number in range(TOGETHER)]
    with (folder / "bare").open("ab", buffering=0) as file:
        began = time.perf_counter()
        for first in range(0, TOGETHER, batch):
            file.write(b"".join(made[first : first + batch]))
            os.fdatasync(file.fileno())
        return TOGETHER / (time.perf_counter() - began)


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure_round(seen: dict[str, list[float]]) -> None:
    """Add one round of each measurement to `seen`."""

    def keep(name: str, value: float) -> None:
        seen.setdefault(name, []).append(value)

    for name, run in (("ours", ours_alone), ("bare", bare_alone)):
        with tempfile.TemporaryDirectory() as folder:
            took = run(Path(folder))
        keep(f"alone_{name}_p50_ms", percentile(took, 0.5) * 1000)
        keep(f"alone_{name}_p99_ms", percentile(took, 0.99) * 1000)
    for name, write in (("threads", threads_together), ("tasks", tasks_together)):
        with tempfile.TemporaryDirectory() as folder:
            rate, batch = ours_together(Path(folder), write)
        with tempfile.TemporaryDirectory() as folder:
            bare = bare_together(Path(folder), round(batch))
        keep(f"{name}_ours_entries_per_s", rate)
        keep(f"{name}_bare_entries_per_s", bare)
        keep(f"{name}_entries_per_flush", batch)


def main() -> None:
    """Run the rounds and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    seen: dict[str, list[float]] = {}
    for _ in range(rounds):
        measure_round(seen)
    medians = {name: round(statistics.median(values), 3) for name, values in seen.items()}
    ratios = {
        "alone_p50_ratio": round(medians["alone_ours_p50_ms"] / medians["alone_bare_p50_ms"], 2),
        "alone_p99_ratio": round(medians["alone_ours_p99_ms"] / medians["alone_bare_p99_ms"], 2),
        **{
            f"{name}_ratio": round(medians[f"{name}_ours_entries_per_s"] / medians[f"{name}_bare_entries_per_s"], 3)
            for name in ("threads", "tasks")
        },
    }
    print(json.dumps({"rounds": rounds, "writers": WRITERS, **medians, **ratios}, indent=2))


if __name__ == "__main__":
    main()
