"""The writer: what is answered is durable, what is durable is published, and nothing else ever is."""

import asyncio
import os
import resource
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sekisho.core import SekishoError
from sekisho.ledger import (
    CheckpointDamaged,
    EntryKind,
    EntryRefused,
    LedgerForked,
    LedgerUnavailable,
    Log,
    LogClosed,
    LogLocked,
    LogOverloaded,
    StoreBehind,
    StoreDamaged,
    WrongLog,
    sequencer,
    verify_ledger,
)
from sekisho.ledger.sqlite_store import SqliteStore
from sekisho.ledger.steps import Step

FilesBelow = Callable[[Path], Mapping[str, bytes]]


def fill(log: Log, programme: Any, count: int) -> None:
    """Append `count` entries and wait for the last: the queue keeps their order."""
    for future in [log.append(programme.snapshot(version)) for version in range(count)]:
        future.result()


def store_of(programme: Any, name: str = "decisions") -> Path:
    return programme.data / "stores" / f"{name}.db"


class Fault:
    """A hook that raises `error` whenever `step` is reached, while it is armed."""

    def __init__(self, step: Step, error: BaseException) -> None:
        self.step, self.error, self.is_armed, self.seen = step, error, True, 0

    def __call__(self, step: Step) -> None:
        if step is self.step and self.is_armed:
            self.seen += 1
            raise self.error


def test_indexes_count_from_zero_in_the_order_of_appending(programme: Any) -> None:
    """An entry stands where its future says, and is read back as it was."""
    log = programme.log("decisions")
    entries = [programme.snapshot(version) for version in range(10)]
    assert [future.result() for future in [log.append(entry) for entry in entries]] == list(range(10))
    assert [(index, entry.id) for index, entry in log.entries(4)] == [(i, entries[i].id) for i in range(4, 10)]
    assert log.head().size == 10


def test_many_threads_get_each_index_once_and_find_their_entry_there(programme: Any) -> None:
    """Group commit neither loses, repeats nor moves an entry."""
    log = programme.log("decisions")
    entries = [programme.snapshot(version) for version in range(400)]
    with ThreadPoolExecutor(16) as pool:
        indexes = list(pool.map(lambda entry: log.append(entry).result(), entries))
    assert sorted(indexes) == list(range(400))
    stored = dict(log.entries())
    assert all(stored[index].id == entry.id for index, entry in zip(indexes, entries, strict=True))
    log.close()
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).is_verified


def test_a_key_makes_an_append_idempotent_also_after_a_restart(programme: Any) -> None:
    """The same key has the same index: at once, within one batch, and in the next process."""
    log = programme.log("decisions")
    twice = [log.append(programme.snapshot(), key="a"), log.append(programme.snapshot(), key="a")]
    assert [future.result() for future in twice] == [0, 0]
    assert log.append(programme.snapshot(2), key="b").result() == 1
    log.close()
    log = programme.log("decisions")
    assert log.append(programme.snapshot(), key="a").result() == 0
    assert log.append(programme.snapshot()).result() == 2
    assert log.head().size == 3


async def test_tasks_of_a_loop_are_answered_together_and_as_threads_are(programme: Any) -> None:
    """Three ways to wait, one order: each entry is where its answer says, keys hold across all of them."""
    log = programme.log("decisions")
    entries = [programme.snapshot(version) for version in range(200)]
    tasks = [log.append_async(entry, key=entry.id) for entry in entries]
    indexes = await asyncio.gather(*tasks)
    assert indexes == list(range(200))
    assert log.write(entries[7], key=entries[7].id) == 7
    assert log.append(entries[8], key=entries[8].id).result() == 8
    assert log.write(programme.snapshot()) == 200
    assert log.head().size == 201


async def test_a_task_that_gave_up_does_not_take_the_others_with_it(programme: Any) -> None:
    """A cancelled wait changes nothing: the entry may be in the log, and every other answer comes."""
    disk = threading.Event()
    log = programme.log("decisions", at_step=lambda step: step is Step.SEQUENCE_WRITTEN and disk.wait(30))
    first, second, third = (log.append_async(programme.snapshot(), key=key) for key in "abc")
    second.cancel()
    disk.set()
    assert [await first, await third] == [0, 2]
    assert await log.append_async(programme.snapshot(), key="b") == 1


def test_a_loop_that_was_closed_holds_nobody_up(programme: Any) -> None:
    """Entries of a loop that ended are written, and the writers that come after are answered."""
    disk = threading.Event()
    log = programme.log("decisions", at_step=lambda step: step is Step.SEQUENCE_WRITTEN and disk.wait(30))

    async def leave() -> None:
        log.append_async(programme.snapshot())

    asyncio.run(leave())
    disk.set()
    assert log.write(programme.snapshot()) == 1


def test_every_way_of_waiting_is_told_of_a_refusal(programme: Any) -> None:
    """A closed log answers futures and tasks with LogClosed, and raises it in a thread."""
    log = programme.log("decisions")
    log.close()

    async def ask() -> None:
        with pytest.raises(LogClosed):
            await log.append_async(programme.snapshot())

    asyncio.run(ask())
    with pytest.raises(LogClosed):
        log.write(programme.snapshot())


@pytest.mark.parametrize("step", [Step.SEQUENCE_WRITTEN, Step.SEQUENCE_DURABLE])
def test_a_writer_that_is_interrupted_while_it_leads_holds_nobody_up(programme: Any, step: Step) -> None:
    """Ctrl-C in the thread that commits reaches it alone: the log finds out what became durable and goes on."""
    fault = Fault(step, KeyboardInterrupt())
    log = programme.log("decisions", at_step=fault)
    with pytest.raises(KeyboardInterrupt):
        log.write(programme.snapshot(), key="a")
    fault.is_armed = False
    index = log.write(programme.snapshot(), key="b")
    assert index == (step is Step.SEQUENCE_DURABLE)
    assert log.write(programme.snapshot(), key="a") == 1 - index
    log.close()
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).problems == ()


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_store_removed_while_it_is_open_takes_nothing_until_it_is_back(programme: Any, suffix: str) -> None:
    """SQLite would go on writing into the removed file: entries that nobody can read again are not acknowledged."""
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.publish()
    store = store_of(programme)
    file, away = store.with_name(store.name + suffix), store.with_name("away")
    file.rename(away)
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            log.write(programme.snapshot(), key="a")
    assert not file.exists()
    away.rename(file)
    assert log.write(programme.snapshot(), key="a") == 3
    log.close()
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).logs[0].size == 4


def test_another_store_put_in_the_place_of_the_open_one_is_not_written(programme: Any) -> None:
    """A backup restored under a running log is neither followed nor touched; a restart judges it."""
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.publish()
    store = store_of(programme)
    with closing(sqlite3.connect(store)) as live, closing(sqlite3.connect(programme.data / "backup.db")) as copy:
        live.backup(copy)
    fill(log, programme, 3)
    before = (programme.data / "backup.db").read_bytes()
    (programme.data / "backup.db").rename(store)
    with pytest.raises(LedgerUnavailable):
        log.write(programme.snapshot())
    with pytest.raises(LedgerUnavailable):
        log.close()
    assert store.read_bytes() == before


def test_what_is_private_is_kept_and_never_published(programme: Any, files_below: FilesBelow) -> None:
    """A salt lies in the store, readable by its owner alone, and in no public file."""
    log = programme.log("decisions")
    log.append(programme.snapshot(), private=b"SALT" * 8).result()
    log.append(programme.snapshot()).result()
    assert [log.private(index) for index in range(3)] == [b"SALT" * 8, None, None]
    log.close()
    assert not any(b"SALT" in data for data in files_below(programme.ledger).values())
    assert store_of(programme).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("size", [0, 1, 5, 255, 256, 257, 600])
def test_a_log_of_any_size_verifies_and_opens_again_to_the_same_files(
    programme: Any, files_below: FilesBelow, size: int
) -> None:
    """Published, closed and opened again, the folder is byte for byte the same."""
    log = programme.log("decisions")
    fill(log, programme, size)
    log.close()
    report = verify_ledger(programme.ledger / "decisions", vkey=log.vkey)
    assert report.problems == ()
    assert report.logs[0].size == size
    before = files_below(programme.ledger)
    programme.log("decisions").close()
    assert files_below(programme.ledger) == before


def test_every_publication_verifies_and_full_tiles_drop_their_partial_ones(
    programme: Any, files_below: FilesBelow
) -> None:
    """A checkpoint is never ahead of its tiles; what a full tile supersedes goes, and nothing else."""
    log = programme.log("decisions")
    for step in (100, 155, 1, 1, 255, 40):
        fill(log, programme, step)
        assert log.publish() == log.head()
        assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).problems == ()
    partials = {path.rpartition("/")[0] for path in files_below(programme.ledger / "decisions") if ".p/" in path}
    assert partials == {"tile/0/002.p", "tile/1/000.p", "tile/entries/002.p"}


def test_entries_are_published_without_being_asked(programme: Any) -> None:
    """The background publishes within moments of an append."""
    log = programme.log("decisions")
    log.append(programme.snapshot()).result()
    checkpoint = programme.ledger / "decisions" / "checkpoint"
    for _ in range(200):
        if checkpoint.read_text(encoding="utf-8").split("\n")[1] == "1":
            break
        time.sleep(0.02)
    assert checkpoint.read_text(encoding="utf-8").split("\n")[1] == "1"


def test_a_misshapen_entry_is_refused_before_it_is_queued(programme: Any) -> None:
    """Nothing that verification would refuse gets into the log."""
    log = programme.log("decisions")
    with pytest.raises(EntryRefused):
        log.append(programme.entry(EntryKind.SNAPSHOT_PUBLISHED, version=-1))
    assert log.head().size == 0


def test_a_closed_log_takes_nothing_and_closing_twice_is_harmless(programme: Any) -> None:
    """What was queued before the end is written, what comes after is told so."""
    log = programme.log("decisions")
    queued = [log.append(programme.snapshot(version)) for version in range(100)]
    log.close()
    log.close()
    assert [future.result() for future in queued] == list(range(100))
    with pytest.raises(LogClosed):
        log.append(programme.snapshot()).result()


def test_appending_waits_for_nothing_and_a_hanging_disk_shows_as_a_refusal(
    programme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the disk stuck, `append` returns at once; beyond the bound it is refused, and no memory grows."""
    monkeypatch.setattr(sequencer, "MAX_WAITING", 5)
    disk = threading.Event()
    log = programme.log("decisions", at_step=lambda step: step is Step.SEQUENCE_WRITTEN and disk.wait(30))
    futures: list[Future[int]] = [log.append(programme.snapshot())]
    while not futures[0].running():
        time.sleep(0.001)
    futures += [log.append(programme.snapshot()) for _ in range(8)]
    cancelled = futures[1].cancel()
    with pytest.raises(LogOverloaded):
        futures[-1].result(timeout=1)
    assert not futures[0].done()
    disk.set()
    assert cancelled
    assert [future.result() for future in futures[2:6]] == [1, 2, 3, 4]
    assert log.append(programme.snapshot()).result() == 5


def test_a_second_writer_is_refused_also_with_a_copy_of_the_store(programme: Any) -> None:
    """Neither the store nor the public folder has two writers, and the lock goes with its holder."""
    log = programme.log("decisions")
    with pytest.raises(LogLocked):
        programme.log("decisions")
    shutil.copy(store_of(programme), programme.data / "copy.db")
    with pytest.raises(LogLocked):
        Log.open(
            store=programme.data / "copy.db",
            public=programme.ledger / "decisions",
            origin=log.origin,
            key=programme.key("decisions"),
            clock=programme._clock,
        )
    log.close()
    programme.log("decisions")


def test_another_key_or_another_origin_does_not_open_the_store(programme: Any) -> None:
    """A log keeps its key and its name."""
    programme.log("decisions").close()
    for origin, key in (("sekisho.example/decisions", "other"), ("other.example/decisions", "decisions")):
        with pytest.raises(WrongLog):
            Log.open(
                store=store_of(programme),
                public=programme.ledger / "decisions",
                origin=origin,
                key=programme.key(key),
                clock=programme._clock,
            )


def test_what_is_no_database_is_refused_as_it_is(programme: Any) -> None:
    """A damaged store is never replaced by an empty one."""
    store_of(programme).parent.mkdir(parents=True)
    store_of(programme).write_bytes(b"not a database" * 100)
    with pytest.raises(StoreDamaged):
        programme.log("decisions")
    assert store_of(programme).read_bytes() == b"not a database" * 100


def test_a_store_restored_from_an_old_backup_is_refused(programme: Any, files_below: FilesBelow) -> None:
    """A smaller tree is never signed, and the public folder is left as it is."""
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.close()
    shutil.copy(store_of(programme), programme.data / "backup.db")
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.close()
    before = files_below(programme.ledger)
    shutil.copy(programme.data / "backup.db", store_of(programme))
    with pytest.raises(StoreBehind):
        programme.log("decisions")
    assert files_below(programme.ledger) == before


def test_a_store_that_lost_its_write_ahead_log_is_refused(programme: Any) -> None:
    """A truncated WAL loses acknowledged entries: the published checkpoint tells."""
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.publish()
    torn = programme.data / "torn"
    shutil.copytree(programme.ledger / "decisions", torn / "public")
    shutil.copy(store_of(programme), torn / "store.db")
    with pytest.raises(StoreBehind):
        Log.open(
            store=torn / "store.db",
            public=torn / "public",
            origin=log.origin,
            key=programme.key("decisions"),
            clock=programme._clock,
        )


def test_a_signed_head_beyond_the_entries_is_refused_without_any_public_file(programme: Any) -> None:
    """The store remembers what it allowed to be signed, though the public folder is gone."""
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.close()
    shutil.rmtree(programme.ledger)
    with closing(sqlite3.connect(store_of(programme))) as store, store:
        store.execute("DELETE FROM entries WHERE position = 2")
    with pytest.raises(StoreBehind):
        programme.log("decisions")


@pytest.mark.parametrize("is_published", [True, False])
def test_a_changed_entry_in_the_store_is_a_fork_and_nothing_is_written(
    programme: Any, files_below: FilesBelow, is_published: bool
) -> None:
    """Another root at a signed size is never signed, with the public folder or without."""
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.close()
    if not is_published:
        shutil.rmtree(programme.ledger)
    before = files_below(programme.ledger)
    with closing(sqlite3.connect(store_of(programme))) as store, store:
        store.execute("UPDATE entries SET data = CAST(data || ' ' AS BLOB) WHERE position = 1")
    with pytest.raises(LedgerForked):
        programme.log("decisions")
    assert files_below(programme.ledger) == before


def test_a_missing_entry_in_the_middle_is_damage(programme: Any) -> None:
    """Indexes have no holes."""
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.close()
    with closing(sqlite3.connect(store_of(programme))) as store, store:
        store.execute("DELETE FROM entries WHERE position = 1")
    with pytest.raises(StoreDamaged):
        programme.log("decisions")


def test_torn_missing_and_foreign_tiles_are_made_good_on_opening(programme: Any, files_below: FilesBelow) -> None:
    """Tiles follow from entries: each one damaged in turn, the folder comes back byte for byte."""
    log = programme.log("decisions")
    fill(log, programme, 257)
    log.publish()
    fill(log, programme, 2)
    log.close()
    public = programme.ledger / "decisions"
    before = files_below(public)
    (public / ".staging").mkdir(exist_ok=True)
    for path in before:
        if path == "checkpoint":
            continue
        for damage in (b"", before[path][:-1], before[path] + b"x", b"x" * len(before[path])):
            (public / path).write_bytes(damage)
        if path.rpartition("/")[2] in {"vkey", "000", "259", "3"}:
            (public / path).unlink()
        (public / ".staging" / "left~over").write_bytes(b"torn")
    programme.log("decisions").close()
    assert files_below(public) == before


@pytest.mark.parametrize("size", [300, 511, 512, 513])
def test_opening_reads_no_entry_before_the_last_full_bundle(
    programme: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """What was durable when a checkpoint was published is not hashed again: opening does not grow with the log."""
    log = programme.log("decisions")
    fill(log, programme, size)
    log.close()
    reads: list[int] = []
    read = SqliteStore.read
    monkeypatch.setattr(
        SqliteStore, "read", lambda store, start, stop: (reads.append(start), read(store, start, stop))[1]
    )
    log = programme.log("decisions")
    fill(log, programme, 300)
    log.close()
    assert min(reads) == size // 256 * 256
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).problems == ()


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/001", "tile/0/001"])
@pytest.mark.parametrize("size", [512, 600])
def test_a_missing_old_tile_is_made_again(programme: Any, files_below: FilesBelow, path: str, size: int) -> None:
    """Whatever `verify` finds damaged is put right by removing it and opening the log."""
    log = programme.log("decisions")
    fill(log, programme, size)
    log.close()
    public = programme.ledger / "decisions"
    before = files_below(public)
    (public / path).unlink()
    programme.log("decisions").close()
    assert files_below(public) == before


@pytest.mark.parametrize("damage", [b"", b"x" * 64, None])
def test_a_right_edge_that_makes_another_root_is_not_gone_on_from(
    programme: Any, files_below: FilesBelow, damage: bytes | None
) -> None:
    """Hashes of a public file count only if they make the root that was signed; else the entries are read."""
    log = programme.log("decisions")
    fill(log, programme, 600)
    log.close()
    public = programme.ledger / "decisions"
    before = files_below(public)
    edge = public / "tile" / "1" / "000.p" / "2"
    edge.write_bytes(edge.read_bytes()[32:] + edge.read_bytes()[:32] if damage is None else damage)
    programme.log("decisions").close()
    assert files_below(public) == before


def test_an_old_entry_that_was_changed_reaches_no_public_file(programme: Any, files_below: FilesBelow) -> None:
    """Nothing is made from it while its tiles stand, and when one must be made again it is a fork."""
    log = programme.log("decisions")
    fill(log, programme, 300)
    log.close()
    public = programme.ledger / "decisions"
    with closing(sqlite3.connect(store_of(programme))) as store, store:
        store.execute("UPDATE entries SET data = CAST(data || ' ' AS BLOB) WHERE position = 1")
    log = programme.log("decisions")
    fill(log, programme, 300)
    log.close()
    assert verify_ledger(public, vkey=log.vkey).problems == ()
    (public / "tile" / "entries" / "000").unlink()
    before = files_below(public)
    with pytest.raises(LedgerForked):
        programme.log("decisions")
    assert files_below(public) == before


@pytest.mark.parametrize("size", [256, 300, 513])
def test_partial_tiles_that_a_crash_left_behind_go_on_opening(
    programme: Any, files_below: FilesBelow, size: int
) -> None:
    """Beside a full tile none stays, wherever opening begins."""
    log = programme.log("decisions")
    fill(log, programme, size)
    log.close()
    public = programme.ledger / "decisions"
    before = files_below(public)
    for row, length in (("0", 32), ("entries", 2)):
        (public / "tile" / row / "000.p").mkdir()
        (public / "tile" / row / "000.p" / "7").write_bytes(bytes(7 * length))
    programme.log("decisions").close()
    assert files_below(public) == before


def test_a_removed_public_folder_is_published_again(programme: Any, files_below: FilesBelow) -> None:
    """The store alone makes all of it again."""
    log = programme.log("decisions")
    fill(log, programme, 300)
    log.close()
    before = files_below(programme.ledger)
    shutil.rmtree(programme.ledger)
    programme.log("decisions").close()
    after = files_below(programme.ledger)
    assert after.items() <= before.items()
    # Narrower partial tiles are for readers of older checkpoints; all else is there again.
    assert {path for path in before if ".p/" not in path} <= set(after)
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).problems == ()


def test_tiles_beyond_the_store_are_refused_though_no_checkpoint_tells(programme: Any) -> None:
    """A tile is written only from durable entries, so a wider one shows that the store lost some."""
    log = programme.log("decisions")
    fill(log, programme, 3)
    log.close()
    tiles = programme.ledger / "decisions" / "tile" / "0" / "000.p"
    (tiles / "4").write_bytes(bytes(128))
    with pytest.raises(StoreBehind):
        programme.log("decisions")


@pytest.mark.parametrize("damage", [b"", b"torn", b"sekisho.example/decisions\n3\n"])
def test_a_damaged_checkpoint_waits_for_a_hand(programme: Any, damage: bytes) -> None:
    """No crash of ours leaves one, so it is not overwritten: it may be the only trace of a larger tree."""
    programme.log("decisions").close()
    checkpoint = programme.ledger / "decisions" / "checkpoint"
    checkpoint.write_bytes(damage)
    with pytest.raises(CheckpointDamaged):
        programme.log("decisions")
    assert checkpoint.read_bytes() == damage


@pytest.mark.parametrize("error", [sqlite3.OperationalError("database or disk is full"), OSError(28, "No space")])
def test_an_append_that_the_disk_refuses_is_not_counted_and_the_log_goes_on(programme: Any, error: Exception) -> None:
    """Before the commit: the future fails with a code, no index is used up, and no restart is needed."""
    fault = Fault(Step.SEQUENCE_WRITTEN, error)
    log = programme.log("decisions", at_step=fault)
    failed = [log.append(programme.snapshot(), key="a"), log.append(programme.snapshot())]
    for future in failed:
        with pytest.raises(LedgerUnavailable):
            future.result()
    assert log.head().size == 0
    fault.is_armed = False
    assert log.append(programme.snapshot(), key="a").result() == 0
    log.close()
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).is_verified


def test_an_append_that_failed_after_it_was_durable_is_found_under_its_key(programme: Any) -> None:
    """After a commit whose outcome is unknown the log looks again: nothing is written twice, nothing moves."""
    fault = Fault(Step.SEQUENCE_DURABLE, OSError(5, "Input/output error"))
    log = programme.log("decisions", at_step=fault)
    with pytest.raises(LedgerUnavailable):
        log.append(programme.snapshot(), key="a").result()
    fault.is_armed = False
    assert log.append(programme.snapshot(), key="b").result() == 1
    assert log.append(programme.snapshot(), key="a").result() == 0
    log.close()
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).logs[0].size == 2


@pytest.mark.parametrize(
    "step", [Step.TILE_STAGED, Step.TILE_PLACED, Step.HEAD_PERSISTED, Step.CHECKPOINT_STAGED, Step.CHECKPOINT_PUBLISHED]
)
def test_a_publication_that_the_disk_refuses_is_told_and_tried_again(programme: Any, step: Step) -> None:
    """Entries stay acknowledged; `trouble` tells readiness checks; the next publication puts all of it right."""
    fault = Fault(step, OSError(30, "Read-only file system"))
    fault.is_armed = False
    log = programme.log("decisions", at_step=fault)
    fault.is_armed = True
    fill(log, programme, 300)
    with pytest.raises(LedgerUnavailable):
        log.publish()
    assert isinstance(log.trouble, LedgerUnavailable)
    fill(log, programme, 300)
    fault.is_armed = False
    assert log.publish().size == 600
    assert log.trouble is None
    log.close()
    assert fault.seen > 0
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).problems == ()


def test_a_full_disk_refuses_and_room_on_it_is_enough_to_go_on(programme: Any) -> None:
    """A real refusal of the operating system: no file may grow, then it may again."""
    log = programme.log("decisions")
    fill(log, programme, 200)
    log.publish()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Less than lies in the write-ahead log by now: it keeps room, but nothing may be written there.
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        futures = [log.append(programme.snapshot(version)) for version in range(2000)]
        outcomes = [future.exception() for future in futures]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    refused = [error for error in outcomes if error is not None]
    assert refused
    assert all(isinstance(error, LedgerUnavailable) for error in refused)
    acknowledged = 200 + outcomes.count(None)
    assert log.append(programme.snapshot()).result() >= acknowledged
    log.close()
    assert verify_ledger(programme.ledger / "decisions", vkey=log.vkey).problems == ()


def test_a_fork_found_while_publishing_stops_the_log(programme: Any) -> None:
    """If the store remembers a larger signed head than the tree has, nothing is signed and nothing more is taken."""
    log = programme.log("decisions")
    fill(log, programme, 1)
    log.publish()
    with closing(sqlite3.connect(store_of(programme))) as store, store:
        store.execute("UPDATE head SET size = 50")
    log.append(programme.snapshot()).result()
    with pytest.raises(StoreBehind):
        log.publish()
    with pytest.raises(StoreBehind):
        log.append(programme.snapshot()).result()
    with pytest.raises(SekishoError):
        log.close()


@pytest.mark.parametrize("kind", ["pipe", "link"])
@pytest.mark.parametrize("path", ["vkey", "tile/entries/000.p/5", "checkpoint"])
def test_what_is_planted_in_the_public_folder_stops_no_start(programme: Any, path: str, kind: str) -> None:
    """A pipe is not waited for and a link not followed: a tile is put right, a checkpoint needs a person."""
    log = programme.log("decisions")
    fill(log, programme, 5)
    log.close()
    planted = programme.ledger / "decisions" / path
    was = planted.read_bytes()
    planted.unlink()
    if kind == "pipe":
        os.mkfifo(planted)
    else:
        (programme.data / "elsewhere").write_bytes(was)
        planted.symlink_to(programme.data / "elsewhere")
    if path == "checkpoint":
        with pytest.raises(CheckpointDamaged):
            programme.log("decisions")
        return
    programme.log("decisions").close()
    assert not planted.is_symlink()
    assert planted.read_bytes() == was
