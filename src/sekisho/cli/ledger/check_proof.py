"""`sekisho ledger check-proof`: needs the proof, a charter or policy, and nothing else: no log, no network."""

import base64
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.ledger.lines import entry_line, parse_entry
from sekisho.cli.ledger.place import PolicyFile, read_policy
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.core import SekishoError
from sekisho.ledger import Proven, check_entry_proof
from sekisho.tlog.note import NoteVerifier
from sekisho.tlog.proof import MAX_PROOF_SIZE_BYTES


class NobodyTrusted(SekishoError):
    """A proof shows nothing without a key that the reader trusts already."""

    code: ClassVar[str] = "SKS-CLI-205"
    hint = "Give --charter FILE, or a --policy FILE with log lines; get them from the parties, not with the proof."


def check_proof(
    file: Annotated[Path, typer.Argument(help="The proof, as `prove` wrote it.")],
    policy: PolicyFile = None,
    charter: CharterFile = None,
    entry: Annotated[Path | None, typer.Option(help="The entry's bytes, if the proof does not carry them.")] = None,
    opening: Annotated[
        Path | None,
        typer.Option(help="For a calls log: the proof of its calls-log-opened entry, which names the log's key."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a proof and print the entry that it proves. Exit 0: it holds; 1: it does not."""
    trusted, key = read_policy(policy), vkey_of(read_charter(charter))
    if key is None and (trusted is None or not trusted.logs):
        raise NobodyTrusted("no key to check the proof with")
    proven = check_entry_proof(
        _read(file),
        log=None if key is None else NoteVerifier.parse(key),
        policy=trusted,
        entry=None if entry is None else _read(entry),
        opening=None if opening is None else _read(opening),
    )
    if as_json:
        show(_to_dict(proven), as_json=True)
    else:
        print(entry_line(proven.index, parse_entry(proven.entry)))
        print(_verdict(proven))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_PROOF_SIZE_BYTES + 1)


def _to_dict(proven: Proven) -> dict[str, Any]:
    head = proven.witnessed.checkpoint
    return {
        "proven": True,
        "origin": head.origin,
        "index": proven.index,
        "size": head.size,
        "root": base64.b64encode(head.root).decode(),
        "cosigned": [{"witness": one.name, "time_s": one.time_s} for one in proven.witnessed.cosigned],
        "entry": parse_entry(proven.entry),
    }


def _verdict(proven: Proven) -> str:
    head, cosigned = proven.witnessed.checkpoint, proven.witnessed.cosigned
    witnesses = f", cosigned by {', '.join(one.name for one in cosigned)}" if cosigned else ""
    return f"proven: entry {proven.index} of {head.origin}, in its tree of {head.size}{witnesses}"
