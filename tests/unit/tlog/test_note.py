"""C2SP signed-note: one reading, and every line of a known key verifies."""

import base64
import json
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.tlog.note import (
    MAX_NOTE_SIZE_BYTES,
    MAX_SIGNATURES,
    KeyRefused,
    NoteRefused,
    NoteSignature,
    NoteSigner,
    NoteVerifier,
    VerifierKey,
    encode_signature,
    lines_of,
    open_note,
    parse_note,
    sign_note,
)

SIGNER = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OTHER = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
NOTE = sign_note("one\ntwo\n", SIGNER)

texts = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)), max_size=60).map(lambda text: text + "\n")


@given(text=texts)
def test_a_signed_note_opens_to_its_text(text: str) -> None:
    """Signing and opening are inverse, for any text without control characters."""
    assert open_note(sign_note(text, SIGNER), (OTHER.verifier, SIGNER.verifier)) == text


@settings(max_examples=400)
@given(bit=st.integers(0, 8 * len(NOTE) - 1))
def test_a_note_with_any_bit_flipped_is_refused(bit: int) -> None:
    """No bit of text, blank line, dash, name, key id or signature is free."""
    data = bytearray(NOTE)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteRefused):
        open_note(bytes(data), (SIGNER.verifier,))


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_refusal(data: bytes) -> None:
    """A stranger's bytes never end in another error."""
    for hostile in (data, NOTE[: len(data) % len(NOTE)] + data):
        with pytest.raises(NoteRefused):
            open_note(hostile, (OTHER.verifier,))


@given(st.binary(max_size=200), st.integers(0, len(NOTE)))
def test_any_bytes_are_a_note_of_one_spelling_or_refused(data: bytes, cut: int) -> None:
    """What is read writes to the same bytes: nothing of a note is dropped in reading."""
    for hostile in (data, NOTE[:cut] + data, data + NOTE[cut:], NOTE[:cut] + data + NOTE[cut:]):
        with suppress(NoteRefused):
            parsed = parse_note(hostile)
            lines = "".join(map(encode_signature, parsed.signatures))
            assert f"{parsed.text}\n{lines}".encode() == hostile


@given(st.text(max_size=80), st.integers(0, len(SIGNER.verifier.vkey)))
def test_any_text_is_a_verifier_key_of_one_spelling_or_refused(text: str, cut: int) -> None:
    """A stranger's text ends in a key that prints to the same text, or in KeyRefused."""
    vkey = SIGNER.verifier.vkey
    for hostile in (text, vkey[:cut] + text, text + vkey[cut:], vkey[:cut] + text + vkey[cut:]):
        with suppress(KeyRefused):
            assert VerifierKey.parse(hostile).vkey == hostile


def test_a_line_that_two_keys_could_have_written_is_nobodys() -> None:
    """Two keys of one name and one key id: whichever came last in a list would decide, so neither does."""

    class Twin:
        name, key_id = SIGNER.verifier.name, SIGNER.verifier.key_id

    with pytest.raises(KeyRefused, match="share"):
        lines_of(parse_note(NOTE), (SIGNER.verifier, Twin()))
    assert len(lines_of(parse_note(NOTE), (SIGNER.verifier, SIGNER.verifier))) == 1


def test_a_note_has_room_for_a_hundred_of_the_longest_signatures() -> None:
    """The largest note that the limit of lines allows is within the limit of bytes."""
    line = encode_signature(NoteSignature(name="w" * 255, key_id=b"abcd", value=bytes(8 + 2420)))
    note = f"text\n\n{line * MAX_SIGNATURES}".encode()
    assert len(parse_note(note).signatures) == MAX_SIGNATURES


def test_another_key_of_the_same_name_does_not_open_a_note() -> None:
    """Name and key id must both match; a line of an unknown key counts for nothing."""
    with pytest.raises(NoteRefused, match="no key that we know"):
        open_note(NOTE, (OTHER.verifier,))


def test_every_line_of_a_known_key_must_verify() -> None:
    """Decision: a second, corrupt line of a key that verified already is refused; golang.org/x/mod passes it over."""
    body, _, line = NOTE.rpartition(b"\n\n")
    blob = bytearray(base64.b64decode(line.split(b" ")[2]))
    blob[-1] ^= 1
    corrupt = b" ".join([*line.split(b" ")[:2], base64.b64encode(bytes(blob)) + b"\n"])
    assert open_note(body + b"\n\n" + line + line, (SIGNER.verifier,)) == "one\ntwo\n"
    for lines in (line + corrupt, corrupt + line):
        with pytest.raises(NoteRefused, match="false"):
            open_note(body + b"\n\n" + lines, (SIGNER.verifier,))


def test_sizes_are_bounded() -> None:
    """More lines or bytes than any checkpoint has are refused before anything is verified."""
    body, _, line = NOTE.rpartition(b"\n\n")
    assert open_note(body + b"\n\n" + line * MAX_SIGNATURES, (SIGNER.verifier,))
    with pytest.raises(NoteRefused, match="signature lines"):
        open_note(body + b"\n\n" + line * (MAX_SIGNATURES + 1), (SIGNER.verifier,))
    with pytest.raises(NoteRefused, match="more than"):
        parse_note(b"a" * (MAX_NOTE_SIZE_BYTES + 1))


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "nul\x00\n", "cr\r\n"])
def test_what_is_no_text_of_a_note_is_not_signed(text: str) -> None:
    """A signer refuses what a reader would refuse."""
    with pytest.raises(NoteRefused):
        sign_note(text, SIGNER)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "\ud800"])
def test_a_key_name_is_one_word_without_plus(name: str) -> None:
    """Otherwise a signature line or a verifier key would have two readings."""
    with pytest.raises(KeyRefused):
        NoteSigner(name, Ed25519PrivateKey.from_private_bytes(b"k" * 32))


def test_a_verifier_key_is_read_as_it_is_written_and_in_no_other_spelling() -> None:
    """Parse and print are inverse; a flipped character, upper case, spaces or a lost padding are refused."""
    vkey = SIGNER.verifier.vkey
    assert NoteVerifier.parse(vkey) == SIGNER.verifier
    name, key_id, key = vkey.split("+", 2)
    for bad in (
        vkey.upper(),
        f"{name}+{key_id.upper()}+{key}",
        f"{name}+{key_id}+{key}=",
        f" {vkey}",
        f"{vkey}\n",
        f"{name}x+{key_id}+{key}",
        f"{name}+{'0' * 8}+{key}",
        f"{name}+{key_id}",
    ):
        with pytest.raises(KeyRefused):
            NoteVerifier.parse(bad)


@pytest.mark.parametrize(
    "public_key", [bytes(32), b"\x01" + bytes(31), b"\xee" + b"\xff" * 30 + b"\x7f", b"\x02" + bytes(31)]
)
def test_a_key_that_anybody_can_sign_under_is_no_log_s(public_key: bytes) -> None:
    """Points of small order, a second spelling of a key, and what is no point of the curve."""
    with pytest.raises(KeyRefused):
        NoteVerifier.parse(NoteVerifier(name="log", public_key=public_key).vkey)


def test_the_published_notes_have_their_verdict(vectors: Path) -> None:
    """signed-note.json. Only Ed25519 (0x01) is taken, so notes of other keys stay unverified."""
    for case in json.loads((vectors / "tlog" / "signed-note.json").read_bytes())["notes"]:
        note = base64.b64decode(case["note_base64"])
        verifiers = [NoteVerifier.parse(vkey) for vkey in case["vkeys"] if case["expect"] != "valid-if-0x02-supported"]
        if case["expect"] == "valid":
            assert open_note(note, verifiers).encode() + b"\n" == note[: note.rindex(b"\n\n") + 2], case["name"]
        else:
            with pytest.raises(NoteRefused):
                open_note(note, verifiers)
        if case["expect"] in {"invalid", "unverified"}:
            parse_note(note)
        if case["expect"] == "malformed":
            with pytest.raises(NoteRefused):
                parse_note(note)


def test_the_published_verifier_keys_have_their_verdict(vectors: Path) -> None:
    """signed-note.json: keys of type 0x01 are taken, all else is refused, never read another way."""
    for case in json.loads((vectors / "tlog" / "signed-note.json").read_bytes())["vkeys"]:
        if case["valid"] and case["signature_type"] == 1:
            assert NoteVerifier.parse(case["vkey"]).vkey == case["vkey"]
        else:
            with pytest.raises(KeyRefused):
                NoteVerifier.parse(case["vkey"])


def test_the_library_treats_the_edge_cases_of_ed25519_as_it_did(vectors: Path) -> None:
    """C2SP CCTV: 208 of 914 accepted. If a new `cryptography` differs, log, charter and audit must be looked at."""
    accepted = 0
    for case in json.loads((vectors / "cctv" / "ed25519vectors.json").read_bytes()):
        verifier = NoteVerifier(name="edge", public_key=bytes.fromhex(case["key"]))
        try:
            verifier.verify(case["msg"], NoteSignature(name="edge", key_id=b"", value=bytes.fromhex(case["sig"])))
        except NoteRefused:
            continue
        accepted += 1
    assert accepted == 208
