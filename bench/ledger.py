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
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import ledger_reading
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SteadyClock
from sekisho.formats.jcs import Json
from sekisho.ledger import Entry, EntryKind, Log, encode_entry
from sekisho.ledger.steps import Step

ALONE, TOGETHER, WRITERS = 1_000, 12_800, 64
# Sizes of a log at which appending and opening are measured, and how many appends each time.
SIZES, APPENDS = (10_000, 100_000, 1_000_000), 300
# Entries queued at once while a log is filled: fewer than it holds back.
AT_ONCE = 8_000
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


def open_log(
    folder: Path, at_step: Callable[[Step], None] = lambda step: None, key: Ed25519PrivateKey | None = None
) -> Log:
    return Log.open(
        store=folder / "log.db",
        public=folder / "public",
        origin="bench.sekisho.example/decisions",
        key=key or Ed25519PrivateKey.generate(),
        clock=SteadyClock(NOW),
        at_step=at_step,
    )


def ours_alone(folder: Path) -> list[float]:
    """Return the seconds of each append by one writer that waits for its index."""
    log = open_log(folder)
    took = append_alone(log, range(ALONE))
    log.close()
    return took


def append_alone(log: Log, numbers: Iterable[int]) -> list[float]:
    took = []
    for made in [entry(number) for number in numbers]:
        began = time.perf_counter()
        log.write(made)
        took.append(time.perf_counter() - began)
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


def ours_together(folder: Path, write: Callable[[Log, Sequence[Entry]], None]) -> tuple[float, float, float]:
    """Return entries a second with many writers, how many entries a flush took, and µs of CPU an entry."""
    flushes, entries = Flushes(), [entry(number) for number in range(TOGETHER)]
    log = open_log(folder, flushes)
    began, worked = time.perf_counter(), time.process_time()
    write(log, entries)
    took, worked = time.perf_counter() - began, time.process_time() - worked
    log.close()
    return TOGETHER / took, TOGETHER / flushes.count, worked / TOGETHER * 1e6


def bare_together(folder: Path, batch: int) -> float:
    """Return entries a second of a loop that appends `batch` at once."""
    made = [encode_entry(entry(number)) for number in range(TOGETHER)]
    with (folder / "bare").open("ab", buffering=0) as file:
        began = time.perf_counter()
        for first in range(0, TOGETHER, batch):
            file.write(b"".join(made[first : first + batch]))
            os.fdatasync(file.fileno())
        return TOGETHER / (time.perf_counter() - began)


def measure_growth(folder: Path) -> dict[str, dict[str, float]]:
    """Return what appending and opening cost a log of each of SIZES, by its size."""
    figures: dict[str, dict[str, float]] = {}
    key = Ed25519PrivateKey.generate()
    log = open_log(folder, key=key)
    for size in SIZES:
        for first in range(log.head().size, size, AT_ONCE):
            for future in [log.append(entry(number)) for number in range(first, min(first + AT_ONCE, size))]:
                future.result()
        log.close()
        began = time.perf_counter()
        log = open_log(folder, key=key)
        opened = time.perf_counter() - began
        took = append_alone(log, range(size, size + APPENDS))
        figures[str(size)] = {
            "append_p50_ms": round(percentile(took, 0.5) * 1000, 3),
            "append_p99_ms": round(percentile(took, 0.99) * 1000, 3),
            "open_ms": round(opened * 1000, 1),
        }
    log.close()
    return figures


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
            rate, batch, cpu = ours_together(Path(folder), write)
        with tempfile.TemporaryDirectory() as folder:
            bare = bare_together(Path(folder), round(batch))
        keep(f"{name}_ours_entries_per_s", rate)
        keep(f"{name}_bare_entries_per_s", bare)
        keep(f"{name}_entries_per_flush", batch)
        keep(f"{name}_ours_cpu_us_per_entry", cpu)


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
    with tempfile.TemporaryDirectory() as folder:
        growth = measure_growth(Path(folder))
    figures = {"rounds": rounds, "writers": WRITERS, **medians, **ratios, "growth": growth}
    print(json.dumps({**figures, "reading": ledger_reading.measure()}, indent=2))


if __name__ == "__main__":
    main()
