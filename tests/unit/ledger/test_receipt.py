"""Receipts (src/sekisho/ledger/receipt.py, broken_promise.py): kept, not yet due, broken, or not genuine."""

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import SekishoError
from sekisho.ledger import EntryKind, Log, encode_entry
from sekisho.ledger.broken_promise import (
    Breach,
    Evidence,
    EvidenceRefused,
    check_evidence,
    encode_evidence,
    parse_evidence,
)
from sekisho.ledger.calls_keys import LedgerUnfit
from sekisho.ledger.log import MAX_MERGE_DELAY_S
from sekisho.ledger.promise import Promise, parse_promise, sign_promise
from sekisho.ledger.receipt import (
    MAX_RECEIPT_SIZE_BYTES,
    Broken,
    Kept,
    NotYetDue,
    ReceiptRefused,
    check_accusation,
    check_receipt,
    parse_receipt,
)
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.merkle import hash_leaf
from sekisho.tlog.note import NoteSigner, NoteVerifier
from sekisho.tlog.proof import encode_proof, parse_proof

LOG = "calls/gate-0"
VECTORS = Path(__file__).parents[3] / "docs" / "specs" / "vectors" / "promise.json"


@dataclass
class Desk:
    """A gate's log in a ledger whose decisions know it, and the headers of its answers."""

    programme: Any
    calls: Log
    now: datetime

    def call(self, request_id: str = "req-1") -> dict[str, str]:
        """Record an intent and return the receipt's headers."""
        entry = self.programme.entry(EntryKind.CALL_INTENDED, **self.body(request_id))
        index = self.calls.append(entry).result()
        return self.headers(request_id, index, hash_leaf(encode_entry(entry)))

    def headers(self, request_id: str, index: int, leaf_hash: bytes) -> dict[str, str]:
        promise = self.calls.promise(request_id=request_id, index=index, leaf_hash=leaf_hash, at=self.now)
        return {
            "sekisho-request-id": request_id,
            "sekisho-intent-index": str(index),
            "sekisho-log": LOG,
            "sekisho-promise": promise,
        }

    def body(self, request_id: str) -> dict[str, Any]:
        return dict(self.programme.intent(self.calls.head(), request_id).body)

    def check(self, headers: dict[str, str], *, after_s: float = 0, vkey: str | None = None) -> Any:
        receipt = parse_receipt(json.dumps(headers).encode())
        at = self.now + timedelta(seconds=after_s)
        return check_receipt(receipt, self.programme.data, vkey=vkey or self.programme.vkey("decisions"), at=at)

    def roll_back(self) -> None:
        """Close the log and lose it whole, store and public files; open it anew under the same key."""
        self.calls.close()
        shutil.rmtree(self.programme.ledger / LOG)
        for path in (self.programme.data / "stores").glob("calls-*"):
            path.unlink()
        self.calls = self.programme.log(LOG)


@pytest.fixture
def desk(programme: Any, clock: Any) -> Desk:
    decisions, calls = programme.log("decisions"), programme.log(LOG)
    decisions.append(programme.opening()).result()
    decisions.append(programme.opening("calls/gate-1")).result()
    decisions.publish()
    return Desk(programme=programme, calls=calls, now=clock.now())


def verifier(desk: Desk) -> NoteVerifier:
    return NoteVerifier.parse(desk.calls.vkey)


def test_a_kept_promise_becomes_an_inclusion_proof(desk: Desk) -> None:
    """The proof carries the entry, and shows it under the signed checkpoint, also after the log has grown."""
    headers = [desk.call(f"req-{number}") for number in range(300)]
    desk.calls.publish()
    for number in (0, 255, 256, 299):
        found = desk.check(headers[number], after_s=10**6)
        assert isinstance(found, Kept)
        assert found.entry.body["request_id"] == f"req-{number}"
        proof = parse_proof(encode_proof(found.proof))
        assert (proof.index, hash_leaf(proof.extra or b"")) == (number, found.promise.leaf_hash)


def test_before_it_is_published_it_is_not_yet_due_and_then_broken(desk: Desk, monkeypatch: Any) -> None:
    """The log has its time, and two minutes for clocks that differ; then its smaller tree is a breach."""
    desk.call()
    desk.calls.publish()
    # A promise for an entry that never came to be, by the log's own key.
    missing = sign_promise(
        replace(parse_promise(desk.headers("req-9", 0, b"x" * 32)["sekisho-promise"]).promise, index=7),
        NoteSigner(desk.calls.origin, desk.programme.key(LOG)),
    )
    headers = {"sekisho-promise": missing}
    for after_s in (0, MAX_MERGE_DELAY_S, MAX_MERGE_DELAY_S + 120):
        found = desk.check(headers, after_s=after_s)
        assert isinstance(found, NotYetDue)
        assert found.size == 1
    found = desk.check(headers, after_s=MAX_MERGE_DELAY_S + 121)
    assert isinstance(found, Broken)
    assert found.evidence.breach is Breach.NOT_COVERED
    again = parse_evidence(encode_evidence(found.evidence))
    assert check_evidence(again, verifier(desk)) == found.promise
    for lie in (
        replace(again, seen_at=found.promise.due_at),
        replace(again, breach=Breach.OTHER_LEAF),
        replace(again, breach=Breach.OTHER_REQUEST, entry=b"x"),
    ):
        with pytest.raises(EvidenceRefused):
            check_evidence(lie, verifier(desk))


def test_a_log_rolled_back_after_promising_is_caught_with_proof(desk: Desk) -> None:
    """Another leaf stands where the promised one must: at once, whatever the clock, for anybody who knows the key."""
    headers = desk.call()
    desk.roll_back()
    assert isinstance(desk.check(headers), NotYetDue)
    desk.call("req-2")
    desk.calls.publish()
    found = desk.check(headers)
    assert isinstance(found, Broken)
    assert found.evidence.breach is Breach.OTHER_LEAF
    data = encode_evidence(found.evidence)
    assert check_evidence(parse_evidence(data), verifier(desk)) == found.promise
    # The third party has the decisions log alone.
    shutil.rmtree(desk.programme.ledger / LOG)
    desk.calls.close = lambda: None  # type: ignore[method-assign]  # its folder is gone
    judged = check_accusation(parse_evidence(data), desk.programme.data, vkey=desk.programme.vkey("decisions"))
    assert judged.log == LOG


def test_a_stranger_s_line_under_the_checkpoint_keeps_no_evidence_back(desk: Desk) -> None:
    """Whoever publishes the note can add lines that nobody verifies; what they hold must not spoil the file."""
    headers = desk.call()
    desk.roll_back()
    desk.call("req-2")
    desk.calls.publish()
    checkpoint = desk.programme.ledger / LOG / "checkpoint"
    checkpoint.write_text(checkpoint.read_text() + "\u2014 e\u0301.example AAAAAAAAAAA=\n")
    found = desk.check(headers)
    assert isinstance(found, Broken)
    assert check_evidence(parse_evidence(encode_evidence(found.evidence)), verifier(desk)) == found.promise


def test_one_entry_shown_to_two_callers_is_caught(desk: Desk) -> None:
    """A gate that records one call and gives two callers its index: the second's promise names another request."""
    first = desk.call()
    leaf_hash = parse_promise(first["sekisho-promise"]).promise.leaf_hash
    second = desk.headers("req-2", 0, leaf_hash)
    desk.calls.publish()
    assert isinstance(desk.check(first), Kept)
    found = desk.check(second)
    assert isinstance(found, Broken)
    assert found.evidence.breach is Breach.OTHER_REQUEST
    assert check_evidence(parse_evidence(encode_evidence(found.evidence)), verifier(desk)) == found.promise
    with pytest.raises(EvidenceRefused):
        check_evidence(replace(found.evidence, promise=first["sekisho-promise"]), verifier(desk))


def test_an_outcome_promised_as_an_intent_is_caught(desk: Desk) -> None:
    """Only the intent of the request shows that the call was on record before it was made."""
    desk.call()
    entry = desk.programme.answer(0, "req-1")
    index = desk.calls.append(entry).result()
    desk.calls.publish()
    found = desk.check(desk.headers("req-1", index, hash_leaf(encode_entry(entry))))
    assert isinstance(found, Broken)
    assert found.evidence.breach is Breach.OTHER_REQUEST


def test_a_promise_of_a_foreign_key_accuses_nobody(desk: Desk) -> None:
    """A forger's promise, one of another log, one of a log that is not on record: refused, whatever the files hold."""
    headers = desk.call()
    desk.calls.publish()
    promise = parse_promise(headers["sekisho-promise"]).promise
    forged = sign_promise(promise, NoteSigner(promise.origin, Ed25519PrivateKey.generate()))
    sister = sign_promise(
        replace(promise, origin="sekisho.example/calls/gate-1"),
        NoteSigner("sekisho.example/calls/gate-1", desk.programme.key(LOG)),
    )
    unknown = sign_promise(
        replace(promise, origin="sekisho.example/calls/gate-7"),
        NoteSigner("sekisho.example/calls/gate-7", desk.programme.key("calls/gate-7")),
    )
    decisions = sign_promise(
        replace(promise, origin="sekisho.example/decisions"),
        NoteSigner("sekisho.example/decisions", desk.programme.key("decisions")),
    )
    for line in (forged, sister, unknown, decisions):
        with pytest.raises(ReceiptRefused):
            desk.check({"sekisho-promise": line}, after_s=10**6)


def test_another_programmes_charter_makes_no_receipt_genuine(desk: Desk) -> None:
    """The calls log's key counts only where the pinned key of the decisions log vouches for it."""
    headers = desk.call()
    desk.calls.publish()
    other = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.generate()).verifier.vkey
    with pytest.raises(LedgerUnfit):
        desk.check(headers, vkey=other)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sekisho-request-id", "req-2"),
        ("sekisho-intent-index", "1"),
        ("sekisho-intent-index", "00"),
        ("sekisho-log", "calls/gate-1"),
        ("sekisho-log", "../../elsewhere"),
    ],
)
def test_a_promise_under_other_headers_is_no_receipt(desk: Desk, name: str, value: str) -> None:
    """Replayed for another request, entry or log: the headers beside it must say the same."""
    headers = desk.call()
    desk.calls.publish()
    with pytest.raises(ReceiptRefused):
        desk.check(headers | {name: value})


def test_a_promise_dated_ahead_is_refused(desk: Desk) -> None:
    """A log that dates its promises years ahead would never have to keep them; two minutes are clocks."""
    headers = desk.call()
    assert isinstance(desk.check(headers, after_s=-120), Kept | NotYetDue)
    with pytest.raises(ReceiptRefused):
        desk.check(headers, after_s=-121)


def test_files_that_show_nothing_accuse_nobody(desk: Desk) -> None:
    """A garbled or missing file is no proof that a log broke its word, however late."""
    headers = desk.call()
    desk.calls.publish()
    desk.calls.close()
    folder = desk.programme.ledger / LOG
    bundle = next(folder.glob("tile/entries/*.p/*"))
    held = bundle.read_bytes()
    for damage in (held[:-1] + b"x", held[:-1], b""):
        bundle.write_bytes(damage)
        with pytest.raises(LedgerUnfit):
            desk.check(headers, after_s=10**6)
    bundle.write_bytes(held)
    checkpoint = folder / "checkpoint"
    note = checkpoint.read_text()
    for text in ("", note.replace("\n1\n", "\n0\n", 1), note[:-9]):
        checkpoint.write_text(text)
        with pytest.raises(LedgerUnfit):
            desk.check(headers, after_s=10**6)
    checkpoint.unlink()
    with pytest.raises(LedgerUnfit):
        desk.check(headers, after_s=10**6)


def test_a_decisions_log_that_does_not_verify_names_no_key(desk: Desk) -> None:
    """Whoever could change it could name a key of their own."""
    headers = desk.call()
    desk.calls.publish()
    tile = next((desk.programme.ledger / "decisions").glob("tile/0/*.p/2"))
    tile.write_bytes(tile.read_bytes()[:-1] + b"x")
    with pytest.raises(LedgerUnfit):
        desk.check(headers)


def test_headers_as_curl_saves_them_are_a_receipt(desk: Desk) -> None:
    """Also after a challenge and a 100; names in any case; others' bytes do not matter."""
    headers = desk.call()
    lines = "".join(f"{name.title()}:  {value}\r\n" for name, value in headers.items())
    first = b"HTTP/1.1 401 Unauthorized\r\ndpop-nonce: a\r\n\r\n"
    saved = first + f"HTTP/1.1 200 OK\r\n{lines}x-other: ".encode() + b"\xff\xfe\r\n\r\n"
    assert parse_receipt(saved) == parse_receipt(json.dumps(headers).encode())


@pytest.mark.parametrize(
    "saved",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n",
        b"sekisho-promise: a\r\nsekisho-promise: a\r\n\r\n",
        b"sekisho-promise: a\r\nSekisho-Promise: b\r\n\r\n",
        b"sekisho-promise: a\r\n\r\nsekisho-promise: b\r\n\r\n",
        b"sekisho-promise: a\r\nsekisho-log: b\r\nsekisho-log: c\r\n\r\n",
        b" sekisho-promise: folded\r\n\r\n",
        b'{"sekisho-promise": 1}',
        b'{"sekisho-promise": "a", "SEKISHO-PROMISE": "b"}',
        b'{"sekisho-promise": "a", "sekisho-promise": "b"}',
        b"{}",
        b"{",
        b'["sekisho-promise"]',
        b"x" * (MAX_RECEIPT_SIZE_BYTES + 1),
    ],
)
def test_what_two_readers_could_read_differently_is_no_receipt(saved: bytes) -> None:
    """Injected, repeated or missing headers: a code, and nothing is judged."""
    with pytest.raises(ReceiptRefused):
        parse_receipt(saved)


def test_a_file_of_many_receipts_is_told_to_be_cut() -> None:
    """The file that `sign_in(receipts=…)` keeps has a line a call: the error says how many, and to give one."""
    line = b'{"sekisho-promise": "a"}\n'
    with pytest.raises(ReceiptRefused, match="3 receipts, not one") as refused:
        parse_receipt(line * 3)
    assert "one line" in str(refused.value.hint)
    assert parse_receipt(line).promise == "a"


@given(data=st.binary(max_size=400))
def test_any_bytes_are_a_receipt_or_a_refusal(data: bytes) -> None:
    """Nothing else leaves the room."""
    with pytest.raises(ReceiptRefused):
        parse_receipt(data)


@given(data=st.data())
def test_evidence_with_any_byte_changed_shows_nothing(evidence: Evidence, data: st.DataObject) -> None:
    """Nobody is accused by a file that was tampered with."""
    file, key = encode_evidence(evidence), NoteVerifier.parse(evidence.vkey)
    promise = check_evidence(evidence, key)
    at = data.draw(st.integers(0, len(file) - 1))
    changed = file[:at] + bytes([data.draw(st.integers(0x20, 0x7E))]) + file[at + 1 :]
    try:
        found = check_evidence(parse_evidence(changed), key)
    except EvidenceRefused:
        return
    # What nobody signed: the finder's clock, and the key that the file claims. They change nothing of what is shown.
    assert found == promise


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """Another leaf at a promised index, both signed."""
    signer = NoteSigner("sekisho.example/calls/gate-0", Ed25519PrivateKey.from_private_bytes(b"calls".ljust(32)))
    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    promise = Promise(
        origin=signer.verifier.name,
        request_id="req-1",
        index=0,
        leaf_hash=b"p" * 32,
        at=at,
        max_delay_s=600,
    )
    entry = b"another entry"
    note = sign_checkpoint(Checkpoint(origin=signer.verifier.name, size=1, root=hash_leaf(entry)), signer)
    return Evidence(
        breach=Breach.OTHER_LEAF,
        vkey=signer.verifier.vkey,
        promise=sign_promise(promise, signer),
        checkpoint=note,
        entry=entry,
        path=(),
        seen_at=at,
    )


def test_the_published_evidence_is_judged_as_it_says() -> None:
    """docs/specs/promise.md: each breach is shown, and what shows none is refused."""
    vectors = json.loads(VECTORS.read_text())
    key = NoteVerifier.parse(vectors["vkey"])
    for good in vectors["evidence"]:
        held = parse_evidence(good["file"].encode())
        assert check_evidence(held, key).request_id == "req_00000000000000000000000001"
        assert encode_evidence(held) == good["file"].encode()
    assert {parse_evidence(good["file"].encode()).breach for good in vectors["evidence"]} == set(Breach)
    for bad in vectors["bad_evidence"]:
        with pytest.raises(EvidenceRefused):
            check_evidence(parse_evidence(bad["file"].encode()), key)


def test_a_folder_of_one_log_is_not_enough(desk: Desk) -> None:
    """The key beside a calls log is nobody's word for it."""
    headers = desk.call()
    desk.calls.publish()
    receipt = parse_receipt(json.dumps(headers).encode())
    with pytest.raises(LedgerUnfit):
        check_receipt(receipt, Path(desk.programme.ledger / LOG), vkey=None, at=desk.now)
    with pytest.raises(SekishoError):
        check_receipt(receipt, desk.programme.data / "nowhere", vkey=None, at=desk.now)
