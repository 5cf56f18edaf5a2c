"""Promises (src/sekisho/ledger/promise.py): one spelling, one signer, and never mistaken for a note."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import SekishoError, format_utc
from sekisho.ledger import EntryKind
from sekisho.ledger.log import MAX_MERGE_DELAY_S, PUBLISH_EVERY_S
from sekisho.ledger.promise import (
    MAX_DELAY_S,
    MAX_PROMISE_CHARACTERS,
    Promise,
    PromiseRefused,
    open_promise,
    parse_promise,
    sign_promise,
)
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sekisho.tlog.merkle import hash_leaf
from sekisho.tlog.note import NoteRefused, NoteSignature, NoteSigner, sign_note

ORIGIN = "sekisho.example/calls/gate-0"
KEY = Ed25519PrivateKey.from_private_bytes(b"calls".ljust(32))
SIGNER = NoteSigner(ORIGIN, KEY)
PROMISE = Promise(
    origin=ORIGIN,
    request_id="req_00000000000000000000000001",
    index=41,
    leaf_hash=hash_leaf(b"entry"),
    at=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
    max_delay_s=600,
)
VECTORS = Path(__file__).parents[3] / "docs" / "specs" / "vectors" / "promise.json"

_visible = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
promises = st.builds(
    Promise,
    origin=st.text(_visible.filter(lambda c: c != "+"), min_size=1, max_size=160),
    request_id=st.text(_visible, min_size=1, max_size=80),
    index=st.integers(0, 10**16 - 1),
    leaf_hash=st.binary(min_size=32, max_size=32),
    at=st.timedeltas(timedelta(0), timedelta(days=365_000)).map(lambda span: datetime(2000, 1, 1, tzinfo=UTC) + span),
    max_delay_s=st.integers(1, MAX_DELAY_S),
)


@given(promise=promises)
def test_a_promise_reads_back_and_fits_a_header(promise: Promise) -> None:
    """What was signed is what is read, and any origin and id that a promise takes stays one line of visible ASCII."""
    signer = NoteSigner(promise.origin, KEY)
    text = sign_promise(promise, signer)
    assert open_promise(text, signer.verifier) == promise
    assert len(text) <= MAX_PROMISE_CHARACTERS
    assert all(" " <= character <= "~" for character in text)


@given(data=st.data())
def test_any_changed_character_makes_it_refused(data: st.DataObject) -> None:
    """Index, leaf, request, time: nothing can be replayed for another entry, and no second spelling opens."""
    text = sign_promise(PROMISE, SIGNER)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=1, max_codepoint=0x2FFF).filter(lambda c: c != text[at]))
    for changed in (text[:at] + other + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + other + text[at:]):
        if changed != text:
            with pytest.raises(PromiseRefused):
                open_promise(changed, SIGNER.verifier)


@given(text=st.text(max_size=600))
def test_whatever_a_header_holds_is_refused_with_a_code(text: str) -> None:
    """Receipts are files of strangers: nothing but PromiseRefused comes out."""
    with pytest.raises(PromiseRefused):
        parse_promise(text)


@pytest.mark.parametrize(
    "field",
    [
        {"origin": ""},
        {"origin": "two words"},
        {"origin": "a+b"},
        {"origin": "関所.example"},
        {"origin": "line\r\nset-cookie: a=b"},
        {"request_id": "req\r\nx: y"},
        {"request_id": ""},
        {"index": -1},
        {"index": 10**16},
        {"leaf_hash": b"short"},
        {"max_delay_s": 0},
        {"max_delay_s": MAX_DELAY_S + 1},
    ],
)
def test_what_could_end_a_header_or_bind_nobody_is_no_promise(field: dict[str, Any]) -> None:
    """The gate never writes it, the reader never takes it."""
    with pytest.raises(PromiseRefused):
        replace(PROMISE, **field)


@pytest.mark.parametrize("spelling", ["041", "+41", "4_1", "\uff14\uff11", " 41", "41.0", ""])
def test_a_number_has_one_spelling(spelling: str) -> None:
    """Two readers must not disagree about the index."""
    with pytest.raises(PromiseRefused):
        parse_promise(sign_promise(PROMISE, SIGNER).replace(" 41 ", f" {spelling} "))


def test_another_key_and_another_log_are_refused() -> None:
    """A forger's key under the log's name, and the log's key under another name, sign nothing of this log's."""
    forger = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    sister = NoteSigner("sekisho.example/calls/gate-1", KEY)
    with pytest.raises(PromiseRefused):
        open_promise(sign_promise(PROMISE, forger), SIGNER.verifier)
    with pytest.raises(PromiseRefused):
        open_promise(sign_promise(PROMISE, SIGNER), sister.verifier)
    with pytest.raises(PromiseRefused):
        sign_promise(PROMISE, sister)
    # A log whose two gates share a key: the origin is signed, so the sister's promise is not this one's.
    moved = sign_promise(replace(PROMISE, origin=sister.verifier.name), sister)
    with pytest.raises(PromiseRefused):
        open_promise(moved.replace("gate-1", "gate-0"), SIGNER.verifier)


def test_no_signature_of_a_promise_is_one_of_a_note_and_none_of_a_note_is_a_promise_s() -> None:
    """Domain separation: what a promise signs cannot be the text of a note, in ours or in anybody's reader."""
    signed = parse_promise(sign_promise(PROMISE, SIGNER))
    message = f"sekisho-promise/v1\x00{signed.statement}"
    KEY.public_key().verify(signed.signature, message.encode())
    with pytest.raises(NoteRefused):
        sign_note(f"{message}\n", SIGNER)
    # The log made to sign the statement as a note: that signature opens no promise.
    for text in (signed.statement, f"{signed.statement}\n"):
        value = SIGNER.sign(text).value
        line = NoteSignature(name=ORIGIN, key_id=SIGNER.verifier.key_id, value=value)
        SIGNER.verifier.verify(text, line)
        with pytest.raises(PromiseRefused):
            open_promise(sign_promise(PROMISE, _Fixed(value)), SIGNER.verifier)


def test_a_promise_s_signature_does_not_make_a_checkpoint() -> None:
    """Pasted under a checkpoint of the same log it is a false line of a known key."""
    note = sign_checkpoint(Checkpoint(origin=ORIGIN, size=42, root=hash_leaf(b"root")), SIGNER)
    text = note.decode().rpartition("\u2014")[0]
    fake = _Fixed(parse_promise(sign_promise(PROMISE, SIGNER)).signature)
    pasted = sign_note(text.removesuffix("\n"), fake)
    with pytest.raises(SekishoError):
        open_checkpoint(pasted, SIGNER.verifier)


def test_the_published_vectors_hold() -> None:
    """docs/specs/promise.md: each good line opens to its fields, each bad one is refused."""
    vectors = json.loads(VECTORS.read_text())
    signer = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vectors["private_key_hex"])))
    assert signer.verifier.vkey == vectors["vkey"]
    for good in vectors["good"]:
        promise = open_promise(good["promise"], signer.verifier)
        assert (promise.origin, promise.request_id, promise.index) == (ORIGIN, good["request_id"], good["index"])
        assert (promise.leaf_hash.hex(), promise.max_delay_s) == (good["leaf_hash_hex"], good["max_delay_s"])
        assert promise.due_at - promise.at == timedelta(seconds=good["max_delay_s"])
        assert sign_promise(promise, signer) == good["promise"]
    for bad in vectors["bad"]:
        with pytest.raises(PromiseRefused):
            open_promise(bad["promise"], signer.verifier)


def test_a_log_promises_what_is_durable_and_nothing_else(programme: Any, clock: Any) -> None:
    """A promise for an entry that a crash may take would be a lie; the delay leaves publication room."""
    log = programme.log("calls/gate-0")
    entry = hash_leaf(b"x")
    with pytest.raises(PromiseRefused):
        log.promise(request_id="req-1", index=0, leaf_hash=entry, at=clock.now())
    now = format_utc(clock.now())
    log.append(programme.entry(EntryKind.DENIALS_COUNTED, opens=now, closes=now, counts={})).result()
    text = log.promise(request_id="req-1", index=0, leaf_hash=entry, at=clock.now())
    promise = parse_promise(text).promise
    assert promise.due_at == clock.now() + timedelta(seconds=MAX_MERGE_DELAY_S)
    assert 100 * PUBLISH_EVERY_S <= MAX_MERGE_DELAY_S <= MAX_DELAY_S


class _Fixed(NoteSigner):
    """Gives a signature that was made over something else."""

    def __init__(self, value: bytes) -> None:
        super().__init__(ORIGIN, KEY)
        self._value = value

    def sign(self, text: str) -> NoteSignature:
        return replace(super().sign(text), value=self._value)


def test_a_promise_that_is_never_due_is_refused() -> None:
    """Dated so late that its hour has no name, it would end whoever asks for that hour."""
    last = datetime.max.replace(tzinfo=UTC)
    assert replace(PROMISE, at=last - timedelta(seconds=600)).due_at == last
    with pytest.raises(PromiseRefused):
        replace(PROMISE, at=last - timedelta(seconds=600) + timedelta.resolution)
