"""The control plane's process: `python -m sekisho.server.control --data DIR`. It alone writes its databases."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar, NoReturn

import structlog
import uvicorn
from fastapi import FastAPI

from sekisho.api.app import make_app
from sekisho.api.interfaces import Issuer, Sharing
from sekisho.core import SekishoError
from sekisho.db import Database
from sekisho.db.engine import sqlite_url
from sekisho.disclosure import Text
from sekisho.disclosure.notice import Issuer as NoticeIssuer
from sekisho.disclosure.publisher import DirectoryPublisher
from sekisho.ledger import Log, find_store, open_witnesses
from sekisho.server.gate_link import GateLink
from sekisho.server.logs import configure_logs
from sekisho.server.migrations import migrate
from sekisho.server.office import ControlOffice
from sekisho.server.places import DataDir
from sekisho.server.setup import GATE_SLOT, Settings, read_credential, read_key, read_settings, write_private
from sekisho.server.system import RandomIds, SystemClock
from sekisho.tlog.note import NoteSigner
from sekisho.tokens import public_key_of

# Callers that are being answered when a stop comes get this long.
DRAIN_TIMEOUT_S = 5
_BACKLOG = 1_024

_log = structlog.get_logger("sekisho.control")


class GateAbsent(SekishoError):
    """No gate is running."""

    code: ClassVar[str] = "SKS-SERVER-105"
    hint = "Wait until the gate is up; `sekisho serve` restarts it."


class PortTaken(SekishoError):
    """The control plane's port cannot be listened on."""

    code: ClassVar[str] = "SKS-SERVER-106"
    hint = "Stop what uses the port, or change it in control/settings.json."


def main(argv: list[str] | None = None) -> None:
    """Run the process; an error of ours ends it with its text and its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sekisho.server.control")
    parser.add_argument("--data", type=Path, required=True)
    configure_logs()
    try:
        run(DataDir(parser.parse_args(argv).data))
    except SekishoError as error:
        _fail(error)
    except ExceptionGroup as group:
        # From the tasks that serve: those that fail together fail for one reason.
        ours = group.subgroup(SekishoError)
        if ours is None:
            raise
        _fail(_first(ours))


def _fail(error: SekishoError) -> NoReturn:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)


def _first(group: ExceptionGroup[SekishoError]) -> SekishoError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first


def run(places: DataDir) -> None:
    """Serve the control plane of `places` until SIGTERM; every act that was answered is durable by then."""
    # uvicorn raises the signal again once it has drained; it must not end the process before the log is closed.
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    settings = read_settings(places)
    with _bind(settings) as listener, closing(Database.open(sqlite_url(places.control_db))) as database:
        host, port = listener.getsockname()[:2]
        issuer = f"http://{host}:{port}"
        # (1) Stores, brought to this release's shape.
        migrate(database.engine)
        with _open_log(places, settings) as log:
            # (2) What a crash left undone, then the first snapshot.
            office = _office(places, settings, database, log, issuer)
            office.start()
            # (3) Listen, tell, serve.
            server = _server(_app(places, office, issuer))
            asyncio.run(_serve(server, places, office.link, listener, issuer, stopping))


async def _serve(
    server: uvicorn.Server,
    places: DataDir,
    link: GateLink,
    listener: socket.socket,
    issuer: str,
    stopping: Sequence[int],
) -> None:
    async with asyncio.TaskGroup() as tasks:
        linked = tasks.create_task(link.serve(places.gate_socket.resolve()))
        tasks.create_task(_announce(places, server, listener, issuer, stopping))
        await server.serve(sockets=[listener])
        linked.cancel()


def _server(app: FastAPI) -> uvicorn.Server:
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=DRAIN_TIMEOUT_S, server_header=False
    )
    return uvicorn.Server(config)


def _app(places: DataDir, office: ControlOffice, issuer: str) -> FastAPI:
    return make_app(
        office,
        Issuer(issuer=issuer, key=read_key(places.token_key), audience=lambda: _gate_origin(places)),
        _sharing(places),
        office_credential=read_credential(places.office_token),
    )


async def _announce(
    places: DataDir, server: uvicorn.Server, listener: socket.socket, issuer: str, stopping: Sequence[int]
) -> None:
    # uvicorn has no event for it.
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    # A stop that came before uvicorn listened for it.
    if stopping:
        server.should_exit = True
        return
    host, port = listener.getsockname()[:2]
    run_file = {"pid": os.getpid(), "host": host, "port": port, "issuer": issuer}
    await asyncio.to_thread(write_private, places.control_run, json.dumps(run_file).encode())


def _office(places: DataDir, settings: Settings, database: Database, log: Log, issuer: str) -> ControlOffice:
    return ControlOffice(
        places=places,
        database=database,
        log=log,
        clock=SystemClock(),
        ids=RandomIds(),
        issuer=issuer,
        token_key=public_key_of(read_key(places.token_key).public_key()),
        gate_secrets={GATE_SLOT: read_credential(places.link_token(GATE_SLOT))},
    )


def _sharing(places: DataDir) -> Sharing:
    programme = read_settings(places).programme
    issuer = NoticeIssuer(
        name=Text(en=f"Programme office of {programme}", ja=f"{programme} 事務局"),
        namespace=f"https://{programme}/",
        contact=Text(en=f"The programme office, https://{programme}/", ja=f"プログラム事務局 https://{programme}/"),
    )
    return Sharing(issuer=issuer, publisher=DirectoryPublisher(places.notices))


@contextmanager
def _open_log(places: DataDir, settings: Settings) -> Iterator[Log]:
    public, origin, key = places.ledger / "decisions", f"{settings.programme}/decisions", read_key(places.ledger_key)
    with (
        open_witnesses(places.witness_policy, folder=public, signer=NoteSigner(origin, key)) as witnessing,
        closing(
            Log.open(
                store=find_store(places.decisions_store),
                public=public,
                origin=origin,
                key=key,
                clock=SystemClock(),
                witnessing=witnessing,
            )
        ) as log,
    ):
        yield log


def _gate_origin(places: DataDir) -> str:
    """Return the external origin of the gate: what tokens are for. Raises GateAbsent while none is running."""
    try:
        return str(json.loads(places.gate_run(GATE_SLOT).read_bytes())["origin"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GateAbsent("no gate is running that a token could be for") from error


def _bind(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.control_host, settings.control_port))
        # Now, not when uvicorn gets it: two processes can be bound to a port, and one can listen.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(f"cannot listen on {settings.control_host}:{settings.control_port}") from error
    return listener


if __name__ == "__main__":
    main()
