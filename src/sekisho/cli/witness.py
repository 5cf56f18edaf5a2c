"""`sekisho witness`: a witness of transparency logs, run by somebody who does not run the log."""

import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.core import SekishoError, format_utc
from sekisho.ledger.witness.evidence import EvidenceFolder
from sekisho.ledger.witness.head_record import HeadRecord
from sekisho.ledger.witness.keys import Algorithm, WitnessDir, make_key, read_signers
from sekisho.ledger.witness.known_logs import add_log as add_known_log
from sekisho.ledger.witness.known_logs import read_logs
from sekisho.ledger.witness.service import WitnessService
from sekisho.server.system import SystemClock

EXIT_FORK = 1

app = typer.Typer(help="A witness: cosigns the checkpoints of others' logs.", no_args_is_help=True)

WitnessData = Annotated[Path, typer.Option("--data", help="The witness's own data directory.")]


class ListenRefused(SekishoError):
    """The text is not HOST:PORT."""

    code: ClassVar[str] = "SKS-CLI-016"
    hint = "Give an address such as 127.0.0.1:8450 or [::1]:8450."


@app.callback()
def witness() -> None:
    """A witness: cosigns the checkpoints of others' logs."""


@app.command()
def keygen(
    data: WitnessData,
    name: Annotated[str, typer.Option(help="The witness's name in policies, such as witness.example/w1.")],
    algorithm: Annotated[Algorithm, typer.Option(help="Once for each kind of key.")] = Algorithm.ED25519,
    as_json: AsJson = False,
) -> None:
    """Make a witness's key and its record, and print its verifier key for policies."""
    verifier = make_key(WitnessDir(data), name, algorithm).verifier
    if as_json:
        show({"name": verifier.name, "algorithm": algorithm.value, "vkey": verifier.vkey}, as_json=True)
        return
    print(verifier.vkey)
    print(f"made the {algorithm.value} key of {name} in {data}", file=sys.stderr)


@app.command("add-log")
def add_log(
    data: WitnessData,
    vkey: Annotated[str, typer.Argument(help="The log's verifier key: the charter names it, and the file vkey.")],
) -> None:
    """Let the witness cosign a log. A running witness takes it up when it is started again."""
    is_new = add_known_log(WitnessDir(data).logs, vkey)
    print("added; start the witness again" if is_new else "this log is known already", file=sys.stderr)


@app.command()
def serve(
    data: WitnessData,
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes any.")] = "127.0.0.1:8450",
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM); without it a proxy does TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")] = None,
) -> None:
    """Serve the witness until it is stopped (C2SP tlog-witness)."""
    # Here and not above: the other commands need no server.
    from sekisho.ledger.witness import web_service

    host, port = _parse_listen(listen)
    service, record = _open(WitnessDir(data))
    try:
        with web_service.bind(host, port) as listener:
            at = listener.getsockname()
            web_service.serve(
                service,
                listener,
                when_started=lambda: _tell(f"serving on {at[0]}:{at[1]}"),
                certificate=tls_cert,
                key=tls_key,
            )
    finally:
        record.close()


@app.command()
def status(data: WitnessData, as_json: AsJson = False) -> None:
    """Show keys, logs, what was cosigned last, and evidence. Exit 1 if a log forked."""
    places = WitnessDir(data)
    record = HeadRecord.open(places.record)
    try:
        found = _status(places, record)
    finally:
        record.close()
    show(found, as_json=as_json)
    if found["forks"]:
        raise typer.Exit(EXIT_FORK)


def _status(places: WitnessDir, record: HeadRecord) -> dict[str, Any]:
    heads = {head.origin: head for head in record.heads()}
    evidence = EvidenceFolder(places.evidence)
    return {
        "vkeys": [signer.verifier.vkey for signer in read_signers(places)],
        "logs": [
            {
                "origin": origin,
                "size": heads[origin].head.size if origin in heads else None,
                "root": heads[origin].head.root.hex() if origin in heads else None,
                "cosigned_at": format_utc(heads[origin].at) if origin in heads else None,
            }
            for origin in sorted({*read_logs(places.logs), *heads})
        ],
        "forks": [str(path) for path in evidence.forks()],
        "unproven": [str(path) for path in evidence.unproven()],
    }


def _open(places: WitnessDir) -> tuple[WitnessService, HeadRecord]:
    signers, logs = read_signers(places), read_logs(places.logs)
    record = HeadRecord.open(places.record)
    try:
        service = WitnessService(
            signers=signers,
            logs=logs,
            record=record,
            evidence=EvidenceFolder(places.evidence),
            clock=SystemClock(),
            on_fork=_alarm,
        )
    except BaseException:
        record.close()
        raise
    return service, record


def _alarm(origin: str, kept: Path | None) -> None:
    where = f"evidence: {kept}" if kept is not None else "the evidence is kept already, or its folder is full"
    _tell(f"ALARM: the log {origin!r} signed two trees of one size; {where}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parse_listen(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port[:6]) > 65_535:
        raise ListenRefused(f"not HOST:PORT: {text[:80]!r}")
    return host, int(port)
