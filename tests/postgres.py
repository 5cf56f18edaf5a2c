"""A throw-away PostgreSQL cluster on a unix socket, for tests alone: made, started, crashed and removed at will.

PostgreSQL refuses to run as root: a test run by root gives the cluster to the system's user `postgres`, in a folder of
its own, since pytest's folders are closed to others.
"""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from sekisho.ledger.postgres_address import PostgresAddress

_OWNER = "postgres"
_ROLE = "ledger"
_SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "60",
    "shared_buffers": "32MB",
    # One call instead of a flush of each of a thousand files, whenever a test has crashed the server.
    "recovery_init_sync_method": "syncfs",
}


def find_binaries() -> Path | None:
    """Return the folder with initdb and pg_ctl: on the path, or the newest of Debian's; None where there is none."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    # Debian keeps servers side by side, by major version, off the path.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def why_absent() -> str | None:
    """Return why no cluster can be made here, or None if one can."""
    if find_binaries() is None:
        return "PostgreSQL is absent: apt-get install postgresql"
    if os.geteuid() == 0 and not _owner_exists():
        return f"PostgreSQL refuses root, and there is no user {_OWNER}"
    return None


class Cluster:
    """One server with its data below `folder`. Databases are numbered, one a test."""

    def __init__(self) -> None:
        binaries = find_binaries()
        assert binaries is not None
        self._binaries = binaries
        # Short: the path of a unix socket has room for 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._data = self.folder / "data"
        self._names = (f"log{number}" for number in itertools.count())
        self._as_owner: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_OWNER)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        self._run("initdb", "--auth=trust", f"--username={_ROLE}", "--encoding=UTF8", "--locale=C", "--no-sync")
        lines = [f"{name} = {value}" for name, value in _SETTINGS.items()]
        lines.append(f"unix_socket_directories = '{self.folder}'")
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        # The server outlives pg_ctl: it must not hold the pipe that pg_ctl's output goes to.
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self.folder / 'log'}")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; mode `immediate` is a crash that the next start recovers from."""
        self._run("pg_ctl", "stop", "--wait", "--silent", f"--mode={mode}")

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def make_database(self, template: str = "template0") -> str:
        """Make a database, a copy of `template`, and return its name."""
        name = next(self._names)
        self.run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def replace_database(self, name: str, backup: str) -> None:
        """Put `backup` in the place of the database `name`, as a restore does."""
        self.run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        self.run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(backup)))

    @contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """Set a setting of the running server, then give it its default back."""
        set_it = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
        reset_it = sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name))
        try:
            self._reload(set_it, name)
            yield
        finally:
            self._reload(reset_it, name)

    def address(self, database: str) -> str:
        """Return the address of `database` as an operator writes it."""
        return f"postgresql://{_ROLE}@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection of the test's own, each statement its own transaction."""
        return psycopg.connect(self.address(database), autocommit=True)

    def run(self, statement: sql.Composed | sql.SQL, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _reload(self, change: sql.Composed, name: str) -> None:
        show = sql.SQL("SHOW {}").format(sql.Identifier(name))
        # Not `connect`: with a standby that is not there, a commit of this session's would wait for ever.
        with psycopg.connect(self.address("postgres"), autocommit=True, options="-c synchronous_commit=off") as own:
            before = own.execute(show).fetchone()
            own.execute(change)
            own.execute("SELECT pg_reload_conf()")
        # Each server process takes it at its next statement; a new one shows when the reload has come round.
        deadline = time.monotonic() + 5
        while self.run(show) == [before] and time.monotonic() < deadline:
            time.sleep(0.01)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), f"--pgdata={self._data}", *arguments]
        # Its own group: a test that is interrupted by a signal must not take the server with it half-way.
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, cwd=self.folder, start_new_session=True, **self._as_owner
        )
        assert done.returncode == 0, f"{program} failed: look into {self.folder / 'log'}"


def _owner_exists() -> bool:
    try:
        pwd.getpwnam(_OWNER)
    except KeyError:
        return False
    return True


class PostgresPlace:
    """An empty database for one log, as store_laws.py asks for it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.database = cluster.make_database()
        self._backup = ""

    @property
    def address(self) -> PostgresAddress:
        return PostgresAddress.parse(self.cluster.address(self.database))

    def clear(self) -> None:
        self.cluster.run(sql.SQL("DROP SCHEMA IF EXISTS sekisho_log CASCADE"), self.database)

    def back_up(self) -> None:
        self._backup = self.cluster.make_database(self.database)

    def restore(self) -> None:
        self.cluster.replace_database(self.database, self._backup)

    def tamper(self, statement: str) -> None:
        tables = {"entries": sql.Identifier("sekisho_log", "entries"), "head": sql.Identifier("sekisho_log", "head")}
        self.cluster.run(sql.SQL(statement).format(**tables), self.database)
