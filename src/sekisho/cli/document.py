"""`sekisho document`: sign and show charters, accords, grants, holds and revocations. Needs no server."""

import json
import secrets
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from sekisho.cli.options import AsJson
from sekisho.cli.output import show as show_value
from sekisho.cli.party import read_key
from sekisho.core import SekishoError
from sekisho.formats import dsse, jcs
from sekisho.formats.dsse import Envelope
from sekisho.server.system import SystemClock
from sekisho.trust import Charter, TrustRefused, pin_charter, read_charter, read_document, require_signed

app = typer.Typer(help="Sign and show the documents that parties sign.", no_args_is_help=True)


class Kind(Enum):
    """A kind of document, as `--kind` takes it."""

    CHARTER = "charter"
    ACCORD = "accord"
    GRANT = "grant"
    HOLD = "hold"
    REVOCATION = "revocation"


class DocumentFileRefused(SekishoError):
    """The file cannot be read or written, or is not what the command was told."""

    code: ClassVar[str] = "SKS-CLI-012"
    hint = "Give a payload in JSON or an envelope that `sekisho document sign` wrote."


class NotSignedYet(SekishoError):
    """The file is a payload without an envelope."""

    code: ClassVar[str] = "SKS-CLI-013"
    hint = "Say what it is, to see it as a draft: --kind charter, accord, grant, hold or revocation."


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="A payload in JSON, or an envelope that others have signed.")],
    kind: Annotated[Kind, typer.Option(help="What the document is.")],
    party: Annotated[str, typer.Option(help="The party that signs.")],
    key: Annotated[Path, typer.Option(help="The party's private key (PEM).")],
    out: Annotated[
        Path | None, typer.Option(help="Where the envelope goes: FILE itself, or another; without it, standard output.")
    ] = None,
) -> None:
    """Add a party's signature to a document. Read it with `sekisho document show` first."""
    # (1) What is signed is a whole document of that kind, in its one canonical spelling.
    envelope = _read_or_seal(file, kind)
    read_document(envelope)
    # (2) Each key signs once, and nobody's signature is written over.
    _check_out(out, file)
    private_key = read_key(key)
    if dsse.key_id_of(private_key.public_key()) in {signature.key_id for signature in envelope.signatures}:
        raise DocumentFileRefused(f"this key has signed {file.name} already")
    signed = dsse.sign(envelope, party=party, key=private_key)
    # (3) The data, and on the side what people compare.
    _write(dsse.encode(signed), out)
    print(f"signed {kind.value} {signed.digest} as {party}", file=sys.stderr)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="The envelope; with --kind also a payload that nobody has signed yet.")],
    kind: Annotated[Kind | None, typer.Option(help="What the document is, if nobody has signed it yet.")] = None,
    charter: Annotated[
        Path | None, typer.Option(help="Judge the signatures by this charter; one that you know to be true.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a document, who signed it, and whether those are enough. A charter is judged by its own rule."""
    envelope = _read_or_seal(file, kind)
    read_document(envelope)
    judge = _judge(envelope, charter)
    refusal = None if judge is None else _find_refusal(envelope, judge)
    _print(_describe(envelope, judge, refusal), as_json=as_json)
    if refusal is not None:
        raise refusal


def _judge(envelope: Envelope, charter: Path | None) -> Charter | None:
    if charter is not None:
        return pin_charter(dsse.decode(_read(charter)), at=SystemClock().now())
    return read_charter(envelope) if envelope.kind == Kind.CHARTER.value else None


def _find_refusal(envelope: Envelope, judge: Charter) -> SekishoError | None:
    try:
        require_signed(envelope, judge, at=SystemClock().now())
        if envelope.kind == Kind.CHARTER.value:
            pin_charter(envelope, at=SystemClock().now())
    except TrustRefused as refusal:
        return refusal
    return None


def _describe(envelope: Envelope, judge: Charter | None, refusal: SekishoError | None) -> dict[str, Any]:
    verdict = "not judged: give --charter" if judge is None else "enough" if refusal is None else refusal.message
    return {
        "kind": envelope.kind,
        "digest": envelope.digest,
        "signatures": [{"party": s.party, "key_id": s.key_id} for s in envelope.signatures],
        "judged_by": None if judge is None else f"{judge.programme}, charter version {judge.version}",
        "verdict": verdict,
        "payload": json.loads(envelope.payload),
    }


def _print(described: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_value(described, as_json=True)
        return
    signed = [f"{s['party']} (key {s['key_id'][:16]}…)" for s in described["signatures"]]
    brief = {name: value for name, value in described.items() if name != "payload"}
    show_value({**brief, "signatures": ", ".join(signed) or "none"}, as_json=False)
    # ASCII: a payload may hold characters that a terminal would act on or show in another order.
    print(json.dumps(described["payload"], indent=2, ensure_ascii=True))


def _read_or_seal(file: Path, kind: Kind | None) -> Envelope:
    data = _read(file)
    value = jcs.parse(data)
    if not isinstance(value, Mapping) or "payloadType" not in value:
        if kind is None:
            raise NotSignedYet(f"{file} has no signatures")
        return dsse.seal(kind.value, value)
    envelope = dsse.decode(data)
    if kind is not None and envelope.kind != kind.value:
        raise DocumentFileRefused(f"{file.name} is a {envelope.kind}, not a {kind.value}")
    return envelope


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DocumentFileRefused(f"cannot read {file}: {error.strerror}") from error


def _check_out(out: Path | None, file: Path) -> None:
    """Raise DocumentFileRefused if `out` is another file that exists: signatures that others made would be lost."""
    if out is not None and out.exists() and not out.samefile(file):
        raise DocumentFileRefused(
            f"{out} is there, and is not the file to sign",
            hint=f"To add a signature to {out}, sign it in place: sekisho document sign {out} … --out {out}",
        )


def _write(data: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(data + b"\n")
        return
    # Written beside and moved: signing in place never leaves half a document.
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(data + b"\n")
        temporary.replace(out)
    except OSError as error:
        raise DocumentFileRefused(f"cannot write {out}: {error.strerror}") from error
