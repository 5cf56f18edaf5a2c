"""What only a real server can do to a log: forget, hang, change its settings, answer late or not at all."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from sekisho.ledger import LedgerForked, LedgerUnavailable, StoreBehind, StoreDamaged
from sekisho.ledger.errors import HeadMoved, UnsafeServer
from sekisho.ledger.postgres_address import PostgresAddress
from sekisho.ledger.postgres_session import IDLE_IN_TRANSACTION_TIMEOUT_MS, LOCK_TIMEOUT_MS
from sekisho.ledger.postgres_store import PostgresStore
from sekisho.ledger.store import Head, SequencingStore
from store_laws import AT, ORIGIN, VKEY, append, content, open_at, pass_by, row

if TYPE_CHECKING:
    from postgres import Cluster, PostgresPlace

pytestmark = pytest.mark.judge

HEAD = Head(size=1, root=b"r" * 32)


@pytest.fixture
def store(place: "PostgresPlace") -> Iterator[SequencingStore]:
    """An empty store."""
    with closing(open_at(place)) as opened:
        yield opened


def end_sessions(place: "PostgresPlace") -> None:
    """Let the server end every session with the log's database."""
    place.cluster.run(
        sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
            sql.Literal(place.database)
        )
    )


def test_a_server_without_fsync_is_refused(place: "PostgresPlace") -> None:
    """Before a table is made: what it acknowledges does not outlive a power cut."""
    with place.cluster.setting("fsync", "off"), pytest.raises(UnsafeServer) as refused:
        open_at(place)
    assert "fsync" in refused.value.hint
    with closing(open_at(place)) as opened:
        assert opened.size() == 0


def test_fsync_that_is_turned_off_under_a_running_log_stops_it(place: "PostgresPlace", store: SequencingStore) -> None:
    """Neither an entry nor a head is taken, and both are again once it is on."""
    append(store, row(b"a"))
    store.persist_head(HEAD, last=None, at=AT, after_commit=pass_by)
    with place.cluster.setting("fsync", "off"):
        with pytest.raises(UnsafeServer):
            append(store, row(b"b"))
        with pytest.raises(UnsafeServer):
            store.persist_head(HEAD, last=HEAD, at=AT, after_commit=pass_by)
    store.reopen()
    assert content(store) == [b"a"]
    assert append(store, row(b"c"), known_size=1) == (1,)


@pytest.mark.parametrize("value", ["off", "local", "remote_write"])
def test_no_default_weakens_the_commit(place: "PostgresPlace", value: str) -> None:
    """The database's own default gives way to what the session asks for, or the store would not open."""
    place.cluster.run(
        sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(
            sql.Identifier(place.database), sql.Literal(value)
        )
    )
    with closing(open_at(place)) as opened:
        assert append(opened, row(b"a")) == (0,)
        assert opened._writer.execute("SHOW synchronous_commit").fetchone() == ("on",)  # type: ignore[attr-defined]


def test_a_server_lost_before_the_commit_takes_the_batch_with_it(
    place: "PostgresPlace", store: SequencingStore
) -> None:
    """A crash of the whole server in the middle of a transaction, and its own recovery."""
    append(store, row(b"a"))

    def crash() -> None:
        place.cluster.stop("immediate")

    with pytest.raises(LedgerUnavailable):
        store.append([row(b"b", "k")], known_size=1, before_commit=crash)
    with pytest.raises(LedgerUnavailable) as refused:
        store.reopen()
    assert "database server" in refused.value.hint
    place.cluster.start()
    store.reopen()
    assert content(store) == [b"a"]
    assert append(store, row(b"b", "k"), known_size=1) == (1,)


class Wire:
    """A unix socket in front of the server that loses the server's answers from the moment that it is cut."""

    def __init__(self, folder: Path, server: Path) -> None:
        self._is_cut = False
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """From now on requests still arrive, and no answer comes back: the next one ends the connection."""
        self._is_cut = True

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        # Closing alone would not wake the thread that accepts.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server / ".s.PGSQL.5432"))
            for arguments in ((client, server, False), (server, client, True)):
                self._threads.append(threading.Thread(target=self._carry, args=arguments, daemon=True))
                self._threads[-1].start()

    def _carry(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with source, suppress(OSError):
            while data := source.recv(65_536):
                if is_answer and self._is_cut:
                    break
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(place: "PostgresPlace", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A wire to the server that can be cut."""
    wire = Wire(tmp_path_factory.mktemp("w"), place.cluster.folder)
    yield wire
    wire.close()


def over(wire: Wire, place: "PostgresPlace") -> PostgresStore:
    folder = Path(wire._listener.getsockname()).parent
    address = PostgresAddress.parse(f"postgresql://ledger@/{place.database}?host={folder}")
    return PostgresStore.open(address, origin=ORIGIN, vkey=VKEY)


def test_a_commit_whose_answer_was_lost_is_found(wire: Wire, place: "PostgresPlace") -> None:
    """It happened, nobody was told: looking again shows it, and its key has its index."""
    with closing(over(wire, place)) as store:
        append(store, row(b"a"))
        with pytest.raises(LedgerUnavailable):
            store.append([row(b"b", "k")], known_size=1, before_commit=wire.cut)
        wire.mend()
        store.reopen()
        assert content(store) == [b"a", b"b"]
        assert append(store, row(b"c", "k"), row(b"d"), known_size=2) == (1, 2)


def test_a_commit_that_is_still_on_its_way_is_waited_for(wire: Wire, place: "PostgresPlace") -> None:
    """A server that lost its client commits all the same: until then nobody may say that the entry is not there."""
    with closing(over(wire, place)) as store:
        with place.cluster.setting("synchronous_standby_names", "ghost"):
            writer = threading.Thread(target=fail_to_append, args=(store, row(b"a", "k")))
            writer.start()
            wait_for(place, "SyncRep")
            # What a network does that loses a machine: the server waits for its standby, the client is told nothing.
            store._writer.close()
            writer.join()
            again = threading.Thread(target=store.reopen)
            again.start()
            again.join(0.5)
            assert again.is_alive()
        again.join()
        assert append(store, row(b"b", "k"), known_size=1) == (0,)
        assert content(store) == [b"a"]


def fail_to_append(store: PostgresStore, one: object) -> None:
    with pytest.raises(LedgerUnavailable):
        store.append([one], known_size=0, before_commit=pass_by)  # type: ignore[list-item]


def wait_for(place: "PostgresPlace", event: str) -> None:
    """Wait until a session with the log's database waits for `event`."""
    asked = sql.SQL("SELECT count(*) FROM pg_stat_activity WHERE datname = {} AND wait_event = {}").format(
        sql.Literal(place.database), sql.Literal(event)
    )
    deadline = time.monotonic() + 10
    while place.cluster.run(asked) == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_commit_that_did_not_wait_for_its_standby_answers_nobody(
    place: "PostgresPlace", store: PostgresStore
) -> None:
    """The server says COMMIT with a warning when somebody ends the wait: here, and perhaps nowhere else."""
    with place.cluster.setting("synchronous_standby_names", "ghost"):
        writer = threading.Thread(target=fail_to_append, args=(store, row(b"a", "k")))
        writer.start()
        wait_for(place, "SyncRep")
        place.cluster.run(sql.SQL("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
        writer.join()
    store.reopen()
    assert append(store, row(b"a", "k")) == (0,)


def test_a_transaction_that_had_failed_is_not_taken_for_committed(store: PostgresStore) -> None:
    """PostgreSQL answers such a COMMIT with ROLLBACK and without an error."""

    def spoil() -> None:
        with pytest.raises(psycopg.Error):
            store._writer.execute("SELECT 1 / 0")

    with pytest.raises(LedgerUnavailable):
        store.append([row(b"a")], known_size=0, before_commit=spoil)
    store.reopen()
    assert store.size() == 0


def test_a_writer_that_stands_still_holds_the_others_up_for_a_bounded_time(
    place: "PostgresPlace", store: SequencingStore
) -> None:
    """The server ends its transaction before the others give up."""
    assert IDLE_IN_TRANSACTION_TIMEOUT_MS < LOCK_TIMEOUT_MS
    is_inside, was_answered = threading.Event(), threading.Event()

    def stand_still() -> None:
        is_inside.set()
        was_answered.wait(30)

    with closing(open_at(place)) as frozen:

        def freeze() -> None:
            with pytest.raises(LedgerUnavailable):
                frozen.append([row(b"lost")], known_size=0, before_commit=stand_still)

        writer = threading.Thread(target=freeze)
        writer.start()
        assert is_inside.wait(10)
        assert append(store, row(b"a")) == (0,)
        was_answered.set()
        writer.join()
        frozen.reopen()
        assert content(frozen) == [b"a"]


@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_server_that_forgot_what_it_acknowledged_is_refused(place: "PostgresPlace", others: int) -> None:
    """A standby took over that had not received the newest entries; others wrote in their place meanwhile, or not."""
    with closing(open_at(place)) as store:
        append(store, row(b"a"))
    place.back_up()
    with closing(open_at(place)) as store:
        assert append(store, row(b"b"), row(b"c"), known_size=1) == (1, 2)
        place.restore()
        with closing(open_at(place)) as other:
            for number in range(others):
                append(other, row(b"other %d" % number))
        with pytest.raises(LedgerUnavailable):
            append(store, row(b"d"), known_size=3)
        with pytest.raises(StoreBehind if others < 2 else LedgerForked):
            store.reopen()


def test_the_office_goes_with_its_session(place: "PostgresPlace", store: SequencingStore) -> None:
    """Who lost the session is not the publisher any more, cannot persist a head by mistake, and may stand again."""
    append(store, row(b"a"))
    with closing(open_at(place)) as other:
        assert (store.try_become_publisher(), other.try_become_publisher()) == (True, False)
        end_sessions(place)
        with pytest.raises(LedgerUnavailable):
            other.try_become_publisher()
        assert other.try_become_publisher()
        with pytest.raises(LedgerUnavailable):
            store.persist_head(HEAD, last=None, at=AT, after_commit=pass_by)
        assert not store.try_become_publisher()
        other.persist_head(HEAD, last=None, at=AT, after_commit=pass_by)
        with pytest.raises(HeadMoved):
            store.persist_head(HEAD, last=None, at=AT, after_commit=pass_by)


def test_readers_find_the_server_again(place: "PostgresPlace", store: SequencingStore) -> None:
    """One failure tells of all the sessions that were lost; the next read connects anew."""
    append(store, row(b"a", private=b"s"))
    assert content(store) == [b"a"]
    end_sessions(place)
    with pytest.raises(LedgerUnavailable):
        store.size()
    assert (content(store), store.private(0)) == ([b"a"], b"s")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE {entries} SET UNLOGGED",
        "DROP TABLE {entries}",
        "UPDATE sekisho_log.log SET version = 2",
        "DELETE FROM sekisho_log.log",
    ],
)
def test_tables_that_are_not_as_they_were_made_are_damage(place: "PostgresPlace", statement: str) -> None:
    """Such as one that the server would empty after its next crash."""
    open_at(place).close()
    place.tamper(statement)
    with pytest.raises(StoreDamaged):
        open_at(place)


def test_a_counter_that_does_not_fit_its_entries_is_refused(place: "PostgresPlace", store: SequencingStore) -> None:
    """Neither entries without a count nor a count without entries."""
    append(store, row(b"a"), row(b"b"))
    place.tamper("UPDATE sekisho_log.log SET size = 1")
    with pytest.raises(StoreDamaged):
        store.size()
    place.tamper("UPDATE sekisho_log.log SET size = 3")
    with pytest.raises(StoreBehind):
        store.size()


@pytest.mark.parametrize("key", ["'; DROP SCHEMA sekisho_log CASCADE; --", "%s", "\\", "\0", "鍵" * 200, ""])
def test_keys_are_values_and_never_sql(store: SequencingStore, key: str) -> None:
    """Whatever is in a key, it is that key."""
    assert append(store, row(b"a", key), row(b"b", key + "x"), row(b"c", key)) == (0, 1, 0)
    assert (store.find(key), store.size()) == (0, 2)


def test_no_message_holds_the_password(cluster: "Cluster") -> None:
    """Neither of an address that is wrong nor of a server that does not answer."""
    address = PostgresAddress.parse("postgresql://ledger:hunter2@127.0.0.1:1/log")
    with pytest.raises(LedgerUnavailable) as refused:
        PostgresStore.open(address, origin=ORIGIN, vkey=VKEY)
    told = f"{refused.value} {refused.value.__cause__} {address} {address!r}"
    assert "hunter2" not in told
    assert "127.0.0.1" in told


def test_a_destroyed_salt_is_in_no_row_old_or_new(place: "PostgresPlace", store: SequencingStore) -> None:
    """An update keeps the older row until it is tidied away: afterwards the table has one row an entry."""
    append(store, *(row(b"%d" % number, private=b"salt %d" % number) for number in range(50)))
    store.destroy_private([3, 4])
    place.cluster.run(sql.SQL("CREATE EXTENSION pageinspect"), place.database)
    tuples = place.cluster.run(
        sql.SQL("SELECT t_data FROM heap_page_items(get_raw_page('sekisho_log.entries', 0)) WHERE t_data IS NOT NULL"),
        place.database,
    )
    assert len(tuples) == 50
    present = {number for number in range(50) if any(data.endswith(b"salt %d" % number) for (data,) in tuples)}
    assert present == set(range(50)) - {3, 4}
