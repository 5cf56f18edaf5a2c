#!/usr/bin/env python3
"""What a durable entry costs in PostgreSQL, with 64 writers in one process and in four that share one log.

Makes a throw-away server, and in each round, on it, in turn: our log; its store alone, without the log around it; and
a bare loop that inserts the same bytes into a table with a primary key, and commits. Batches are of 64, and of 16
where four processes have 16 writers each. Prints JSON; figures are medians over the rounds, and so are the ratios,
each of one round.

    uv run --no-sync bench/ledger_postgres.py [--rounds N]
"""

import argparse
import importlib
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SteadyClock
from sekisho.ledger import Entry, EntryKind, Log, encode_entry
from sekisho.ledger.postgres_address import PostgresAddress
from sekisho.ledger.postgres_store import PostgresStore
from sekisho.ledger.store import Row

WRITERS, ENTRIES = 64, 6_400
PROCESSES = (1, 4)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ORIGIN, KEY = "bench.sekisho.example/calls", Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def make_cluster() -> Any:
    """Return a throw-away server, made as the tests make theirs."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    return importlib.import_module("postgres").Cluster()


def entry(number: int) -> Entry:
    """Return an entry of the usual size."""
    body = {"version": number, "snapshot_sha256": f"{number:064x}"}
    return Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=NOW, id=f"ent_{number:026d}", body=body)


def write_together(address: str, folder: Path, part: int, processes: int, barrier: Barrier) -> None:
    """Write one process's part of the entries: as many threads as are its share, each waiting for its index."""
    log = Log.open(
        store=PostgresAddress.parse(address),
        public=folder / "public",
        origin=ORIGIN,
        key=KEY,
        clock=SteadyClock(NOW),
    )
    threads = [
        threading.Thread(
            target=lambda first=first: [log.append(entry(n)).result() for n in range(first, ENTRIES, WRITERS)]
        )
        for first in range(part, WRITERS, processes)
    ]
    barrier.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    barrier.wait()
    log.close()


def ours(address: str, folder: Path, processes: int) -> float:
    """Return entries a second of our log with all writers, spread over `processes`."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(processes + 1)
    writers = [
        context.Process(target=write_together, args=(address, folder, part, processes, barrier))
        for part in range(processes)
    ]
    for writer in writers:
        writer.start()
    barrier.wait()
    began = time.perf_counter()
    barrier.wait()
    took = time.perf_counter() - began
    for writer in writers:
        writer.join()
    return ENTRIES / took


def store_alone(address: str, batch: int) -> float:
    """Return entries a second of the store, without the log around it."""
    store = PostgresStore.open(PostgresAddress.parse(address), origin=ORIGIN, vkey="bench")
    rows = [Row(data=encode_entry(entry(n)), key=f"ent_{n:026d}", private=None) for n in range(ENTRIES)]
    began = time.perf_counter()
    for first in range(0, ENTRIES, batch):
        store.append(rows[first : first + batch], known_size=first, before_commit=lambda: None)
    took = time.perf_counter() - began
    store.close()
    return ENTRIES / took


def bare(address: str, batch: int) -> float:
    """Return entries a second of a loop that inserts a batch in one statement and commits."""
    made = [encode_entry(entry(number)) for number in range(ENTRIES)]
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE bare (position bigint PRIMARY KEY, data bytea NOT NULL)")
        connection.commit()
        began = time.perf_counter()
        for first in range(0, ENTRIES, batch):
            places = list(range(first, first + batch))
            connection.execute(
                "INSERT INTO bare SELECT * FROM unnest(%s::bigint[], %s::bytea[])",
                (places, made[first : first + batch]),
                binary=True,
            )
            connection.commit()
        return ENTRIES / (time.perf_counter() - began)


def measure(cluster: Any, seen: dict[str, list[float]]) -> None:
    """Add the figures of one round to `seen`: entries a second, by what was measured and how many processes it had."""

    def fresh() -> str:
        return str(cluster.address(cluster.make_database()))

    for processes in PROCESSES:
        batch = WRITERS // processes
        with tempfile.TemporaryDirectory() as folder:
            seen.setdefault(f"log_{processes}", []).append(ours(fresh(), Path(folder), processes))
        seen.setdefault(f"store_{processes}", []).append(store_alone(fresh(), batch))
        seen.setdefault(f"bare_{processes}", []).append(bare(fresh(), batch))


def median_ratio(ours: list[float], others: list[float]) -> float:
    """Return the median over the rounds: what both sides of a round met with cancels out."""
    return round(statistics.median(one / other for one, other in zip(ours, others, strict=True)), 3)


def main() -> None:
    """Run the rounds and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    cluster = make_cluster()
    seen: dict[str, list[float]] = {}
    try:
        for _ in range(rounds):
            measure(cluster, seen)
    finally:
        cluster.remove()
    told: dict[str, Any] = {"rounds": rounds, "writers": WRITERS, "cores": os.cpu_count()}
    for processes in PROCESSES:
        rates = {name: seen[f"{name}_{processes}"] for name in ("log", "store", "bare")}
        told[f"{processes}_processes"] = {
            **{f"{name}_entries_per_s": round(statistics.median(values)) for name, values in rates.items()},
            "log_ratio": median_ratio(rates["log"], rates["bare"]),
            "store_ratio": median_ratio(rates["store"], rates["bare"]),
        }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
