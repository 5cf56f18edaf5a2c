"""Verification from files alone: what is whole passes, and whatever is changed anywhere is named."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sekisho.ledger import EntryKind, Fault, LedgerNotFound, Log, Report, Trust, verify, verify_ledger
from sekisho.ledger.report import MAX_LISTED
from sekisho.tlog.checkpoint import Checkpoint

FilesBelow = Callable[[Path], Mapping[str, bytes]]
Change = Callable[[Any, Log, Log], None]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing here: a verifier need not wait for who is just publishing."""
    monkeypatch.setattr(verify, "_SETTLE_S", 0)


def check(programme: Any) -> Report:
    return verify_ledger(programme.ledger, vkey=programme.vkey("decisions"))


def faults(report: Report) -> set[Fault]:
    return {problem.fault for problem in report.problems}


def test_a_whole_ledger_is_verified_under_its_pinned_key(story: Any) -> None:
    """Sizes, roots and counts are told, each calls log with how much of it is anchored in decisions."""
    report = check(story)
    assert report.problems == ()
    assert report.is_verified
    assert report.trust is Trust.PINNED
    assert [(log.log, log.size, log.anchored_size) for log in report.logs] == [
        ("decisions", 4, None),
        ("calls/gate-0", 2, 2),
    ]
    assert dict(report.logs[1].counts) == {"call-intended/v1": 1, "call-answered/v1": 1}


def test_data_directory_ledger_folder_and_single_logs_are_all_taken(story: Any) -> None:
    """The three places that a person would name."""
    for place, logs in (
        (story.data, 2),
        (story.ledger, 2),
        (story.ledger / "decisions", 1),
        (story.ledger / "calls" / "gate-0", 1),
    ):
        report = verify_ledger(place, vkey=None)
        assert report.is_verified
        assert len(report.logs) == logs
        assert report.trust is Trust.SELF_CONSISTENT
    with pytest.raises(LedgerNotFound):
        verify_ledger(story.data / "stores", vkey=None)
    with pytest.raises(LedgerNotFound):
        verify_ledger(story.data / "nowhere", vkey=None)


def test_any_flipped_bit_in_any_byte_of_any_file_is_found_and_its_file_named(
    story: Any, files_below: FilesBelow
) -> None:
    """Every byte of the ledger, under the pinned key; the bit differs from byte to byte.

    A byte of a bundle may also show as an entry that is none; but the file, or its log's checkpoint, is always named.
    """
    files = files_below(story.ledger)
    assert sum(map(len, files.values())) > 2000
    for path, data in files.items():
        log = path.split("/tile/")[0].removesuffix("/checkpoint").removesuffix("/vkey")
        for at in range(len(data)):
            flipped = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
            (story.ledger / path).write_bytes(flipped)
            report = check(story)
            assert not report.is_verified, (path, at)
            assert any(p.where in (path, f"{log}/checkpoint") for p in report.problems), (path, at, report.problems)
        (story.ledger / path).write_bytes(data)
    assert check(story).is_verified


def test_a_flipped_bit_without_a_pinned_key_is_found_too(story: Any, files_below: FilesBelow) -> None:
    """Self-consistency covers every file as well: one byte in forty of each."""
    for path, data in files_below(story.ledger).items():
        for at in range(0, len(data), 40):
            (story.ledger / path).write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
            assert not verify_ledger(story.data, vkey=None).is_verified, (path, at)
        (story.ledger / path).write_bytes(data)


def test_every_tile_of_a_log_over_two_levels_is_compared(programme: Any, files_below: FilesBelow) -> None:
    """Full tiles, partial ones, narrower partial ones, on both levels: one byte changed in each is named."""
    log = programme.log("decisions")
    for count in (20, 300, 5):
        for future in [log.append(programme.snapshot(version)) for version in range(count)]:
            future.result()
        log.publish()
    log.close()
    folder = programme.ledger / "decisions"
    files = files_below(folder)
    assert {"tile/0/000", "tile/1/000.p/1", "tile/0/001.p/64", "tile/0/001.p/69"} <= set(files)
    for path, data in files.items():
        if path.startswith("tile/"):
            middle = len(data) // 2
            (folder / path).write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
            assert f"decisions/{path}" in {problem.where for problem in verify_ledger(folder, vkey=None).problems}
            (folder / path).write_bytes(data)
    assert verify_ledger(folder, vkey=log.vkey).is_verified


def test_every_file_that_is_missing_cut_or_longer_is_named(story: Any, files_below: FilesBelow) -> None:
    """No file can shrink or grow unseen, and none can go but a partial tile that a wider one supersedes."""
    files = files_below(story.ledger)
    for path, data in files.items():
        folder, _, width = path.rpartition(".p/")
        widths = [int(other.rpartition("/")[2]) for other in files if folder and other.startswith(f"{folder}.p/")]
        is_superseded = bool(folder) and int(width) < max(widths)
        for damage in (b"", data[:-1], data + b"\x00", *(() if is_superseded else (None,))):
            (story.ledger / path).unlink() if damage is None else (story.ledger / path).write_bytes(damage)
            assert any(problem.where == path for problem in check(story).problems), (path, damage)
            (story.ledger / path).write_bytes(data)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("notes.txt", Fault.FILE_UNKNOWN),
        ("calls/notes.txt", Fault.FILE_UNKNOWN),
        ("decisions/notes.txt", Fault.FILE_UNKNOWN),
        ("decisions/.staging/tile~0~000", Fault.FILE_UNKNOWN),
        ("decisions/tile/notes.txt", Fault.FILE_UNKNOWN),
        ("decisions/tile/0/x000/001", Fault.FILE_UNKNOWN),
        ("decisions/tile/0/000.p/03", Fault.FILE_UNKNOWN),
        ("decisions/tile/0/000.p/5", Fault.FILE_AHEAD),
        ("decisions/tile/0/000", Fault.FILE_AHEAD),
        ("decisions/tile/7/000.p/1", Fault.FILE_AHEAD),
        ("decisions/tile/entries/001", Fault.FILE_AHEAD),
        ("decisions/tile/0/000.p/1", Fault.FILE_DIFFERS),
        ("decisions/tile/entries/000.p/2", Fault.FILE_DIFFERS),
    ],
)
def test_a_file_that_has_no_place_in_the_tree_is_named(story: Any, path: str, fault: Fault) -> None:
    """Nothing can hide below a log: unknown names, second spellings, tiles of other trees."""
    (story.ledger / path).parent.mkdir(parents=True, exist_ok=True)
    (story.ledger / path).write_bytes(b"stray")
    assert (path, fault) in {(problem.where, problem.fault) for problem in check(story).problems}


def test_links_and_devices_are_named_and_never_followed(story: Any, tmp_path: Path) -> None:
    """A link to the right bytes is still no file of the log; a pipe does not hang the verifier."""
    tile = story.ledger / "decisions" / "tile" / "0" / "000.p" / "4"
    shutil.move(tile, tmp_path / "elsewhere")
    tile.symlink_to(tmp_path / "elsewhere")
    (story.ledger / "decisions" / "tile" / "more").symlink_to(tmp_path)
    os.mkfifo(story.ledger / "decisions" / "tile" / "1")
    named = {problem.where for problem in check(story).problems}
    assert {"decisions/tile/0/000.p/4", "decisions/tile/more", "decisions/tile/1"} <= named


def test_names_of_files_cannot_speak_to_the_terminal(story: Any) -> None:
    """What a terminal would obey is written out."""
    (story.ledger / "decisions" / "tile" / "\x1b[2Jall is well\n\udcff").write_bytes(b"")
    (problem,) = check(story).problems
    assert problem.where.isprintable()
    assert "\\x1b[2J" in problem.where


def test_a_flood_of_faults_is_counted_and_not_listed(story: Any) -> None:
    """A report stays small whatever was done to the ledger."""
    for number in range(MAX_LISTED + 50):
        (story.ledger / "decisions" / f"junk-{number}").write_bytes(b"")
    report = check(story)
    assert (len(report.problems), report.problem_count) == (MAX_LISTED, MAX_LISTED + 50)


def test_another_log_under_another_key_does_not_pass_for_the_pinned_one(story: Any, tmp_path: Path) -> None:
    """Replacing log and key together is self-consistent, and only the pinned key tells."""
    pinned = story.vkey("decisions")
    story.key = lambda name, key=story.key: key(f"forged {name}")
    shutil.rmtree(story.ledger)
    shutil.rmtree(story.data / "stores")
    story.log("decisions").close()
    assert verify_ledger(story.ledger, vkey=None).is_verified
    assert faults(verify_ledger(story.ledger, vkey=pinned)) == {Fault.KEY_DIFFERS, Fault.CHECKPOINT_REFUSED}


def test_an_older_copy_of_a_calls_log_contradicts_the_decisions(story: Any) -> None:
    """A log that is rolled back is whole by itself; its recorded checkpoint is larger."""
    older = story.data / "older"
    log = Log.open(
        store=older / "calls.db",
        public=older / "public",
        origin="sekisho.example/calls/gate-0",
        key=story.key("calls/gate-0"),
        clock=story._clock,
    )
    log.close()
    shutil.rmtree(story.ledger / "calls" / "gate-0")
    shutil.copytree(older / "public", story.ledger / "calls" / "gate-0")
    assert faults(check(story)) == {Fault.LOG_SHRANK}


def test_a_missing_and_an_unknown_calls_log_are_named(story: Any) -> None:
    """The decisions log says which calls logs there are; no more and no fewer."""
    shutil.move(story.ledger / "calls" / "gate-0", story.ledger / "calls" / "gate-9")
    named = {(problem.fault, problem.where) for problem in check(story).problems}
    assert named == {(Fault.LOG_UNKNOWN, "calls/gate-9"), (Fault.LOG_MISSING, "calls/gate-0")}


def test_a_ledger_without_its_decisions_log_is_not_verified(story: Any) -> None:
    """Nothing else can stand for the root."""
    shutil.rmtree(story.ledger / "decisions")
    report = check(story)
    assert not report.is_verified
    assert report.logs == ()


def revoked(programme: Any, decisions: Log, calls: Log) -> None:
    decisions.append(programme.revocation("grt-1")).result()
    calls.append(programme.intent(decisions.head())).result()


def unpublished_snapshot(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.intent(decisions.head(), snapshot_version=2)).result()


def late_snapshot(programme: Any, decisions: Log, calls: Log) -> None:
    judged_by = decisions.head()
    decisions.append(programme.snapshot(7)).result()
    calls.append(programme.intent(judged_by, snapshot_version=7)).result()


def false_root(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.intent(Checkpoint(origin="x", size=3, root=b"\x01" * 32))).result()


def two_roots(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.intent(decisions.head(), "req-1")).result()
    calls.append(programme.intent(Checkpoint(origin="x", size=3, root=b"\x01" * 32), "req-2")).result()


def decisions_ahead(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.intent(Checkpoint(origin="x", size=99, root=b"\x01" * 32))).result()


def repeated_request(programme: Any, decisions: Log, calls: Log) -> None:
    for _ in range(2):
        calls.append(programme.intent(decisions.head())).result()


def answer_without_intent(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.answer(0)).result()


def answer_to_another_request(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.intent(decisions.head(), "req-1")).result()
    calls.append(programme.answer(0, "req-2")).result()


def two_answers(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.intent(decisions.head())).result()
    for _ in range(2):
        calls.append(programme.answer(0)).result()


def decision_among_calls(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.snapshot()).result()


def call_among_decisions(programme: Any, decisions: Log, calls: Log) -> None:
    decisions.append(programme.intent(decisions.head())).result()


def opened_under_another_key(programme: Any, decisions: Log, calls: Log) -> None:
    opening = programme.opening()
    decisions.append(
        programme.entry(EntryKind.CALLS_LOG_OPENED, **(dict(opening.body) | {"vkey": programme.vkey("decisions")}))
    ).result()


def false_anchor(programme: Any, decisions: Log, calls: Log) -> None:
    calls.append(programme.intent(decisions.head())).result()
    decisions.append(programme.anchor(Checkpoint(origin="x", size=1, root=b"\x01" * 32))).result()


def anchor_too_large(programme: Any, decisions: Log, calls: Log) -> None:
    decisions.append(programme.anchor(Checkpoint(origin="x", size=5, root=b"\x01" * 32))).result()


def shrinking_anchors(programme: Any, decisions: Log, calls: Log) -> None:
    before = calls.head()
    calls.append(programme.intent(decisions.head())).result()
    for head in (calls.head(), before):
        decisions.append(programme.anchor(head)).result()


def anchor_of_an_unknown_log(programme: Any, decisions: Log, calls: Log) -> None:
    decisions.append(programme.anchor(calls.head(), "calls/gate-1")).result()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (revoked, Fault.CALLED_AFTER_REVOCATION),
        (unpublished_snapshot, Fault.SNAPSHOT_UNKNOWN),
        (late_snapshot, Fault.SNAPSHOT_UNKNOWN),
        (false_root, Fault.DECISIONS_DIFFER),
        (two_roots, Fault.DECISIONS_DIFFER),
        (decisions_ahead, Fault.DECISIONS_DIFFER),
        (repeated_request, Fault.REQUEST_REPEATED),
        (answer_without_intent, Fault.ANSWER_WITHOUT_INTENT),
        (answer_to_another_request, Fault.ANSWER_WITHOUT_INTENT),
        (two_answers, Fault.ANSWER_WITHOUT_INTENT),
        (decision_among_calls, Fault.ENTRY_MISPLACED),
        (call_among_decisions, Fault.ENTRY_MISPLACED),
        (opened_under_another_key, Fault.LOG_REOPENED),
        (false_anchor, Fault.ANCHOR_DIFFERS),
        (anchor_too_large, Fault.LOG_SHRANK),
        (shrinking_anchors, Fault.LOG_SHRANK),
        (anchor_of_an_unknown_log, Fault.LOG_UNKNOWN),
    ],
)
def test_what_entries_say_is_held_against_each_other(programme: Any, change: Change, fault: Fault) -> None:
    """Both trees are perfect and signed; what they say is not true, and exactly that is found."""
    decisions, calls = programme.log("decisions"), programme.log("calls/gate-0")
    decisions.append(programme.grant()).result()
    decisions.append(programme.snapshot()).result()
    decisions.append(programme.opening()).result()
    change(programme, decisions, calls)
    calls.close()
    decisions.close()
    assert faults(check(programme)) == {fault}


def test_a_call_made_before_the_revocation_it_did_not_know_is_no_fault(programme: Any) -> None:
    """Revoked after called: the intent names the decisions it was judged by, and they did not hold the revocation."""
    decisions, calls = programme.log("decisions"), programme.log("calls/gate-0")
    decisions.append(programme.grant()).result()
    decisions.append(programme.snapshot()).result()
    decisions.append(programme.opening()).result()
    judged_by = decisions.head()
    decisions.append(programme.revocation("grt-1")).result()
    calls.append(programme.intent(judged_by)).result()
    calls.close()
    decisions.close()
    assert check(programme).problems == ()


def test_an_intent_without_outcome_is_a_visible_gap_and_no_fault(programme: Any) -> None:
    """A call under way, or one whose outcome a crash took: told, with its index, and still verified."""
    decisions, calls = programme.log("decisions"), programme.log("calls/gate-0")
    decisions.append(programme.grant()).result()
    decisions.append(programme.snapshot()).result()
    decisions.append(programme.opening()).result()
    for number in range(3):
        calls.append(programme.intent(decisions.head(), f"req-{number}")).result()
    calls.append(programme.answer(1, "req-1")).result()
    decisions.publish()
    calls.publish()
    report = check(programme)
    assert report.is_verified
    assert [(gap.log, gap.index, gap.request_id) for gap in report.gaps] == [
        ("calls/gate-0", 0, "req-0"),
        ("calls/gate-0", 2, "req-2"),
    ]
    alone = verify_ledger(programme.ledger / "calls" / "gate-0", vkey=None)
    assert (alone.is_verified, alone.gap_count) == (True, 2)


def test_an_entry_that_is_none_is_named_though_the_tree_is_signed(programme: Any) -> None:
    """Whoever writes to the store can have nonsense signed, and it is called nonsense."""
    log = programme.log("decisions")
    log.append(programme.snapshot()).result()
    log.close()
    with closing(sqlite3.connect(programme.data / "stores" / "decisions.db")) as store, store:
        store.execute("INSERT INTO entries VALUES (1, CAST('{}' AS BLOB), NULL, NULL)")
    programme.log("decisions").close()
    (problem,) = check(programme).problems
    assert (problem.fault, problem.where) == (Fault.ENTRY_REFUSED, "decisions entry 1")


def test_a_ledger_that_grows_while_it_is_read_is_looked_at_again(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict is never about two moments: a fault counts only if the checkpoints stood still."""
    decisions = story.log("decisions")
    stray = story.ledger / "decisions" / "tile" / "0" / "000.p" / "5"
    stray.write_bytes(b"placed, its checkpoint not yet")
    looks: list[int] = []
    real = verify._verify_whole

    def look(heads: Any, asked: Any) -> Report:
        report = real(heads, asked)
        looks.append(report.problem_count)
        decisions.append(story.snapshot(2), key="once").result()
        decisions.publish()
        return report

    monkeypatch.setattr(verify, "_verify_whole", look)
    assert check(story).is_verified
    assert looks == [1, 0]


def test_the_report_as_json_says_all_of_it(story: Any) -> None:
    """`to_dict` is what programs read."""
    (story.ledger / "notes").write_bytes(b"")
    report = check(story).to_dict()
    assert report["verified"] is False
    assert report["trust"] == "pinned"
    assert report["problems"] == [{"code": "file-unknown", "where": "notes", "message": "is no part of a ledger"}]
    assert report["logs"][0]["size"] == 4
    assert report["logs"][0]["vkey"] == story.vkey("decisions")
    assert report["gaps"] == []


@pytest.mark.parametrize("owner", ["calls/gate-0", "decisions"])
def test_two_trees_of_one_key_do_not_pass_as_two_logs(programme: Any, owner: str) -> None:
    """Opened under two names, one key could sign two histories, each whole by itself and each fit for a receipt."""
    decisions, calls = programme.log("decisions"), programme.log("calls/gate-0")
    decisions.append(programme.opening()).result()
    twin = dict(programme.opening(owner).body) | {"log": "calls/gate-1"}
    decisions.append(programme.entry(EntryKind.CALLS_LOG_OPENED, **twin)).result()
    other = Log.open(
        store=programme.data / "stores" / "twin.db",
        public=programme.ledger / "calls" / "gate-1",
        origin=calls.origin if owner != "decisions" else decisions.origin,
        key=programme.key(owner),
        clock=programme._clock,
    )
    counted = {"opens": "2026-11-22T09:00:00.000000Z", "closes": "2026-11-22T09:01:00.000000Z", "counts": {"x": 1}}
    other.append(programme.entry(EntryKind.DENIALS_COUNTED, **counted)).result()
    for log in (other, calls, decisions):
        log.close()
    assert faults(check(programme)) == {Fault.LOG_REOPENED}
