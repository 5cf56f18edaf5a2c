"""C2SP tlog-proof: one file shows that an entry is in a witnessed log, and no other file does."""

import base64
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core import SekishoError
from sekisho.tlog.checkpoint import Checkpoint, sign_checkpoint
from sekisho.tlog.cosignature import CosignatureSigner
from sekisho.tlog.merkle import InclusionRefused, hash_leaf, inclusion_path, root_of
from sekisho.tlog.note import NoteSigner, parse_note
from sekisho.tlog.policy import Policy, PolicyUnmet
from sekisho.tlog.proof import (
    MAX_EXTRA_SIZE_BYTES,
    MAX_PATH_LENGTH,
    MAX_PROOF_SIZE_BYTES,
    Proof,
    ProofRefused,
    check_proof,
    check_proof_of_hash,
    encode_proof,
    parse_proof,
)

LOG = NoteSigner("sekisho.example/decisions", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
WITNESS = CosignatureSigner("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
POLICY = Policy.parse(f"log {LOG.verifier.vkey}\nwitness w {WITNESS.verifier.vkey}\nquorum w\n".encode())
ENTRIES = [str(number).encode() for number in range(13)]
LEAVES = [hash_leaf(entry) for entry in ENTRIES]


def head(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(origin=LOG.verifier.name, size=size, root=root_of(LEAVES[:size])), LOG)


def witnessed(size: int) -> bytes:
    return head(size) + WITNESS.sign(parse_note(head(size)).text, time_s=7).encode()


def proof_of(index: int, size: int) -> Proof:
    return Proof(index=index, path=inclusion_path(LEAVES[:size], index), checkpoint=witnessed(size))


FILE = encode_proof(proof_of(5, 13))


@pytest.mark.parametrize("size", range(1, 14))
def test_every_entry_of_every_size_is_proved_by_a_file(size: int) -> None:
    """Written, read and checked; any other entry or index is refused."""
    for index in range(size):
        proof = parse_proof(encode_proof(proof_of(index, size)))
        assert check_proof(proof, ENTRIES[index], POLICY) == check_proof_of_hash(proof, LEAVES[index], POLICY)
        assert check_proof(proof, ENTRIES[index], POLICY, log=LOG.verifier).checkpoint.size == size
        with pytest.raises(InclusionRefused):
            check_proof(proof, b"another entry", POLICY)
        with pytest.raises(InclusionRefused):
            check_proof(replace(proof, index=(index + 1) % 14), ENTRIES[index], POLICY)


def test_a_proof_is_no_better_than_its_checkpoint() -> None:
    """A head without quorum, or of another size, proves nothing."""
    with pytest.raises(PolicyUnmet):
        check_proof(replace(proof_of(5, 13), checkpoint=head(13)), ENTRIES[5], POLICY)
    with pytest.raises(InclusionRefused):
        check_proof(replace(proof_of(5, 13), checkpoint=witnessed(12)), ENTRIES[5], POLICY)


def test_the_extra_data_is_carried_and_trusted_by_nobody() -> None:
    """It changes no verdict; empty extra data is not the same as none."""
    for extra in (b"", b"x", b"x" * MAX_EXTRA_SIZE_BYTES):
        proof = replace(proof_of(5, 13), extra=extra)
        assert parse_proof(encode_proof(proof)) == proof
        assert check_proof(proof, ENTRIES[5], POLICY).checkpoint.size == 13
    assert b"\nextra \n" in encode_proof(replace(proof_of(5, 13), extra=b""))


@settings(max_examples=300)
@given(bit=st.integers(0, 8 * len(FILE) - 1))
def test_a_file_with_any_bit_flipped_proves_nothing(bit: int) -> None:
    """No bit is free, of the path, the index, the framing or the checkpoint."""
    data = bytearray(FILE)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SekishoError):
        check_proof(parse_proof(bytes(data)), ENTRIES[5], POLICY)


hashes = st.binary(min_size=32, max_size=32)
notes = st.binary(max_size=80).map(lambda data: data + b"\n")


@given(
    index=st.integers(0, 2**63 - 2),
    path=st.lists(hashes, max_size=MAX_PATH_LENGTH).map(tuple),
    note=notes,
    extra=st.none() | st.binary(max_size=60),
)
def test_a_proof_is_read_as_it_was_written(
    index: int, path: tuple[bytes, ...], note: bytes, extra: bytes | None
) -> None:
    """Encode and parse are inverse."""
    proof = Proof(index=index, path=path, checkpoint=note, extra=extra)
    assert parse_proof(encode_proof(proof)) == proof


@given(st.binary(max_size=200), st.integers(0, len(FILE)))
def test_any_bytes_are_a_proof_or_refused(data: bytes, cut: int) -> None:
    """A stranger's bytes end in a proof that writes to the same bytes, or in ProofRefused."""
    for hostile in (data, FILE[:cut] + data, data + FILE[cut:], FILE[:cut] + data + FILE[cut:]):
        with suppress(ProofRefused):
            assert encode_proof(parse_proof(hostile)) == hostile


@pytest.mark.parametrize(
    "change",
    [
        (b"c2sp.org/", b"\xef\xbb\xbfc2sp.org/"),
        (b"index 5", b"index  5"),
        (b"index 5", b"Index 5"),
        (b"index 5", b"index +5"),
        (b"index 5", b"index 9223372036854775808"),
        (b"index 5", b"index 9223372036854775807"),
        (b"index 5", "index \uff15".encode()),
        (b"index 5\n", b"index 5\r\n"),
        (b"index 5\n", b"extra eA==\nextra eA==\nindex 5\n"),
        (b"index 5\n", b"extra\nindex 5\n"),
        (b"index 5\n", b"extra eA\nindex 5\n"),
        (b"index 5\n", b"extra eB==\nindex 5\n"),
        (b"index 5\n", b"other eA==\nindex 5\n"),
        (b"index 5\n", b"index 5\n" + b"A" * 42 + b"B=\n"),
        (b"index 5\n", b"index 5\n" + (b"A" * 43 + b"=\n") * MAX_PATH_LENGTH),
        (b"index 5\n", b"extra " + base64.b64encode(bytes(MAX_EXTRA_SIZE_BYTES + 1)) + b"\nindex 5\n"),
        (b"\n\n", b"\n"),
    ],
)
def test_another_framing_is_refused(change: tuple[bytes, bytes]) -> None:
    """One spelling for each proof; bounds on everything that is read."""
    assert change[0] in FILE
    head_only = FILE[: FILE.index(b"\n\n") + 2] + b"checkpoint\n"
    for data in (FILE.replace(*change, 1), head_only.replace(*change, 1)):
        with pytest.raises(SekishoError):
            check_proof(parse_proof(data), ENTRIES[5], POLICY)


def test_a_file_is_bounded() -> None:
    """More bytes than a proof can have are not looked at, and the longest proof fits."""
    with pytest.raises(ProofRefused, match="more than"):
        parse_proof(FILE + b"x" * MAX_PROOF_SIZE_BYTES)
    for checkpoint in (b"", b"no newline"):
        with pytest.raises(ProofRefused):
            replace(proof_of(5, 13), checkpoint=checkpoint)


@pytest.fixture
def published(vectors: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((vectors / "tlog" / "tlog-proof" / "cases.json").read_bytes())
    return made


def test_the_published_files_have_their_verdict(published: dict[str, Any], vectors: Path) -> None:
    """tlog-proof/*.tlog-proof: re-encoded byte for byte, and checked by a policy of the keys that stand beside."""
    for case in published["files"]:
        vkeys = case.get("witness_vkeys", [])
        lines = [f"log {case['log_vkey']}", *(f"witness w{at} {vkey}" for at, vkey in enumerate(vkeys))]
        policy = Policy.parse("\n".join([*lines, "quorum w0" if vkeys else "quorum none", ""]).encode())
        data = (vectors / "tlog" / "tlog-proof" / case["file"]).read_bytes()
        assert encode_proof(parse_proof(data)) == data
        if case["expect"] == "valid":
            assert check_proof(parse_proof(data), case["entry"].encode(), policy)
        else:
            with pytest.raises(SekishoError):
                check_proof(parse_proof(data), case["entry"].encode(), policy)


def test_the_published_framing_is_ours(published: dict[str, Any]) -> None:
    """cases.json: three encodings, twelve malformed texts."""
    for case in published["encoding"]["cases"]:
        proof = Proof(
            index=case["index"],
            path=tuple(base64.b64decode(step) for step in case["hashes"]),
            checkpoint=case["checkpoint"].encode(),
            extra=None if case["extra"] is None else base64.b64decode(case["extra"]),
        )
        assert encode_proof(proof) == case["text"].encode()
        assert parse_proof(case["text"].encode()) == proof
    for case in published["malformed"]:
        with pytest.raises(ProofRefused):
            parse_proof(case["text"].encode())
