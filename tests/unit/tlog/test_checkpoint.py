"""C2SP tlog-checkpoint: one reading, and a key vouches for its own log alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import SekishoError
from sekisho.tlog.checkpoint import (
    MAX_SIZE,
    Checkpoint,
    CheckpointRefused,
    ForkShown,
    encode_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    require_same_tree,
    sign_checkpoint,
)
from sekisho.tlog.cosignature import CosignatureVerifier, verify_cosignatures
from sekisho.tlog.merkle import EMPTY_ROOT
from sekisho.tlog.note import NoteSigner, NoteVerifier, parse_note, sign_note

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SIGNER = NoteSigner("sekisho.example/decisions", KEY)


@given(size=st.integers(1, MAX_SIZE), root=st.binary(min_size=32, max_size=32))
def test_a_checkpoint_opens_to_what_was_signed(size: int, root: bytes) -> None:
    """Signing and opening are inverse."""
    checkpoint = Checkpoint(origin=SIGNER.verifier.name, size=size, root=root)
    assert parse_checkpoint(encode_checkpoint(checkpoint)) == checkpoint
    assert open_checkpoint(sign_checkpoint(checkpoint, SIGNER), SIGNER.verifier) == checkpoint


@given(st.text(alphabet="s/0129+=\nAa\u0665 ", max_size=80))
def test_any_text_is_refused_or_is_exactly_what_would_be_written(text: str) -> None:
    """One checkpoint has one spelling."""
    try:
        checkpoint = parse_checkpoint(text)
    except CheckpointRefused:
        return
    assert encode_checkpoint(checkpoint) == text


def test_a_log_signs_for_its_own_origin_alone() -> None:
    """A key that is named for one log never vouches for another, whichever side is asked."""
    other = Checkpoint(origin="sekisho.example/calls/gate-0", size=0, root=EMPTY_ROOT)
    with pytest.raises(CheckpointRefused):
        sign_checkpoint(other, SIGNER)
    with pytest.raises(CheckpointRefused):
        open_checkpoint(sign_note(encode_checkpoint(other), SIGNER), SIGNER.verifier)


def test_an_empty_tree_has_one_root() -> None:
    """A checkpoint of size 0 with another root may be read, and is never signed."""
    with pytest.raises(CheckpointRefused, match="empty root"):
        sign_checkpoint(Checkpoint(origin=SIGNER.verifier.name, size=0, root=b"\x01" * 32), SIGNER)


def test_the_published_bodies_have_the_verdict_of_the_specification(vectors: Path) -> None:
    """checkpoint.json. Where transparency-dev/formats is laxer (short roots, empty lines), the text wins."""
    for case in json.loads((vectors / "tlog" / "checkpoint.json").read_bytes())["cases"]:
        if case["c2sp"] == "invalid":
            with pytest.raises(CheckpointRefused):
                parse_checkpoint(case["text"])
            continue
        checkpoint = parse_checkpoint(case["text"])
        assert encode_checkpoint(checkpoint) == case["text"]
        if "root_hex" in case:
            assert (checkpoint.origin, checkpoint.size, checkpoint.root.hex(), list(checkpoint.extensions)) == (
                case["origin"],
                case["size"],
                case["root_hex"],
                case["extension"],
            )


def test_every_checkpoint_of_tesseras_log_opens_under_its_key_and_no_other(vectors: Path) -> None:
    """Sixteen checkpoints that another implementation signed."""
    verifier = NoteVerifier.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    for size in range(16):
        note = (vectors / "tlog" / "tessera-log" / f"checkpoint.{size}").read_bytes()
        assert open_checkpoint(note, verifier).size == size
        with pytest.raises(SekishoError):
            open_checkpoint(note, SIGNER.verifier)


def test_two_roots_for_one_size_are_a_fork_and_both_notes_are_kept() -> None:
    """What proves a fork is the two signed notes; sizes that differ prove nothing either way."""
    head = Checkpoint(origin=SIGNER.verifier.name, size=5, root=b"a" * 32)
    first, second = (sign_checkpoint(replace(head, root=root), SIGNER) for root in (b"a" * 32, b"b" * 32))
    with pytest.raises(ForkShown, match="two roots for size 5") as caught:
        require_same_tree(first, second)
    assert caught.value.notes == (first, second)
    require_same_tree(first, first)
    require_same_tree(first, sign_checkpoint(replace(head, size=6, root=b"b" * 32), SIGNER))


def test_heads_of_two_logs_are_not_compared() -> None:
    """Two logs have two trees; and what is no checkpoint is refused as such."""
    other = NoteSigner("sekisho.example/calls", KEY)
    heads = [sign_checkpoint(Checkpoint(origin=s.verifier.name, size=1, root=b"a" * 32), s) for s in (SIGNER, other)]
    with pytest.raises(CheckpointRefused, match="origins"):
        require_same_tree(*heads)
    with pytest.raises(CheckpointRefused):
        require_same_tree(heads[0], sign_note("text\n", SIGNER))


def test_the_published_fork_is_seen(vectors: Path) -> None:
    """cosignature.json: `witness` and `mirror` cosigned two roots of rome2026h1.example.org at size 300."""
    cases = json.loads((vectors / "tlog" / "cosignature.json").read_bytes())["ed25519"]["cases"]
    notes = [case["note"].encode() for case in cases[:2]]
    for case, note in zip(cases, notes, strict=False):
        verify_cosignatures(parse_note(note), (CosignatureVerifier.parse(case["vkey"]),))
    with pytest.raises(ForkShown) as caught:
        require_same_tree(*notes)
    assert caught.value.notes == tuple(notes)
