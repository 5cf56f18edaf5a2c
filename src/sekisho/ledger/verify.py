"""Verification from files alone: the whole ledger, or one log of it. Needs no store, no network and no server.

The decisions log is the root: its key comes from the pinned charter, it names the key of every calls log, and it
records their checkpoints; each intent in a calls log names, in turn, the decisions it was judged by.
"""

from pathlib import Path
from typing import Final

from sekisho.ledger.claims import Calls, Decisions, EntryReader, Opened, TakeEntry
from sekisho.ledger.documents import Documents
from sekisho.ledger.errors import LedgerNotFound, LedgerUnavailable
from sekisho.ledger.files import CHECKPOINT, TILES, VKEY
from sekisho.ledger.report import Fault, LogReport, Notebook, Report, Trust
from sekisho.ledger.tree_check import Tree, check_tree, read_file, roots_at
from sekisho.tlog.note import MAX_NOTE_SIZE_BYTES
from sekisho.trust import PinnedCharter

DECISIONS: Final = "decisions"
CALLS: Final = "calls"
# A ledger that is being written while it is read may look torn. If it grew meanwhile, look again, so many times.
_ATTEMPTS: Final = 5


def verify_ledger(root: Path, *, vkey: str | None, charter: PinnedCharter | None = None) -> Report:
    """Verify what lies at `root`: a data directory, its `ledger/` folder, or one log.

    `vkey`: the decisions log's key from a pinned charter (or, for one log, that log's key). Without it the key
    beside the log is taken, and the report's trust is only SELF_CONSISTENT: whoever can replace the log can
    replace that key too. `charter`: with it every document in the decisions log is judged again. Raises
    LedgerNotFound or LedgerUnavailable; all that is wrong with a ledger is in the report.
    """
    try:
        whole, place = _locate(root)
        for _ in range(_ATTEMPTS):
            before = _checkpoints(place)
            report = _verify_whole(place, vkey, charter) if whole else _verify_one(place, vkey, charter)
            if report.is_verified or _checkpoints(place) == before:
                break
    except OSError as error:
        raise LedgerUnavailable(f"{root}: {error.strerror or error}") from error
    return report


def _locate(root: Path) -> tuple[bool, Path]:
    """Return whether a whole ledger or one log is meant, and its folder.

    What was named is looked at before what lies in it: a true copy planted below a damaged ledger, or in one of its
    logs, must not be verified in its stead.
    """
    if any((root / name).exists() for name in (CHECKPOINT, VKEY, TILES)):
        return False, root
    for place in (root, root / "ledger"):
        if (place / DECISIONS).is_dir() or (place / CALLS).is_dir():
            return True, place
    raise LedgerNotFound(f"no ledger at {root}")


def _checkpoints(place: Path) -> tuple[bytes, ...]:
    folders = (place, place / DECISIONS, *sorted((place / CALLS).glob("*")))
    notes = (read_file(folder / CHECKPOINT, MAX_NOTE_SIZE_BYTES) for folder in folders)
    return tuple(note for note in notes if note is not None)


def _verify_one(folder: Path, vkey: str | None, charter: PinnedCharter | None) -> Report:
    notebook = Notebook()
    reader = EntryReader(folder.name, notebook, is_calls_log=None)
    calls = Calls(reader=reader, decisions=None)
    on_entry = reader.reading(calls.take, *_judging(charter, folder.name, notebook))
    tree = check_tree(folder, folder.name, vkey, notebook, on_entry)
    notebook.add_gaps(folder.name, calls.open_intents())
    return _report(vkey, notebook, [] if tree is None else [_log_report(tree, reader, None)])


def _verify_whole(place: Path, vkey: str | None, charter: PinnedCharter | None) -> Report:
    """Steps: (1) nothing lies there that is no log; (2) the decisions log, and the documents in it; (3) each calls log
    that it knows, and only those; (4) each log's checkpoints in decisions.
    """
    notebook = Notebook()
    # (1)
    _check_folder(place, {DECISIONS, CALLS}, "", notebook)
    # (2)
    decisions = Decisions(reader=EntryReader(DECISIONS, notebook, is_calls_log=False))
    on_entry = decisions.reader.reading(decisions.take, *_judging(charter, DECISIONS, notebook))
    tree = check_tree(place / DECISIONS, DECISIONS, vkey, notebook, on_entry)
    if tree is None:
        return _report(vkey, notebook, [])
    reports = [_log_report(tree, decisions.reader, None)]
    # (3)
    for log in _require_known_logs(place, decisions, notebook):
        calls_tree, calls = _check_calls(place, log, decisions.opened[log], decisions, tree, notebook)
        # (4)
        anchored = _check_anchors(log, calls_tree, decisions, notebook)
        if calls_tree is not None:
            reports.append(_log_report(calls_tree, calls.reader, anchored))
    return _report(vkey, notebook, reports)


def _judging(charter: PinnedCharter | None, log: str, notebook: Notebook) -> tuple[TakeEntry, ...]:
    return () if charter is None else (Documents(charter, log, notebook).take,)


def _require_known_logs(place: Path, decisions: Decisions, notebook: Notebook) -> list[str]:
    """Return the calls logs to check, after noting those that are unknown or missing."""
    folder = place / CALLS
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    _check_folder(folder, set(names), f"{CALLS}/", notebook)
    present = {f"{CALLS}/{name}" for name in names if (folder / name).is_dir()}
    for log in sorted(present - set(decisions.opened)):
        notebook.add(Fault.LOG_UNKNOWN, log, "the decisions log does not know this log")
    for log in sorted(set(decisions.opened) - present):
        notebook.add(Fault.LOG_MISSING, log, "the decisions log knows this log, and it is not there")
    return sorted(present & set(decisions.opened))


def _check_calls(
    place: Path, log: str, opened: Opened, decisions: Decisions, decisions_tree: Tree, notebook: Notebook
) -> tuple[Tree | None, Calls]:
    """Check one calls log under the key that the decisions log names, and what it says of the decisions log."""
    calls = Calls(
        reader=EntryReader(log, notebook, is_calls_log=True),
        decisions=decisions,
        decisions_size=decisions_tree.checkpoint.size,
    )
    tree = check_tree(place / log, log, opened.vkey, notebook, calls.reader.reading(calls.take))
    notebook.add_gaps(log, calls.open_intents())
    if tree is not None and tree.checkpoint.origin != opened.origin:
        notebook.add(
            Fault.KEY_DIFFERS, f"{log}/{CHECKPOINT}", f"the decisions log names another origin, {opened.origin}"
        )
    roots = roots_at(decisions_tree, calls.claims)
    for size, claim in calls.claims.items():
        if roots.get(size) != claim.root:
            message = f"names a root of decisions at size {size} that the decisions log did not have"
            calls.reader.note(Fault.DECISIONS_DIFFER, claim.index, message)
    return tree, calls


def _check_anchors(log: str, tree: Tree | None, decisions: Decisions, notebook: Notebook) -> int:
    """Hold the log's recorded checkpoints against it, and return the largest size on record."""
    anchors = decisions.anchors.get(log, [])
    if tree is not None:
        roots = roots_at(tree, (anchor.size for anchor in anchors))
        for anchor in anchors:
            if anchor.size > tree.checkpoint.size:
                message = f"{log} had {anchor.size} entries on record; it has {tree.checkpoint.size}"
                decisions.reader.note(Fault.LOG_SHRANK, anchor.index, message)
            elif roots.get(anchor.size) != anchor.root:
                message = f"{log} did not have this root at size {anchor.size}"
                decisions.reader.note(Fault.ANCHOR_DIFFERS, anchor.index, message)
    return max((anchor.size for anchor in anchors), default=0)


def _check_folder(folder: Path, known: set[str], prefix: str, notebook: Notebook) -> None:
    """Note whatever lies in `folder` and is not a folder of a known name."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in known or path.is_symlink() or not path.is_dir():
            notebook.add(Fault.FILE_UNKNOWN, f"{prefix}{path.name}", "is no part of a ledger")


def _log_report(tree: Tree, reader: EntryReader, anchored_size: int | None) -> LogReport:
    return LogReport(
        log=tree.name,
        origin=tree.checkpoint.origin,
        vkey=tree.verifier.vkey,
        size=tree.checkpoint.size,
        root=tree.checkpoint.root,
        counts=tuple(sorted(reader.counts.items())),
        anchored_size=anchored_size,
    )


def _report(vkey: str | None, notebook: Notebook, logs: list[LogReport]) -> Report:
    return Report(
        trust=Trust.SELF_CONSISTENT if vkey is None else Trust.PINNED,
        logs=tuple(logs),
        problems=tuple(notebook.problems),
        problem_count=notebook.problem_count,
        gaps=tuple(notebook.gaps),
        gap_count=notebook.gap_count,
        fault_counts=tuple(sorted(notebook.fault_counts.items(), key=lambda item: item[0].value)),
    )
