"""Writers of one log in PostgreSQL that are killed: forks a child for each line of stdin, which writes until it dies.

Line: `ADDRESS FOLDER STEP NTH`. The child appends without end, four entries at a time, each under a key of its own
process, and writes a line `KEY INDEX` to FOLDER/acknowledged for each answer, after the answer. At the NTH time that
STEP is reached it kills itself with SIGKILL; with STEP `-` it waits to be killed. Stdout: the child's pid.
Run as a program, not collected as a test; a fork of a warm process, since a fresh one takes half a second.
"""

import itertools
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SekishoError, SteadyClock
from sekisho.ledger import Entry, EntryKind, Log
from sekisho.ledger.postgres_address import PostgresAddress
from sekisho.ledger.postgres_store import PostgresStore  # noqa: F401 - loads the driver before the forks
from sekisho.ledger.steps import Step

# The writer stops by itself if nobody kills it: a test must not leave a process behind.
MAX_ENTRIES = 20_000


def write_until_killed(address: str, folder: Path, step_name: str, nth: int) -> None:
    reached = itertools.count(1)

    def at_step(step: Step) -> None:
        if step.name == step_name and next(reached) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    clock = SteadyClock(datetime(2026, 11, 22, 9, tzinfo=UTC))
    log = Log.open(
        store=PostgresAddress.parse(address),
        public=folder / "public",
        origin="sekisho.example/decisions",
        key=Ed25519PrivateKey.from_private_bytes(b"k" * 32),
        clock=clock,
        at_step=at_step,
    )
    acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(0, MAX_ENTRIES, 4):
        entries = [
            Entry(
                kind=EntryKind.SNAPSHOT_PUBLISHED,
                at=clock.now(),
                id=f"ent_{os.getpid():010d}{value:016d}",
                body={"version": value, "snapshot_sha256": "0" * 64},
            )
            for value in range(number, number + 4)
        ]
        futures = [(entry.id, log.append(entry, key=entry.id)) for entry in entries]
        for key, future in futures:
            # One write a line: other writers append to the same file.
            os.write(acknowledged, f"{key} {future.result()}\n".encode())
        # Each kill is followed by a look at the whole log: keep it short.
        time.sleep(0.004)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        address, folder, step_name, nth = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                write_until_killed(address, Path(folder), step_name, int(nth))
            except SekishoError as error:
                # Told on stderr, which the test shows: a writer must die of the kill alone.
                print(error, file=sys.stderr, flush=True)
            finally:
                os._exit(3)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
