"""The laws of a sequencing store, one suite for every store. Imported by the tests that bring a `place` to keep one in.

A `place` is where one log's store lies; each test gets an empty one. tests/unit/ledger/test_store.py holds SQLite
against them, tests/judges/postgres/test_store.py PostgreSQL.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.core import SteadyClock
from sekisho.ledger import (
    Entry,
    EntryKind,
    LedgerForked,
    LedgerUnavailable,
    Log,
    LogLocked,
    StoreBehind,
    StoreDamaged,
    WrongLog,
    verify_ledger,
)
from sekisho.ledger.errors import HeadMoved
from sekisho.ledger.files import PublicFolder
from sekisho.ledger.publisher import Publisher
from sekisho.ledger.steps import Step
from sekisho.ledger.store import Head, Row, SequencingStore
from sekisho.ledger.store_address import StoreAddress, open_store
from sekisho.ledger.witnessing import NoWitnesses
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.note import NoteSigner

ORIGIN, VKEY = "sekisho.example/decisions", "vkey"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


class Place(Protocol):
    """Where a store lies, and the hand that reaches into it behind its back."""

    @property
    def address(self) -> StoreAddress: ...
    def clear(self) -> None:
        """Make it an empty place again. No store may be open."""

    def back_up(self) -> None:
        """Keep a copy of what lies there. No store may be open."""

    def restore(self) -> None:
        """Put the copy back. No store may be open."""

    def tamper(self, statement: str) -> None:
        """Run a statement with `{entries}` and `{head}` for the tables' names."""


@pytest.fixture
def store(place: Place) -> Iterator[SequencingStore]:
    """An empty store."""
    with closing(open_at(place)) as opened:
        yield opened


def open_at(place: Place, *, origin: str = ORIGIN, vkey: str = VKEY) -> SequencingStore:
    return open_store(place.address, origin=origin, vkey=vkey)


def pass_by() -> None:
    """Do nothing before the commit."""


def row(data: bytes, key: str | None = None, private: bytes | None = None) -> Row:
    return Row(data=data, key=key, private=private)


def append(store: SequencingStore, *rows: Row, known_size: int = 0) -> tuple[int, ...]:
    return store.append(rows, known_size=known_size, before_commit=pass_by).indexes


def content(store: SequencingStore) -> list[bytes]:
    return list(store.read(0, store.size()))


def test_entries_stand_where_the_store_says_in_the_order_of_the_batch(store: SequencingStore) -> None:
    """Indexes begin at 0 and have no holes; every byte comes back, also over the pages of a read."""
    data = [bytes([number % 256]) * (number % 7) for number in range(600)]
    appended = store.append([row(entry) for entry in data], known_size=0, before_commit=pass_by)
    assert (appended.start, appended.indexes) == (0, tuple(range(600)))
    appended = store.append([row(b"\0last\xff")], known_size=600, before_commit=pass_by)
    assert (appended.start, appended.indexes) == (600, (600,))
    assert store.size() == 601
    assert content(store) == [*data, b"\0last\xff"]
    assert list(store.read(255, 257)) == data[255:257]
    assert list(store.read(5, 5)) == []


def test_a_key_has_one_entry(place: Place) -> None:
    """Within a batch, in later ones and after opening again: the first entry's index, and nothing is written."""
    with closing(open_at(place)) as store:
        assert append(store, row(b"a", "k"), row(b"b"), row(b"c", "k"), row(b"d", "鍵")) == (0, 1, 0, 2)
        assert append(store, row(b"e", "鍵"), row(b"f", "K"), row(b"g", "k")) == (2, 3, 0)
    with closing(open_at(place)) as again:
        appended = again.append([row(b"h", "k")], known_size=4, before_commit=pass_by)
        assert (appended.start, appended.indexes) == (4, (0,))
        assert content(again) == [b"a", b"b", b"d", b"f"]
        assert [again.find(key) for key in ("k", "鍵", "K", "x")] == [0, 2, 3, None]


def test_what_is_private_is_kept_with_its_entry_until_it_is_destroyed(store: SequencingStore) -> None:
    """Destroying takes nothing else, and may be done again."""
    append(store, row(b"a", private=b"\0salt"), row(b"b"), row(b"c", "k", b""), row(b"d", private=b"other"))
    assert [store.private(index) for index in range(5)] == [b"\0salt", None, b"", b"other", None]
    for _ in range(2):
        store.destroy_private([0, 2])
        assert [store.private(index) for index in range(4)] == [None, None, None, b"other"]
    assert (content(store), store.find("k")) == ([b"a", b"b", b"c", b"d"], 2)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), StoreBehind("stop")])
def test_what_is_raised_before_the_commit_takes_the_batch_back(store: SequencingStore, error: Exception) -> None:
    """No entry stays, no index is used up, no key is taken."""
    append(store, row(b"a"))

    def fail() -> None:
        raise error

    with pytest.raises(type(error) if isinstance(error, StoreBehind) else LedgerUnavailable):
        store.append([row(b"b", "k"), row(b"c")], known_size=1, before_commit=fail)
    store.reopen()
    assert store.size() == 1
    assert append(store, row(b"d"), row(b"e", "k")) == (1, 2)
    assert content(store) == [b"a", b"d", b"e"]


def test_a_store_that_holds_less_than_was_known_takes_nothing(store: SequencingStore) -> None:
    """Entries were lost: going on would give their indexes to others."""
    append(store, row(b"a"))
    with pytest.raises(StoreBehind):
        append(store, row(b"b"), known_size=2)
    store.reopen()
    assert content(store) == [b"a"]


def test_many_threads_get_each_index_once(store: SequencingStore) -> None:
    """Appends, reads and heads from any thread."""

    def write(number: int) -> tuple[int, bytes]:
        data = b"%d" % number
        (index,) = append(store, row(data, f"key-{number}"))
        assert next(store.read(index, index + 1)) == data
        return index, data

    with ThreadPoolExecutor(8) as pool:
        placed = dict(pool.map(write, range(80)))
    assert content(store) == [placed[index] for index in range(80)]


def test_a_head_takes_the_place_of_the_one_that_its_maker_knows(store: SequencingStore) -> None:
    """Compare-and-set: a stale maker is told, a smaller size and another root at a size are refused, for good."""
    hook_calls = []

    def persist(head: Head, last: Head | None) -> None:
        store.persist_head(head, last=last, at=AT, after_commit=lambda: hook_calls.append(head))

    append(store, *(row(b"%d" % number) for number in range(9)))
    five, other, nine = (Head(size=size, root=root * 32) for size, root in ((5, b"r"), (5, b"s"), (9, b"t")))
    assert store.head() is None
    with pytest.raises(HeadMoved):
        persist(nine, five)
    persist(five, None)
    persist(five, five)
    for head, last, refusal in (
        (nine, None, HeadMoved),
        (nine, other, HeadMoved),
        (other, five, LedgerForked),
        (Head(size=4, root=b"r" * 32), five, StoreBehind),
    ):
        with pytest.raises(refusal):
            persist(head, last)
        assert store.head() == five
    persist(nine, five)
    assert hook_calls == [five, five, nine]


def test_a_head_is_there_when_the_store_is_opened_again(place: Place) -> None:
    """So that the next process cannot sign what contradicts it."""
    head = Head(size=1, root=b"r" * 32)
    with closing(open_at(place)) as store:
        append(store, row(b"a"))
        store.persist_head(head, last=None, at=AT, after_commit=pass_by)
    with closing(open_at(place)) as again:
        assert again.head() == head


def test_the_publisher_stays_it_until_it_resigns(store: SequencingStore) -> None:
    """Asking again changes nothing, and resigning twice is harmless."""
    assert [store.try_become_publisher() for _ in range(3)] == [True] * 3
    store.resign()
    store.resign()
    assert store.try_become_publisher()


def test_a_second_store_is_refused_or_takes_part(store: SequencingStore, place: Place) -> None:
    """A store that is not shared is locked; in one that is, both write one log, and one of them publishes."""
    if not store.is_shared:
        with pytest.raises(LogLocked):
            open_at(place)
        return
    with closing(open_at(place)) as second:
        assert append(store, row(b"a")) + append(second, row(b"b")) + append(store, row(b"c")) == (0, 1, 2)
        assert content(store) == content(second) == [b"a", b"b", b"c"]
        assert (store.try_become_publisher(), second.try_become_publisher()) == (True, False)
        second.resign()
        assert not second.try_become_publisher()
        store.resign()
        assert _becomes_publisher(second)
        assert not store.try_become_publisher()


def _becomes_publisher(store: SequencingStore) -> bool:
    """A server may take a moment to notice that the session before has ended."""
    end = time.monotonic() + 10
    while not store.try_become_publisher():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize(("origin", "vkey"), [("other.example/decisions", VKEY), (ORIGIN, "other"), ("", "")])
def test_another_log_or_another_key_is_refused(place: Place, origin: str, vkey: str) -> None:
    """A store belongs to one log for good, and refusing changes nothing in it."""
    with closing(open_at(place)) as store:
        append(store, row(b"a"))
    with pytest.raises(WrongLog):
        open_at(place, origin=origin, vkey=vkey)
    with closing(open_at(place)) as again:
        assert content(again) == [b"a"]


def test_a_missing_entry_is_damage(store: SequencingStore, place: Place) -> None:
    """A hole is never read over."""
    append(store, *(row(b"%d" % number) for number in range(5)))
    place.tamper("DELETE FROM {entries} WHERE position = 2")
    with pytest.raises(StoreDamaged):
        list(store.read(0, 5))
    assert list(store.read(3, 5)) == [b"3", b"4"]


# Either some rows for one of two stores, or the end of both: `fails` takes the batch back.
BATCHES = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.lists(st.tuples(st.binary(max_size=8), st.none() | st.sampled_from("abc")), min_size=1, max_size=4),
        st.sampled_from(["", "fails", "reopens"]),
    ),
    max_size=12,
)


def test_any_batches_of_any_writers_make_the_log_that_one_list_makes(place: Place) -> None:
    """Whoever writes and whatever fails, the store is a list with a dictionary of keys beside it."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(batches=BATCHES)
    def check(batches: list[tuple[int, list[tuple[bytes, str | None]], str]]) -> None:
        place.clear()
        stores = [open_at(place)]
        stores.append(open_at(place) if stores[0].is_shared else stores[0])
        model: list[bytes] = []
        keys: dict[str, int] = {}
        for writer, rows, fate in batches:
            store, start = stores[writer], len(model)
            if fate == "fails":
                with pytest.raises(LedgerUnavailable):
                    store.append([row(*one) for one in rows], known_size=start, before_commit=raise_disk_full)
                store.reopen()
                continue
            if fate == "reopens":
                store.reopen()
            expected = []
            for data, key in rows:
                index = len(model) if key is None else keys.setdefault(key, len(model))
                if index == len(model):
                    model.append(data)
                expected.append(index)
            appended = store.append([row(*one) for one in rows], known_size=start, before_commit=pass_by)
            assert (appended.start, appended.indexes) == (start, tuple(expected))
        for store in stores:
            assert (store.size(), content(store)) == (len(model), model)
        for store in set(stores):
            store.close()

    check()


def raise_disk_full() -> None:
    raise OSError(28, "No space left on device")


def open_log(place: Place, folder: Path, **further: Any) -> Log:
    """Open a whole log over the store, its public files below `folder`."""
    return Log.open(
        store=place.address,
        public=folder / "public",
        origin=ORIGIN,
        key=KEY,
        clock=SteadyClock(AT),
        **further,
    )


def entry(number: int) -> Entry:
    body = {"version": number, "snapshot_sha256": "0" * 64}
    return Entry(kind=EntryKind.SNAPSHOT_PUBLISHED, at=AT, id=f"ent_{number:026d}", body=body)


def fill(log: Log, start: int, stop: int) -> None:
    for number, future in [(number, log.append(entry(number))) for number in range(start, stop)]:
        assert future.result() == number


def test_a_log_over_the_store_verifies_and_opens_again(place: Place, tmp_path: Path) -> None:
    """Sequence, integrate, publish, over a tile's boundary; what was published follows from the store alone."""
    log = open_log(place, tmp_path)
    fill(log, 0, 300)
    log.close()
    report = verify_ledger(tmp_path / "public", vkey=log.vkey)
    assert (report.problems, report.logs[0].size) == ((), 300)
    log = open_log(place, tmp_path)
    assert [found.id for _, found in log.entries()] == [entry(number).id for number in range(300)]
    fill(log, 300, 301)
    log.close()
    assert verify_ledger(tmp_path / "public", vkey=log.vkey).problems == ()


def test_a_checkpoint_has_size_and_root_of_one_tree(store: SequencingStore, tmp_path: Path) -> None:
    """Also when a publication failed after its tiles were made, and the next one asks for less."""
    trouble = [OSError(30, "Read-only file system")]

    def fail_once(step: Step) -> None:
        if step is Step.TILE_PLACED and trouble and store.size():
            raise trouble.pop()

    publisher = Publisher(
        store=store,
        folder=PublicFolder(tmp_path / "public", fail_once),
        signer=NoteSigner(ORIGIN, KEY),
        clock=SteadyClock(AT),
        witnessing=NoWitnesses(),
        at_step=fail_once,
    )
    publisher.recover()
    frontier = Frontier()
    for number in range(5):
        append(store, row(b"%d" % number))
        frontier.append(hash_leaf(b"%d" % number))
    with pytest.raises(LedgerUnavailable):
        publisher.publish(5)
    checkpoint = publisher.publish(3)
    publisher.close()
    assert checkpoint is not None
    assert (checkpoint.size, checkpoint.root) == (5, frontier.root())


def test_a_store_restored_from_an_old_backup_is_refused(place: Place, tmp_path: Path) -> None:
    """What was published is larger: a smaller tree is never signed again."""
    log = open_log(place, tmp_path)
    fill(log, 0, 3)
    log.close()
    place.back_up()
    log = open_log(place, tmp_path)
    fill(log, 3, 6)
    log.close()
    checkpoint = (tmp_path / "public" / "checkpoint").read_bytes()
    place.restore()
    with pytest.raises(StoreBehind):
        open_log(place, tmp_path)
    assert (tmp_path / "public" / "checkpoint").read_bytes() == checkpoint


def test_newest_entries_that_were_removed_are_missed_without_any_public_file(place: Place, tmp_path: Path) -> None:
    """The store remembers what it allowed to be signed."""
    log = open_log(place, tmp_path)
    fill(log, 0, 3)
    log.close()
    place.tamper("DELETE FROM {entries} WHERE position = 2")
    with pytest.raises(StoreBehind):
        open_log(place, tmp_path / "elsewhere")


def test_a_changed_entry_is_a_fork(place: Place, tmp_path: Path) -> None:
    """Another root at a signed size is never signed."""
    log = open_log(place, tmp_path)
    fill(log, 0, 3)
    log.close()
    place.tamper("UPDATE {entries} SET data = (SELECT data FROM {entries} WHERE position = 2) WHERE position = 1")
    with pytest.raises(LedgerForked):
        open_log(place, tmp_path / "elsewhere")
