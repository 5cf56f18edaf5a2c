"""The keys of the calls logs, as the verified decisions log of a ledger names them."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sekisho.core.errors import SekishoError
from sekisho.ledger.entries import Entry, EntryKind, decode_entry
from sekisho.ledger.errors import LogDamaged
from sekisho.ledger.heads import DECISIONS, locate
from sekisho.ledger.proven import read_entries
from sekisho.ledger.report import LogReport
from sekisho.ledger.source import Folder, Source
from sekisho.ledger.verify import verify_ledger
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.note import NoteVerifier


class LedgerUnfit(SekishoError):
    """The published files do not show what was asked, and are no proof of the contrary."""

    code: ClassVar[str] = "SKS-LEDGER-032"
    hint = "Run `sekisho ledger verify`: it says which file is wrong. Then ask for a whole copy of the ledger."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsLog:
    """A calls log as the decisions log knows it. `name`: its folder below the ledger."""

    name: str
    verifier: NoteVerifier


def find_calls_logs(root: Path | Source, *, vkey: str | None) -> tuple[Source, tuple[CallsLog, ...]]:
    """Return the place of the ledger at `root` and the calls logs that its decisions log names, once that verifies."""
    source = Folder(root) if isinstance(root, Path) else root
    is_whole, place = locate(source)
    if not is_whole:
        raise LedgerUnfit(f"{source.place} is one log", hint="Give the data directory or its ledger/ folder.")
    report = verify_ledger(place, vkey=vkey, logs=())
    if not report.is_verified:
        raise LedgerUnfit(f"the decisions log does not verify: {report.problem_count} problems")
    return place, _read_keys(place.below(DECISIONS), report.logs[0])


def _read_keys(source: Source, verified: LogReport) -> tuple[CallsLog, ...]:
    head = Checkpoint(origin=verified.origin, size=verified.size, root=verified.root)
    try:
        entries = [decode_entry(data) for _, data in read_entries(source, head)]
    except LogDamaged as error:
        raise LedgerUnfit("the decisions log changed while it was read") from error
    return tuple(_opened(entry) for entry in entries if entry.kind is EntryKind.CALLS_LOG_OPENED)


def _opened(entry: Entry) -> CallsLog:
    try:
        verifier = NoteVerifier.parse(str(entry.body["vkey"]))
    except SekishoError as error:
        raise LedgerUnfit("the decisions log names a key that is none") from error
    return CallsLog(name=str(entry.body["log"]), verifier=verifier)
