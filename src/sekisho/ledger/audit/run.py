"""The shell of an audit: verify, read once what was verified, and rule. All it does with files is read them."""

from collections.abc import Iterator
from pathlib import Path

from sekisho.ledger.audit.budgets import Budgets
from sekisho.ledger.audit.called import Called
from sekisho.ledger.audit.clauses import clauses_of
from sekisho.ledger.audit.decided import Decided
from sekisho.ledger.audit.errors import AccordNotOnRecord, LedgerMoved, LedgerNotSound
from sekisho.ledger.audit.judging import rule_on
from sekisho.ledger.audit.sheets import GROUNDS, new_sheets
from sekisho.ledger.audit.types import Audit, AuditedLog
from sekisho.ledger.entries import Entry, decode_entry
from sekisho.ledger.errors import EntryRefused
from sekisho.ledger.heads import locate
from sekisho.ledger.reading import read_tile
from sekisho.ledger.report import LogReport, Report
from sekisho.ledger.source import Folder, Source
from sekisho.ledger.verify import verify_ledger
from sekisho.tlog.merkle import Frontier, hash_leaf
from sekisho.tlog.tile import TileRefused, parse_bundle, row_of
from sekisho.trust import Accord, PinnedCharter


def audit_ledger(root: Path | Source, accord_id: str, pinned: PinnedCharter) -> Audit:
    """Return the accord `accord_id` held against the whole ledger at `root` (a data directory or its `ledger/`).

    Steps: (1) files, keys and trees verify under the pinned charter: else nothing is shown; (2) the decisions log,
    once, in order; (3) each calls log, likewise; (4) each clause is ruled on. Raises LedgerNotSound, LedgerMoved or
    AccordNotOnRecord, or what `verify_ledger` raises.
    """
    vkey = pinned.charter.decisions.vkey
    # (1)
    report = _require_sound(verify_ledger(root, vkey=vkey, charter=pinned), root)
    is_whole, place = locate(Folder(root) if isinstance(root, Path) else root)
    if not is_whole:
        raise LedgerNotSound("this is one log", hint="Give the data directory or its ledger/ folder.")
    decisions, *calls_logs = report.logs
    # (2)
    decided = Decided(accord_id=accord_id, pinned=pinned, sheets=new_sheets())
    for index, entry in _entries(place, decisions):
        decided.take(index, entry)
    decided.finish()
    accord = _require_accord(decided)
    # (3)
    budgets = Budgets(decided=decided)
    for log in calls_logs:
        called = Called(log=log.log, accord=accord, decided=decided, budgets=budgets, decisions_size=decisions.size)
        for index, entry in _entries(place, log):
            called.take(index, entry)
        # Mostly there are none; then the log is read once.
        if suspects := called.suspects():
            called.take_repeated(suspects, _entries(place, log))
        called.finish()
    budgets.finish()
    # (4)
    rulings = tuple(rule_on(clause, decided.sheets[clause.kind]) for clause in clauses_of(accord, pinned.charter))
    return Audit(
        programme=pinned.charter.programme,
        charter_sha256=pinned.digest,
        accord=accord_id,
        accord_sha256=decided.accord_sha256,
        lab=accord.lab,
        logs=tuple(AuditedLog(log=log.log, size=log.size, root=log.root) for log in report.logs),
        rulings=rulings,
        faults=tuple((fault.value, count) for fault, count in report.fault_counts),
    )


def _require_sound(report: Report, root: Path | Source) -> Report:
    """Return `report` if all that is wrong is what entries say; of a ledger that is not whole nothing is shown."""
    unsound = {fault.value: count for fault, count in report.fault_counts if fault not in GROUNDS}
    if unsound or not report.logs:
        place = root if isinstance(root, Path) else root.place
        said = ", ".join(f"{count} × {code}" for code, count in unsound.items())
        raise LedgerNotSound(f"{place} does not verify: {said}")
    return report


def _require_accord(decided: Decided) -> Accord:
    if decided.accord is None:
        raise AccordNotOnRecord(f"no accord {decided.accord_id[:80]!r} is on record with its document")
    return decided.accord


def _entries(place: Source, log: LogReport) -> Iterator[tuple[int, Entry]]:
    """Yield index and value of each entry of `log`; raise LedgerMoved if they are not those that were verified.

    The root is compared at the end: nothing that was taken may be told before this has run out.
    """
    tree = Frontier()
    for data in _leaves(place.below(log.log), log):
        try:
            yield tree.size, decode_entry(data)
        except EntryRefused as error:
            raise LedgerMoved(f"{log.log} changed while it was read: {error.message}") from error
        tree.append(hash_leaf(data))
    if tree.root() != log.root:
        raise LedgerMoved(f"{log.log} changed while it was read")


def _leaves(source: Source, log: LogReport) -> Iterator[bytes]:
    for bundle in row_of(None, log.size):
        try:
            data = read_tile(source, bundle)
            if data is None:
                raise LedgerMoved(f"{log.log}/{bundle.path} is gone")
            yield from parse_bundle(data, bundle.width)
        except TileRefused as error:
            raise LedgerMoved(f"{log.log}/{bundle.path}: {error.message}") from error
