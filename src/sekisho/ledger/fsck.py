"""The files of a log checked against each other, and no entry read: is this copy whole?

Every bundle against its tiles, the tiles against the signed root, the root against the key that lies beside the log.
What the entries say, and whose key it is, are for `verify`.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sekisho.ledger.heads import Heads
from sekisho.ledger.report import LogReport, Notebook, Report, Trust
from sekisho.ledger.source import Source
from sekisho.ledger.tree_check import Tree, check_tree
from sekisho.ledger.verify import OnProgress, look_until_still


def check_files(root: Path | Source, *, on_progress: OnProgress | None = None) -> Report:
    """Check the files of the ledger or log at `root`: a report without counts, its trust SELF_CONSISTENT.

    Raises LedgerNotFound, or LedgerUnavailable and WebUnavailable if the place does not serve.
    """
    return look_until_still(root, None, lambda heads: _check_heads(heads, on_progress))


def _check_heads(heads: Heads, on_progress: OnProgress | None) -> Report:
    notebook = Notebook()
    reports = []
    for log, note in heads.notes.items():
        told = None if on_progress is None else partial(on_progress, log)
        tree = check_tree(heads.source(log), log, note, None, notebook, _pass_by, told)
        if tree is not None:
            reports.append(_log_report(tree))
    return notebook.report(Trust.SELF_CONSISTENT, reports)


def _pass_by(first: int, entries: Sequence[bytes]) -> None:
    """Take entries, and leave them unread."""


def _log_report(tree: Tree) -> LogReport:
    return LogReport(
        log=tree.name,
        origin=tree.checkpoint.origin,
        vkey=tree.verifier.vkey,
        size=tree.checkpoint.size,
        root=tree.checkpoint.root,
        counts=(),
    )
