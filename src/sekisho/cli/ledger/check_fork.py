"""`sekisho ledger check-fork`: whether a file proves that a log showed two histories. Offline."""

from pathlib import Path
from typing import Annotated, ClassVar

import typer

from sekisho.cli.ledger.charter_file import CharterFile, read_charter, vkey_of
from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.core import SekishoError
from sekisho.ledger.witness.evidence import MAX_EVIDENCE_SIZE_BYTES, check_fork, parse_evidence
from sekisho.tlog.note import NoteVerifier


class EvidenceUnreadable(SekishoError):
    """The file of evidence cannot be read."""

    code: ClassVar[str] = "SKS-CLI-204"
    hint = "Give a file of the witness's evidence/ folder."


def check_evidence(
    file: Annotated[Path, typer.Argument(help="A file of a witness's evidence/ folder.")],
    charter: CharterFile = None,
    as_json: AsJson = False,
) -> None:
    """Check that a file proves two signed trees of one size. Exit 0: it does; 1: it does not."""
    vkey = vkey_of(read_charter(charter))
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_EVIDENCE_SIZE_BYTES + 1)
    except OSError as error:
        raise EvidenceUnreadable(f"{file}: {error.strerror or error}") from error
    evidence = parse_evidence(data)
    fork = check_fork(evidence, None if vkey is None else NoteVerifier.parse(vkey))
    found = {
        "forked": True,
        "origin": fork.origin,
        "size": fork.size,
        "first_root": fork.first_root.hex(),
        "second_root": fork.second_root.hex(),
        "vkey": evidence.vkey,
        "trust": "self-consistent" if vkey is None else "pinned",
    }
    show(found, as_json=as_json)
