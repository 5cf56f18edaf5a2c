"""Verification from files alone: the whole ledger, or one log of it. Needs no store and no server of ours.

The decisions log is the root: its key comes from the pinned charter, it names the key of every calls log, and it
records their checkpoints; each intent in a calls log names, in turn, the decisions it was judged by.
"""

import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from sekisho.core.errors import SekishoError
from sekisho.ledger.claims import Calls, Decisions, EntryReader, Opened, TakeEntry
from sekisho.ledger.documents import Documents
from sekisho.ledger.entries import Entry, EntryKind, decode_entry
from sekisho.ledger.errors import EntryRefused, LedgerUnavailable
from sekisho.ledger.files import CHECKPOINT
from sekisho.ledger.heads import CALLS, DECISIONS, Heads, take_heads
from sekisho.ledger.reading import read_note
from sekisho.ledger.report import Fault, LogReport, Notebook, Report, Trust
from sekisho.ledger.source import Folder, Source
from sekisho.ledger.tree_check import OnEntries, Tree, check_tree, entries_of, roots_at
from sekisho.tlog.policy import Policy, check_witnessed
from sekisho.trust import PinnedCharter

# A ledger that is being written while it is read may look torn. If it grew meanwhile, look again, so many times.
_ATTEMPTS: Final = 5
# A writer places files up to a moment before the checkpoint that covers them: twice the time between publications.
_SETTLE_S: Final = 0.5
# What a writer that is just publishing looks like.
_PASSING: Final = frozenset({Fault.FILE_AHEAD, Fault.FILE_UNKNOWN})

# Called with the log's name, how many of its entries were looked at, and how many there are.
OnProgress: TypeAlias = Callable[[str, int, int], None]


def verify_ledger(
    root: Path | Source,
    *,
    vkey: str | None,
    charter: PinnedCharter | None = None,
    policy: Policy | None = None,
    logs: Collection[str] | None = None,
    on_progress: OnProgress | None = None,
) -> Report:
    """Verify what lies at `root`: a data directory, its `ledger/` folder, or one log.

    `vkey`: the decisions log's key from a pinned charter (or, for one log, that log's key). Without it the key
    beside the log is taken, and the report's trust is only SELF_CONSISTENT, unless `policy` lists that key: whoever can
    replace the log can replace that key too. `charter`: with it every document in the decisions log is judged again.
    `policy`: the decisions log's checkpoint (of one log: its own) must meet it, and so must that of every calls log
    that it lists. `logs`: of a whole ledger only these (`calls/gate-0`), beside the decisions log. Raises
    LedgerNotFound, or LedgerUnavailable and WebUnavailable if the place does not serve; all that is wrong with a ledger
    is in the report.
    """
    asked = _Asked(vkey=vkey, charter=charter, policy=policy, logs=logs, on_progress=on_progress)
    return look_until_still(root, vkey, lambda heads: _verify_heads(heads, asked))


def look_until_still(root: Path | Source, vkey: str | None, look: Callable[[Heads], Report]) -> Report:
    """Return what `look` reports of the ledger or log at `root`: a fault counts only if the checkpoints stood still."""
    place = Folder(root) if isinstance(root, Path) else root
    try:
        for _ in range(_ATTEMPTS):
            heads = take_heads(place, vkey=vkey)
            report = look(heads)
            if report.is_verified or not _moved_on(heads, report):
                break
    except OSError as error:
        raise LedgerUnavailable(f"{place.place}: {error.strerror or error}") from error
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is trusted, and what is to be looked at."""

    vkey: str | None
    charter: PinnedCharter | None
    policy: Policy | None
    logs: Collection[str] | None
    on_progress: OnProgress | None


def _moved_on(heads: Heads, report: Report) -> bool:
    """Say whether a log has another checkpoint by now, after a moment for one that is just being published."""
    if _PASSING & {fault for fault, _ in report.fault_counts}:
        time.sleep(_SETTLE_S)
    return any(read_note(heads.source(log)) != note for log, note in heads.notes.items())


def _verify_heads(heads: Heads, asked: _Asked) -> Report:
    return _verify_whole(heads, asked) if heads.is_whole else _verify_one(heads, asked)


def _verify_one(heads: Heads, asked: _Asked) -> Report:
    (name,) = heads.notes
    notebook = Notebook()
    reader = EntryReader(name, notebook, is_calls_log=None)
    calls = Calls(reader=reader, decisions=None)
    decisions = Decisions(reader=reader)
    takers = (calls.take, decisions.take, *_judging(asked, name, notebook))
    tree = _check_log(heads, name, asked.vkey, asked, notebook, reader.reading(*takers))
    if tree is None:
        return _report(None, asked, notebook, [])
    _note_repeated(tree, calls)
    notebook.add_gaps(name, calls.open_intents())
    cosigned = _check_policy(tree, asked.policy, notebook)
    return _report(tree, asked, notebook, [replace(_log_report(tree, reader), cosigned=cosigned)])


def _verify_whole(heads: Heads, asked: _Asked) -> Report:
    """Steps: (1) nothing lies there that is no log; (2) the decisions log, the documents in it, its cosignatures;
    (3) each calls log that it knows, and only those; (4) each log's checkpoints in decisions.
    """
    notebook = Notebook()
    # (1)
    _check_folders(heads, notebook)
    # (2)
    decisions = Decisions(reader=EntryReader(DECISIONS, notebook, is_calls_log=False))
    on_entries = decisions.reader.reading(decisions.take, *_judging(asked, DECISIONS, notebook))
    tree = _check_log(heads, DECISIONS, asked.vkey, asked, notebook, on_entries)
    if tree is None:
        return _report(None, asked, notebook, [])
    _check_own_key(tree, decisions, notebook)
    cosigned = _check_policy(tree, asked.policy, notebook)
    reports = [replace(_log_report(tree, decisions.reader), cosigned=cosigned)]
    # (3)
    for log in _require_known_logs(heads, decisions, asked, notebook):
        calls_tree, calls = _check_calls(heads, log, decisions, tree, asked, notebook)
        # (4)
        anchored = _check_anchors(log, calls_tree, decisions, notebook)
        if calls_tree is not None:
            cosigned = _check_policy(calls_tree, _policy_of_calls(calls_tree, asked.policy), notebook)
            reports.append(replace(_log_report(calls_tree, calls.reader), anchored_size=anchored, cosigned=cosigned))
    return _report(tree, asked, notebook, reports)


def _check_log(
    heads: Heads, name: str, vkey: str | None, asked: _Asked, notebook: Notebook, on_entries: OnEntries
) -> Tree | None:
    on_progress = None if asked.on_progress is None else partial(asked.on_progress, name)
    return check_tree(heads.source(name), name, heads.notes.get(name), vkey, notebook, on_entries, on_progress)


def _judging(asked: _Asked, log: str, notebook: Notebook) -> tuple[TakeEntry, ...]:
    return () if asked.charter is None else (Documents(asked.charter, log, notebook).take,)


def _check_policy(tree: Tree, policy: Policy | None, notebook: Notebook) -> tuple[tuple[str, int], ...]:
    """Return the witnesses of `policy` that cosigned the checkpoint of `tree`, and note it if they are too few."""
    if policy is None:
        return ()
    try:
        witnessed = check_witnessed(tree.note, policy, log=tree.verifier)
    except SekishoError as error:
        notebook.add(Fault.POLICY_UNMET, f"{tree.name}/{CHECKPOINT}", error.message)
        return ()
    return tuple((one.name, one.time_s) for one in witnessed.cosigned)


def _policy_of_calls(tree: Tree, policy: Policy | None) -> Policy | None:
    """Return the policy for a calls log: only one that lists it, since decisions' checkpoint covers the others."""
    return policy if policy is not None and _lists(policy, tree) else None


def _lists(policy: Policy, tree: Tree) -> bool:
    return any(log.verifier == tree.verifier for log in policy.logs)


def _require_known_logs(heads: Heads, decisions: Decisions, asked: _Asked, notebook: Notebook) -> list[str]:
    """Return the calls logs to check, after noting those that are unknown or missing."""
    folder = heads.place.folder
    present = {
        log
        for log, note in heads.notes.items()
        if log != DECISIONS and (note is not None or (folder is not None and (folder / log).is_dir()))
    }
    wanted = set(decisions.opened) if asked.logs is None else set(decisions.opened) & set(asked.logs)
    for log in sorted(present - set(decisions.opened)):
        notebook.add(Fault.LOG_UNKNOWN, log, "the decisions log does not know this log")
    for log in sorted(wanted - present):
        notebook.add(Fault.LOG_MISSING, log, "the decisions log knows this log, and it is not there")
    for log in sorted(set(asked.logs or ()) - set(decisions.opened) - {DECISIONS}):
        notebook.add(Fault.LOG_MISSING, log, "was asked for, and the decisions log does not know it")
    return sorted(present & wanted)


def _check_calls(
    heads: Heads, log: str, decisions: Decisions, decisions_tree: Tree, asked: _Asked, notebook: Notebook
) -> tuple[Tree | None, Calls]:
    """Check one calls log under the key that the decisions log names, and what it says of the decisions log."""
    opened: Opened = decisions.opened[log]
    calls = Calls(
        reader=EntryReader(log, notebook, is_calls_log=True),
        decisions=decisions,
        decisions_size=decisions_tree.checkpoint.size,
    )
    tree = _check_log(heads, log, opened.vkey, asked, notebook, calls.reader.reading(calls.take))
    if tree is not None:
        _note_repeated(tree, calls)
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


def _note_repeated(tree: Tree, calls: Calls) -> None:
    if suspects := calls.suspects():
        calls.note_repeated(suspects, _intents(tree))


def _intents(tree: Tree) -> Iterator[tuple[int, Entry]]:
    """Yield the intents of a log whose entries were checked, once more."""
    for index, data in entries_of(tree):
        with contextlib.suppress(EntryRefused):
            entry = decode_entry(data)
            if entry.kind is EntryKind.CALL_INTENDED:
                yield index, entry


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


def _check_own_key(tree: Tree, decisions: Decisions, notebook: Notebook) -> None:
    """Note a calls log under the decisions log's own key: its trees would pass for forks of decisions, or hide one."""
    for log, opened in decisions.opened.items():
        if opened.vkey == tree.verifier.vkey:
            notebook.add(Fault.LOG_REOPENED, log, "was opened under the key of the decisions log")


def _check_folders(heads: Heads, notebook: Notebook) -> None:
    """Note whatever lies beside the logs and is none. On the web nothing can be listed."""
    if heads.place.folder is not None:
        _check_folder(heads.place.folder, {DECISIONS, CALLS}, "", notebook)
        calls = heads.place.folder / CALLS
        if calls.is_dir():
            _check_folder(calls, {path.name for path in calls.iterdir()}, f"{CALLS}/", notebook)


def _check_folder(folder: Path, known: set[str], prefix: str, notebook: Notebook) -> None:
    """Note whatever lies in `folder` and is not a folder of a known name."""
    for path in sorted(folder.iterdir()):
        if path.name not in known or path.is_symlink() or not path.is_dir():
            notebook.add(Fault.FILE_UNKNOWN, f"{prefix}{path.name}", "is no part of a ledger")


def _log_report(tree: Tree, reader: EntryReader) -> LogReport:
    return LogReport(
        log=tree.name,
        origin=tree.checkpoint.origin,
        vkey=tree.verifier.vkey,
        size=tree.checkpoint.size,
        root=tree.checkpoint.root,
        counts=tuple(sorted(reader.counts.items())),
    )


def _report(tree: Tree | None, asked: _Asked, notebook: Notebook, logs: list[LogReport]) -> Report:
    listed = tree is not None and asked.policy is not None and _lists(asked.policy, tree)
    trust = Trust.PINNED if asked.vkey is not None else Trust.LISTED if listed else Trust.SELF_CONSISTENT
    return notebook.report(trust, logs)
