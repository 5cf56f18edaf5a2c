"""Where evidence is written while the log is read: one sheet a clause, and the marks of the entry at hand."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from sekisho.ledger.audit.types import ClauseKind, Ground, Mark, Sheet
from sekisho.ledger.entries import Entry
from sekisho.ledger.report import Fault, Notebook

Sheets: TypeAlias = Mapping[ClauseKind, Sheet]

# What verification finds in what entries say, and why it speaks against a clause. Every fault that is not here is one
# of files, keys or trees: then nothing in the ledger can be shown at all.
GROUNDS: Final[Mapping[Fault, Ground]] = MappingProxyType(
    {
        Fault.DOCUMENT_MISSING: Ground.DOCUMENT_MISSING,
        Fault.DOCUMENT_REFUSED: Ground.DOCUMENT_REFUSED,
        Fault.DOCUMENT_DIFFERS: Ground.DOCUMENT_DIFFERS,
        Fault.GRANT_UNKNOWN: Ground.GRANT_UNKNOWN,
        Fault.CALLED_AFTER_REVOCATION: Ground.AFTER_REVOCATION,
        Fault.CALLED_OUT_OF_SCOPE: Ground.OUT_OF_SCOPE,
        Fault.CALLED_ON_HOLD: Ground.ON_HOLD,
        Fault.SNAPSHOT_UNKNOWN: Ground.SNAPSHOT_UNKNOWN,
        Fault.SNAPSHOT_STALE: Ground.SNAPSHOT_STALE,
        Fault.REQUEST_REPEATED: Ground.REQUEST_REPEATED,
        Fault.ANSWER_WITHOUT_INTENT: Ground.ANSWER_WITHOUT_INTENT,
    }
)


def new_sheets() -> Sheets:
    """Return an empty sheet for every kind of clause."""
    return {kind: Sheet() for kind in ClauseKind}


def mark_of(log: str, index: int, entry: Entry, ground: Ground | None = None) -> Mark:
    """Return the mark of the entry at `index` of `log`."""
    return Mark(log=log, index=index, kind=entry.kind.value, at=entry.at, ground=ground)


def drain(notebook: Notebook) -> frozenset[Ground]:
    """Return why the checks of verification object to the entry at hand, and empty `notebook` for the next one."""
    grounds = frozenset(GROUNDS[problem.fault] for problem in notebook.problems if problem.fault in GROUNDS)
    notebook.problems.clear()
    notebook.problem_count = 0
    notebook.fault_counts.clear()
    return grounds
