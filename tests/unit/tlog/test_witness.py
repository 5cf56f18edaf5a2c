"""C2SP tlog-witness: a head is cosigned only if it extends the last, and every refusal has its status."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sekisho.tlog.checkpoint import MAX_SIZE, Checkpoint, encode_checkpoint, sign_checkpoint
from sekisho.tlog.cosignature import CosignatureRefused, CosignatureSigner, verify_cosignatures
from sekisho.tlog.merkle import EMPTY_ROOT, consistency_path, hash_leaf, root_of
from sekisho.tlog.note import NoteRefused, NoteSigner, NoteVerifier, parse_note, sign_note
from sekisho.tlog.witness import (
    MAX_PATH_LENGTH,
    MAX_REQUEST_SIZE_BYTES,
    AddCheckpoint,
    AddCheckpointRefused,
    HeadForked,
    HistoryRefused,
    KnownHead,
    LogSignatureRefused,
    OldSizeConflict,
    OriginUnknown,
    add_cosignatures,
    encode_add_checkpoint,
    judge_add_checkpoint,
    parse_add_checkpoint,
    parse_size_answer,
)

LEAVES = [hash_leaf(bytes([number])) for number in range(40)]
LOG = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OTHER = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
WITNESS = CosignatureSigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
POST_QUANTUM = CosignatureSigner("witness.example/w2", MLDSA44PrivateKey.from_seed_bytes(b"q" * 32))


def head(size: int, *, root: bytes | None = None, signer: NoteSigner = LOG) -> bytes:
    made = root_of(LEAVES[:size]) if root is None else root
    return sign_checkpoint(Checkpoint(origin=LOG.verifier.name, size=size, root=made), signer)


def request(old: int, new: int, *, path: tuple[bytes, ...] | None = None, note: bytes | None = None) -> AddCheckpoint:
    proof = consistency_path(LEAVES[:new], old) if path is None else path
    return AddCheckpoint(old_size=old, path=proof, note=note or head(new))


def known(size: int) -> KnownHead:
    return KnownHead(size=size, root=root_of(LEAVES[:size]))


def judge(made: AddCheckpoint, before: KnownHead) -> Checkpoint:
    return judge_add_checkpoint(made, (LOG.verifier,), before)


def answer_to(body: bytes, verifiers: dict[str, NoteVerifier], record: dict[str, KnownHead]) -> tuple[int, bytes]:
    try:
        asked = parse_add_checkpoint(body)
        assert encode_add_checkpoint(asked) == body
        origin = asked.checkpoint.origin
        taken = judge_add_checkpoint(
            asked, [verifiers[origin]] if origin in verifiers else [], record.get(origin, KnownHead())
        )
    except OldSizeConflict as error:
        return error.status, error.body
    except AddCheckpointRefused as error:
        return error.status, b""
    record[origin] = KnownHead(size=taken.size, root=taken.root)
    return 200, b""


def test_the_published_requests_have_their_status(vectors: Path) -> None:
    """witness-add-checkpoint.json, in order, from an empty record."""
    play = json.loads((vectors / "tlog" / "witness-add-checkpoint.json").read_bytes())
    verifier = NoteVerifier.parse(play["log_vkey"])
    record: dict[str, KnownHead] = {}
    for step in play["steps"]:
        made = answer_to(step["request"].encode(), {verifier.name: verifier}, record)
        assert made == (step["status"], step.get("response_body", "").encode()), step["name"]
    assert record[verifier.name].size == 5


@pytest.mark.parametrize("old", range(0, 40, 3))
def test_every_larger_tree_of_one_log_is_taken(old: int) -> None:
    """From any size, the empty tree and the same tree among them, an honest log always gets its cosignature."""
    for new in range(old, 41):
        assert judge(request(old, new), known(old)).size == new


def test_from_the_empty_tree_the_path_is_empty() -> None:
    """C2SP: old size 0 goes with an empty proof, whatever the new root is."""
    assert judge(request(0, 7, path=()), KnownHead()).size == 7
    with pytest.raises(HistoryRefused, match="too long"):
        judge(request(0, 7, path=(LEAVES[0],)), KnownHead())


def test_a_log_that_nobody_listed_is_unknown() -> None:
    """404, also if the witness knows other logs."""
    elsewhere = NoteVerifier(name="other.example/log", public_key=LOG.verifier.public_key)
    for verifiers in ((), (elsewhere,)):
        with pytest.raises(OriginUnknown) as caught:
            judge_add_checkpoint(request(0, 1), verifiers, KnownHead())
        assert caught.value.status == 404


def test_another_key_of_the_same_name_signs_nothing() -> None:
    """403, and the same for a head that nobody signed rightly."""
    with pytest.raises(LogSignatureRefused) as caught:
        judge(request(0, 3, note=head(3, signer=OTHER)), KnownHead())
    assert caught.value.status == 403


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    """A checkpoint that carries other witnesses' lines already is judged by the log's line alone."""
    note = head(3) + WITNESS.sign(parse_note(head(3)).text, time_s=9).encode()
    assert judge(request(0, 3, note=note), KnownHead()).size == 3


def test_an_old_size_above_the_new_one_is_a_bad_request() -> None:
    """400, and before the record is told to a stranger's request."""
    with pytest.raises(AddCheckpointRefused) as caught:
        judge(AddCheckpoint(old_size=4, path=(), note=head(3)), known(4))
    assert caught.value.status == 400


def test_a_request_from_another_size_learns_the_size() -> None:
    """409 with the size cosigned last: so a log that lost its state finds back."""
    with pytest.raises(OldSizeConflict) as caught:
        judge(request(0, 9), known(5))
    assert (caught.value.status, caught.value.body) == (409, b"5\n")


def test_two_roots_for_one_size_are_a_fork_and_the_note_is_kept() -> None:
    """409 with the evidence; with a path beside, the proof already fails: 422."""
    forged = head(5, root=LEAVES[0])
    with pytest.raises(HeadForked) as caught:
        judge(request(5, 5, path=(), note=forged), known(5))
    assert (caught.value.status, caught.value.note) == (409, forged)
    with pytest.raises(HistoryRefused) as refused:
        judge(request(5, 5, path=(LEAVES[0],), note=forged), known(5))
    assert refused.value.status == 422


@given(old=st.integers(1, 39), data=st.data())
def test_a_tree_that_does_not_begin_with_the_cosigned_one_is_never_taken(old: int, data: st.DataObject) -> None:
    """422, whatever path is sent: the log rewrote an entry below the size that was cosigned."""
    new, at = data.draw(st.integers(old + 1, 40)), data.draw(st.integers(0, old - 1))
    rewritten = [*LEAVES[:at], hash_leaf(b"other"), *LEAVES[at + 1 : new]]
    note = head(new, root=root_of(rewritten))
    for path in (consistency_path(rewritten, old), consistency_path(LEAVES[:new], old), ()):
        with pytest.raises(HistoryRefused) as caught:
            judge(request(old, new, path=path, note=note), known(old))
        assert (caught.value.status, caught.value.note) == (422, note)


hashes = st.binary(min_size=32, max_size=32)


@given(old=st.integers(0, MAX_SIZE), path=st.lists(hashes, max_size=MAX_PATH_LENGTH).map(tuple), new=st.integers(0, 40))
def test_a_request_is_read_as_it_was_written(old: int, path: tuple[bytes, ...], new: int) -> None:
    """Parse and encode are inverse."""
    made = AddCheckpoint(old_size=old, path=path, note=head(new))
    assert parse_add_checkpoint(encode_add_checkpoint(made)) == made


BODY = encode_add_checkpoint(request(3, 11))


@given(st.binary(max_size=200), st.integers(0, len(BODY)))
def test_any_bytes_are_a_request_or_refused(data: bytes, cut: int) -> None:
    """A stranger's bytes end in a request that writes to the same bytes, or in a refusal."""
    for hostile in (data, BODY[:cut] + data, data + BODY[cut:], BODY[:cut] + data + BODY[cut:]):
        with suppress(AddCheckpointRefused):
            assert encode_add_checkpoint(parse_add_checkpoint(hostile)) == hostile


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 00\n\n" + head(1),
        b"old +1\n\n" + head(1),
        b"old 1\r\n\n" + head(1),
        b"old 1\n" + head(1),
        b"\nold 1\n\n" + head(1),
        b"Old 1\n\n" + head(1),
        "old \uff11\n\n".encode() + head(1),
        b"old 9223372036854775808\n\n" + head(1),
        b"old 1\nAAAA\n\n" + head(1),
        b"old 1\n" + b"A" * 42 + b"B=\n\n" + head(1),
        b"old 1\n\n" + head(1) + b"x" * MAX_REQUEST_SIZE_BYTES,
        b"old 1\n" + (b"A" * 43 + b"=\n") * (MAX_PATH_LENGTH + 1) + b"\n" + head(1),
    ],
)
def test_a_malformed_request_is_refused(body: bytes) -> None:
    """Leading zeros, signs, other digits, loose base64, too much of anything: 400."""
    with pytest.raises(AddCheckpointRefused):
        parse_add_checkpoint(body)


@pytest.mark.parametrize("body", [b"", b"5", b"05\n", b"-5\n", b"5\n5\n", b"9223372036854775808\n", b" 5\n"])
def test_what_is_no_size_is_refused(body: bytes) -> None:
    """The body of a 409 is one number and a newline."""
    with pytest.raises(AddCheckpointRefused):
        parse_size_answer(body)


def test_a_witness_answer_is_joined_to_the_checkpoint() -> None:
    """Both kinds of line are moved over, those of unknown keys are not; the log's own line stays."""
    note, stranger = head(3), CosignatureSigner("x", Ed25519PrivateKey.from_private_bytes(b"x" * 32))
    text = parse_note(note).text
    answer = "".join(signer.sign(text, time_s=7) for signer in (stranger, WITNESS, POST_QUANTUM)).encode()
    verifiers = (WITNESS.verifier, POST_QUANTUM.verifier)
    joined = add_cosignatures(note, answer, verifiers)
    assert verify_cosignatures(parse_note(joined), verifiers) == dict.fromkeys(verifiers, 7)
    assert [line.name for line in parse_note(joined).signatures] == [
        LOG.verifier.name,
        WITNESS.verifier.name,
        POST_QUANTUM.verifier.name,
    ]


def test_an_answer_that_is_not_a_true_dated_cosignature_is_refused() -> None:
    """Nothing, prose, another text, another checkpoint's cosignature, and one that states no time."""
    note = head(3)
    text, other = parse_note(note).text, parse_note(head(4)).text
    for answer in (b"", b"ok\n", b"more\n\n" + WITNESS.sign(text, time_s=7).encode()):
        with pytest.raises(NoteRefused):
            add_cosignatures(note, answer, (WITNESS.verifier,))
    undated = POST_QUANTUM.sign(text, time_s=0).encode()
    for answer in (WITNESS.sign(other, time_s=7).encode(), undated):
        with pytest.raises(CosignatureRefused):
            add_cosignatures(note, answer, (WITNESS.verifier, POST_QUANTUM.verifier))
    with pytest.raises(CosignatureRefused, match="no cosignature of a known witness"):
        add_cosignatures(note, WITNESS.sign(text, time_s=7).encode(), (POST_QUANTUM.verifier,))


def test_before_the_first_head_a_witness_knows_the_empty_tree() -> None:
    """Size 0 has one root; a log that signs another shows no two heads, but proves nothing: 422."""
    assert KnownHead() == KnownHead(size=0, root=EMPTY_ROOT)
    other = encode_checkpoint(Checkpoint(origin=LOG.verifier.name, size=0, root=LEAVES[0]))
    with pytest.raises(HistoryRefused) as caught:
        judge(request(0, 0, path=(), note=sign_note(other, LOG)), KnownHead())
    assert caught.value.status == 422
