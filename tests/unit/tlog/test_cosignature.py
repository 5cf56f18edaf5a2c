"""C2SP tlog-cosignature: a cosignature says one thing, and what may not be said is not signed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.tlog.base64_strict import encode_base64
from sekisho.tlog.checkpoint import Checkpoint, CheckpointRefused, encode_checkpoint, sign_checkpoint
from sekisho.tlog.cosignature import (
    ED25519_COSIGNATURE,
    MAX_TIME_S,
    MLDSA44_COSIGNATURE,
    CosignatureRefused,
    CosignatureSigner,
    CosignatureVerifier,
    CosignedSubtree,
    verify_cosignatures,
)
from sekisho.tlog.merkle import EMPTY_ROOT, hash_leaf
from sekisho.tlog.note import (
    KeyRefused,
    Note,
    NoteRefused,
    NoteSignature,
    NoteSigner,
    NoteVerifier,
    encode_signature,
    open_note,
    parse_note,
)

ED = CosignatureSigner("witness.example/ed", Ed25519PrivateKey.from_private_bytes(b"e" * 32))
PQ = CosignatureSigner("witness.example/pq", MLDSA44PrivateKey.from_seed_bytes(b"p" * 32))
ED_OTHER = CosignatureSigner("witness.example/ed", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
LOG = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
HEAD = Checkpoint(origin=LOG.verifier.name, size=9, root=hash_leaf(b"root"))
TEXT = encode_checkpoint(HEAD)
SIGNED = sign_checkpoint(HEAD, LOG)
SMALL_ORDER = bytes([1]) + bytes(31)


class NeverUsed:
    """A private key that says whose it is and signs nothing: touching it fails the test."""

    def __init__(self, key: Any) -> None:
        self.public_key = key.public_key

    def sign(self, message: bytes) -> bytes:
        raise AssertionError("the key was used")


def untouchable(signer: CosignatureSigner) -> CosignatureSigner:
    signer = CosignatureSigner(signer.verifier.name, signer._key)
    signer._key = NeverUsed(signer._key)  # type: ignore[assignment]
    return signer


def note_of(*lines: str, text: str = TEXT) -> Note:
    return parse_note(f"{text}\n{''.join(lines)}".encode())


def line_of(signature_line: str) -> NoteSignature:
    return note_of(signature_line).signatures[0]


@pytest.fixture
def published(vectors: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((vectors / "tlog" / "cosignature.json").read_bytes())
    return made


@pytest.mark.parametrize("signer", [ED, PQ], ids=["ed25519", "mldsa44"])
@settings(max_examples=25)
@given(time_s=st.integers(1, MAX_TIME_S), size=st.integers(1, 2**63 - 1))
def test_what_is_cosigned_verifies_and_says_when(signer: CosignatureSigner, time_s: int, size: int) -> None:
    """Signing and verifying are inverse, for every time and size that the formats can say."""
    text = encode_checkpoint(replace(HEAD, size=size))
    note = note_of(signer.sign(text, time_s=time_s), text=text)
    assert verify_cosignatures(note, (signer.verifier,)) == {signer.verifier: time_s}


def test_log_and_witnesses_are_read_from_one_note() -> None:
    """A log's verifier passes the witnesses' lines over, and theirs the log's."""
    note = SIGNED + (ED.sign(TEXT, time_s=5) + PQ.sign(TEXT, time_s=6)).encode()
    assert open_note(note, (LOG.verifier,)) == TEXT
    assert verify_cosignatures(parse_note(note), (ED.verifier, PQ.verifier)) == {ED.verifier: 5, PQ.verifier: 6}
    assert verify_cosignatures(parse_note(SIGNED), (ED.verifier, PQ.verifier)) == {}


def test_unknown_keys_are_passed_over_and_false_lines_of_known_keys_are_not() -> None:
    """A line counts by name and key id; once it does, it must be true."""
    stranger = ED_OTHER.sign(TEXT, time_s=5)
    assert verify_cosignatures(note_of(stranger, ED.sign(TEXT, time_s=6)), (ED.verifier,)) == {ED.verifier: 6}
    stolen = replace(line_of(stranger), key_id=ED.verifier.key_id)
    for lines in (
        (encode_signature(stolen), ED.sign(TEXT, time_s=6)),
        (ED.sign(TEXT, time_s=6), encode_signature(stolen)),
    ):
        with pytest.raises(CosignatureRefused, match="false"):
            verify_cosignatures(note_of(*lines), (ED.verifier,))


def test_a_key_counts_once_with_its_latest_time() -> None:
    """Three lines of one key are one witness."""
    lines = [ED.sign(TEXT, time_s=time_s) for time_s in (5, 9, 7)]
    assert verify_cosignatures(note_of(*lines), (ED.verifier, ED.verifier)) == {ED.verifier: 9}


def test_two_keys_that_a_line_cannot_tell_apart_are_refused() -> None:
    """With one name and one key id, a line would be the one's or the other's by the order of a list."""

    class Twin:
        name = ED.verifier.name
        key_id = ED.verifier.key_id

    with pytest.raises(KeyRefused, match="share"):
        verify_cosignatures(note_of(ED.sign(TEXT, time_s=5)), (ED.verifier, Twin()))  # type: ignore[arg-type]


@pytest.mark.parametrize("signer", [ED, PQ], ids=["ed25519", "mldsa44"])
@settings(max_examples=60)
@given(data=st.data())
def test_a_line_with_any_bit_flipped_is_refused(signer: CosignatureSigner, data: st.DataObject) -> None:
    """Time and signature are covered to the last bit."""
    line = line_of(signer.sign(TEXT, time_s=1_700_000_000))
    bit = data.draw(st.one_of(st.integers(0, 63), st.integers(0, 8 * len(line.value) - 1)))
    value = bytearray(line.value)
    value[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CosignatureRefused):
        signer.verifier.verify(TEXT, replace(line, value=bytes(value)))


@pytest.mark.parametrize("signer", [ED, PQ], ids=["ed25519", "mldsa44"])
def test_a_line_of_another_length_is_refused(signer: CosignatureSigner) -> None:
    """A signature without time, or with more, is not one of this type; no slice of it is tried."""
    line = line_of(signer.sign(TEXT, time_s=5))
    for value in (line.value[8:], line.value[:-1], line.value + b"\0", b""):
        with pytest.raises(CosignatureRefused, match="its type"):
            signer.verifier.verify(TEXT, replace(line, value=value))


def test_ed25519_covers_extension_lines_and_mldsa44_does_not() -> None:
    """The two types differ here by specification: only the first three lines are anybody's statement."""
    extended = TEXT + "extension\n"
    assert PQ.verifier.verify(extended, line_of(PQ.sign(TEXT, time_s=5))) == 5
    with pytest.raises(CosignatureRefused):
        ED.verifier.verify(extended, line_of(ED.sign(TEXT, time_s=5)))


def test_mldsa44_covers_the_cosigners_name_and_ed25519_does_not() -> None:
    """Why one Ed25519 key is for one name: its line verifies under another name of the key."""
    renamed = [CosignatureVerifier(name="x", type=v.type, public_key=v.public_key) for v in (ED.verifier, PQ.verifier)]
    assert renamed[0].verify(TEXT, line_of(ED.sign(TEXT, time_s=5))) == 5
    with pytest.raises(CosignatureRefused):
        renamed[1].verify(TEXT, line_of(PQ.sign(TEXT, time_s=5)))


@pytest.mark.parametrize("signer", [ED, PQ], ids=["ed25519", "mldsa44"])
def test_what_is_no_checkpoint_is_neither_signed_nor_verified(signer: CosignatureSigner) -> None:
    """A cosignature is on a checkpoint; the key stays untouched by other text."""
    line = line_of(signer.sign(TEXT, time_s=5))
    for text in ("", "one\n", TEXT[:-1], TEXT.replace("\n9\n", "\n09\n")):
        with pytest.raises(CheckpointRefused):
            untouchable(signer).sign(text, time_s=5)
        with pytest.raises(CheckpointRefused):
            signer.verifier.verify(text, line)


@pytest.mark.parametrize(
    ("signer", "head", "time_s"),
    [
        (ED, HEAD, 0),
        (ED, HEAD, -1),
        (ED, HEAD, MAX_TIME_S + 1),
        (PQ, HEAD, MAX_TIME_S + 1),
        (PQ, HEAD, -1),
        (ED, replace(HEAD, size=0), 5),
        (PQ, replace(HEAD, size=0), 5),
        (PQ, replace(HEAD, origin="t" * 256), 5),
        (PQ, replace(HEAD, origin="関" * 86), 5),
    ],
)
def test_what_may_not_be_said_is_refused_before_the_key_is_used(
    signer: CosignatureSigner, head: Checkpoint, time_s: int
) -> None:
    """No time, a time that is out of range, a false empty tree, an origin too long for the message."""
    with pytest.raises(CosignatureRefused):
        untouchable(signer).sign(encode_checkpoint(head), time_s=time_s)


def test_the_head_of_an_empty_log_is_cosigned() -> None:
    """Size 0 with the empty root is a checkpoint like any other."""
    text = encode_checkpoint(replace(HEAD, size=0, root=EMPTY_ROOT))
    lines = (ED.sign(text, time_s=5), PQ.sign(text, time_s=5))
    assert len(verify_cosignatures(note_of(*lines, text=text), (ED.verifier, PQ.verifier))) == 2


def test_the_published_ed25519_cosignatures_have_their_verdict(published: dict[str, Any]) -> None:
    """cosignature.json, type 0x04. A key listed as 0x01 is no cosigner's."""
    for case in published["ed25519"]["cases"]:
        note = parse_note(case["note"].encode())
        if case["expect"] == "valid":
            verifier = CosignatureVerifier.parse(case["vkey"])
            assert verifier.vkey == case["vkey"]
            assert verify_cosignatures(note, (verifier,)) == {verifier: case["timestamp"]}
        elif case["expect"] == "invalid":
            with pytest.raises(CosignatureRefused):
                verify_cosignatures(note, (CosignatureVerifier.parse(case["vkey"]),))
        else:
            assert case["expect"] == "unverified"
            with pytest.raises(KeyRefused):
                CosignatureVerifier.parse(case["vkey"])
            with pytest.raises(NoteRefused):
                open_note(case["note"].encode(), (NoteVerifier.parse(case["vkey"]),))


def test_the_published_lines_hold_their_times(published: dict[str, Any]) -> None:
    """cosignature.json, parse_only: key id, then eight bytes of time, then 64 of signature, and nothing else."""
    for case in published["parse_only"]["cases"]:
        line = f"\u2014 witness.example {case['base64']}\n"
        if case["expect"] == "parses":
            signature = line_of(line)
            assert signature.key_id.hex() == case["key_id"]
            assert ED.verifier._split(signature)[0] == case["timestamp"]
        else:
            with pytest.raises((NoteRefused, CosignatureRefused)):
                ED.verifier._split(line_of(line))


def test_the_published_mldsa44_checkpoints_have_their_verdict(published: dict[str, Any]) -> None:
    """cosignature.json, type 0x06: times, extension lines, other sizes and origins, a subtree's line."""
    part = published["mldsa44"]
    verifier = CosignatureVerifier.parse(part["vkey"])
    assert verifier.vkey == part["vkey"]
    for case in part["checkpoints"]:
        note = parse_note(case["note"].encode())
        if case["expect"] == "valid":
            assert verify_cosignatures(note, (verifier,)) == {verifier: case["timestamp"]}
        else:
            with pytest.raises(CosignatureRefused):
                verify_cosignatures(note, (verifier,))
    assert CosignatureVerifier.parse(published["published_mldsa44_vkey"]["vkey"]).type == MLDSA44_COSIGNATURE


def test_the_published_messages_are_what_is_signed(published: dict[str, Any]) -> None:
    """The message, not the signature, which may be randomised; then our own signature over it verifies."""
    part = published["mldsa44"]
    signer = CosignatureSigner(
        CosignatureVerifier.parse(part["vkey"]).name, MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(part["seed_hex"]))
    )
    assert signer.verifier.vkey == part["vkey"]
    for case in part["checkpoints"]:
        if "root_hex" in case:
            said = CosignedSubtree(
                origin=case["origin"],
                start=case["start"],
                end=case["end"],
                root=bytes.fromhex(case["root_hex"]),
                time_s=case["timestamp"],
            )
            assert said.message(signer.verifier.name).hex() == case["cosigned_message_hex"]
    text = parse_note(part["checkpoints"][0]["note"].encode()).text
    assert signer.verifier.verify(text, line_of(signer.sign(text, time_s=7))) == 7


def test_the_published_subtrees_have_their_verdict(published: dict[str, Any]) -> None:
    """A valid one verifies and is signed; the others are refused before the key is used."""
    part = published["mldsa44"]
    key = MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(part["seed_hex"]))
    signer = CosignatureSigner(CosignatureVerifier.parse(part["vkey"]).name, key)

    def sign(case: dict[str, Any]) -> tuple[CosignedSubtree, str]:
        said = CosignedSubtree(
            origin=case["origin"],
            start=case["start"],
            end=case["end"],
            root=bytes.fromhex(case["hash_hex"]),
            time_s=case["timestamp"],
        )
        return said, (signer if case["expect"] == "valid" else untouchable(signer)).sign_subtree(said)

    for case in part["subtrees"]:
        if case["expect"] != "valid":
            with pytest.raises(CosignatureRefused):
                sign(case)
            continue
        said, line = sign(case)
        assert said.message(signer.verifier.name).hex() == case["cosigned_message_hex"]
        for made in (line, case["signature_line"]):
            signer.verifier.verify_subtree(said, line_of(made))
            with pytest.raises(CosignatureRefused):
                signer.verifier.verify_subtree(replace(said, end=said.end - 1), line_of(made))


def test_ed25519_cosigns_no_subtree_and_a_subtree_line_states_its_own_time() -> None:
    """Only type 0x06 knows subtrees."""
    said = CosignedSubtree(origin="log", start=0, end=4, root=hash_leaf(b""), time_s=5)
    for refused in (
        lambda: untouchable(ED).sign_subtree(said),
        lambda: ED.verifier.verify_subtree(said, line_of(ED.sign(TEXT, time_s=5))),
    ):
        with pytest.raises(CosignatureRefused, match="checkpoints only"):
            refused()
    with pytest.raises(CosignatureRefused, match="another time"):
        PQ.verifier.verify_subtree(replace(said, time_s=6), line_of(PQ.sign_subtree(said)))


def test_keys_that_are_no_cosigners_are_refused() -> None:
    """A log's type, another length, a key that anybody can sign under, a name that does not fit the message."""
    for type_, public_key in ((0x01, b"k" * 32), (ED25519_COSIGNATURE, b"k" * 31), (MLDSA44_COSIGNATURE, b"k" * 32)):
        with pytest.raises(KeyRefused):
            CosignatureVerifier(name="w", type=type_, public_key=public_key)
    with pytest.raises(KeyRefused, match="small order"):
        CosignatureVerifier(name="w", type=ED25519_COSIGNATURE, public_key=SMALL_ORDER)
    for name, signer in (("w" * 256, PQ), ("a b", ED), ("\ud800", ED), ("", PQ)):
        with pytest.raises(KeyRefused):
            CosignatureSigner(name, signer._key)


@given(st.text(max_size=80), st.binary(max_size=40))
def test_any_text_is_a_verifier_key_or_refused(text: str, data: bytes) -> None:
    """A stranger's key ends in a key of one spelling, or in KeyRefused."""
    for vkey in (text, f"{text}+00000000+{encode_base64(data)}", ED.verifier.vkey[: len(text)] + text):
        with pytest.raises(KeyRefused):
            CosignatureVerifier.parse(vkey)


@given(st.binary(max_size=100), st.sampled_from([ED, PQ]))
def test_any_bytes_are_no_cosignature(value: bytes, signer: CosignatureSigner) -> None:
    """A stranger's line ends in a refusal."""
    line = NoteSignature(name=signer.verifier.name, key_id=signer.verifier.key_id, value=value)
    with pytest.raises(CosignatureRefused):
        signer.verifier.verify(TEXT, line)


def test_wycheproof_agrees_on_mldsa44(vectors: Path) -> None:
    """All 180. Cosigned messages have the empty context; tests with another one go to the library below us."""
    seen = 0
    for group in json.loads((vectors / "wycheproof" / "mldsa_44_verify_test.json").read_bytes())["testGroups"]:
        for test in group["tests"]:
            seen += 1
            public_key = bytes.fromhex(group["publicKey"])
            accepts = _accepts_with_context if test.get("ctx") else _accepts
            assert accepts(MLDSA44_COSIGNATURE, public_key, test) is (test["result"] == "valid"), test["comment"]
    assert seen == 180


def test_wycheproof_agrees_on_ed25519(vectors: Path) -> None:
    """All 151."""
    seen = 0
    for group in json.loads((vectors / "wycheproof" / "ed25519_test.json").read_bytes())["testGroups"]:
        public_key = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            seen += 1
            assert _accepts(ED25519_COSIGNATURE, public_key, test) is (test["result"] == "valid"), test["comment"]
    assert seen == 151


def _accepts(type_: int, public_key: bytes, test: dict[str, str]) -> bool:
    try:
        verifier = CosignatureVerifier(name="wycheproof", type=type_, public_key=public_key)
        verifier._verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
    except (KeyRefused, CosignatureRefused):
        return False
    return True


def _accepts_with_context(_type: int, public_key: bytes, test: dict[str, str]) -> bool:
    try:
        MLDSA44PublicKey.from_public_bytes(public_key).verify(
            bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]), bytes.fromhex(test["ctx"])
        )
    except (InvalidSignature, ValueError):
        return False
    return True
