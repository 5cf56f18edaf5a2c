"""Judge: tlog-scales, a Python implementation by others, on our logs; and our verifiers on logs that it wrote."""

import base64
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sekisho.tlog.cosignature import CosignatureSigner, CosignatureVerifier, verify_cosignatures
from sekisho.tlog.merkle import EMPTY_ROOT, hash_leaf, verify_consistency, verify_inclusion
from sekisho.tlog.note import NoteSigner, NoteVerifier, parse_note
from sekisho.tlog.tile import TileBuilder, parse_bundle, tiles_of
from sekisho.tlog.tile_tree import prove_consistency, prove_inclusion, root_from_tiles

pytestmark = [pytest.mark.judge, pytest.mark.timeout(180)]

scales_tlog = pytest.importorskip("tlog_scales.tlog", reason="tlog-scales is absent: it is in the test dependencies")
scales_reader = pytest.importorskip("tlog_scales.reader")
scales_signing = pytest.importorskip("tlog_scales.signing")
scales_writer = pytest.importorskip("tlog_scales.writer")
scales_backend = pytest.importorskip("tlog_scales.backend")

LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
LOG = NoteSigner("sekisho.example/decisions", LOG_KEY)
ED = CosignatureSigner("witness.example/ed", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
PQ_KEY = MLDSA44PrivateKey.from_seed_bytes(b"p" * 32)
PQ = CosignatureSigner("witness.example/pq", PQ_KEY)
SIZES = [0, 1, 2, 255, 256, 257, 600, 70_001]

# What tlog-scales 0.0.3 takes and the published probes refuse: it measures no hash, so what equals itself is a root.
TAKEN_BY_SCALES_ALONE = {
    "empty-root-and-leaf.json",
    "roots-do-not-match-and-sizes-are-zero.json",
    "size1-is-zero-and-size2-is-not-zero.json",
    "sizes-are-equal-zero-and-proof-is-empty.json",
}


def write_log(folder: Path, size: int) -> Checkpoint:
    """A log of ours: tiles, bundles and a head that the log signed and both witnesses cosigned."""
    builder = TileBuilder()
    made = [tile for index in range(size) for tile in builder.add(f"entry {index}".encode())]
    for tile, data in (*made, *builder.partials()):
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    head = Checkpoint(origin=LOG.verifier.name, size=size, root=builder.root())
    note = sign_checkpoint(head, LOG)
    text = parse_note(note).text
    (folder / "checkpoint").write_bytes(note + (ED.sign(text, time_s=9) + PQ.sign(text, time_s=9)).encode())
    return head


def sample(size: int) -> list[int]:
    return sorted({index for index in (0, 1, 254, 255, 256, size // 2, 65_536, size - 1) if 0 <= index < size})


@pytest.mark.parametrize("size", SIZES)
def test_scales_finds_our_log_signed_cosigned_and_proven(tmp_path: Path, size: int) -> None:
    """Three signatures of three types, the root and each proof built from our tiles by tlog-scales alone."""
    head = write_log(tmp_path, size)
    reader = scales_reader.TilesReader(scales_backend.LocalBackend(tmp_path))
    checkpoint = reader.get_checkpoint()
    vkeys = [scales_signing.Vkey.from_string(one.verifier.vkey) for one in (LOG, ED, PQ)]
    verified = scales_signing.VkeySet(*vkeys).verify(checkpoint.signatures, checkpoint)
    assert {vkey.name for vkey, _ in verified} == {one.verifier.name for one in (LOG, ED, PQ)}
    assert (checkpoint.size, checkpoint.root_hash, reader.calculate_root_hash()) == (size, head.root, head.root)
    for index in sample(size):
        assert reader.get_entry(index) == f"entry {index}".encode()
        path = prove_inclusion(index, size, lambda tile: (tmp_path / tile.path).read_bytes())
        assert reader.get_inclusion_proof(index, size).node_hashes == list(path)
        scales_tlog.InclusionProof(index, size, list(path)).check(hash_leaf(reader.get_entry(index)), head.root)
    for old in sample(size):
        if old:
            path = prove_consistency(old, size, lambda tile: (tmp_path / tile.path).read_bytes())
            assert reader.get_consistency_proof(old, size).node_hashes == list(path)
            scales_tlog.ConsistencyProof(old, size, list(path)).check(reader.mth(0, old), head.root)


def test_scales_refuses_what_another_key_signed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The judge can say no: each line under the text of another head is false to it."""
    caplog.set_level(logging.CRITICAL, logger="tlog_scales.signing")
    write_log(tmp_path, 5)
    text = (tmp_path / "checkpoint").read_text().replace("\n5\n", "\n6\n")
    checkpoint = scales_tlog.Checkpoint.from_text(text)
    for one in (LOG, ED, PQ):
        vkey = scales_signing.Vkey.from_string(one.verifier.vkey)
        assert scales_signing.VkeySet(vkey).verify(checkpoint.signatures, checkpoint) == set()


@pytest.mark.parametrize("size", SIZES[:-1])
def test_our_verifiers_take_a_log_that_scales_wrote(tmp_path: Path, size: int) -> None:
    """Its checkpoint, its ML-DSA-44 cosignature, its tiles and bundles, read and proven by us."""
    folder = tmp_path / "log"
    writer = scales_writer.TilesWriter.create(folder, LOG.verifier.name)
    for index in range(size):
        writer.add_leaf(f"entry {index}".encode())
    signers = [
        scales_signing.PlainEd25519Signer(LOG.verifier.name, LOG_KEY),
        scales_signing.MLDSA44CosignatureSigner(PQ.verifier.name, PQ_KEY),
    ]
    writer.commit(signers)
    note = (folder / "checkpoint").read_bytes()
    assert [NoteVerifier.parse(signers[0].vkey.serialize())] == [LOG.verifier]
    assert [CosignatureVerifier.parse(signers[1].vkey.serialize())] == [PQ.verifier]
    head = open_checkpoint(note, LOG.verifier)
    assert verify_cosignatures(parse_note(note), (PQ.verifier,))[PQ.verifier] > 0
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {tile.path for tile in tiles_of(size)} | {"checkpoint"}

    def read_tile(tile: Any) -> bytes:
        return (folder / tile.path).read_bytes()

    assert (head.size, head.root) == (size, root_from_tiles(size, read_tile))
    entries = [
        entry
        for bundle in tiles_of(size)
        if bundle.level is None
        for entry in parse_bundle(read_tile(bundle), bundle.width)
    ]
    assert entries == [f"entry {index}".encode() for index in range(size)]
    for index in sample(size):
        path = writer.reader.get_inclusion_proof(index, size).node_hashes
        verify_inclusion(hash_leaf(entries[index]), index, size, path, head.root)
        old = writer.reader.get_consistency_proof(index, size).node_hashes if index else ()
        verify_consistency(index, writer.reader.mth(0, index) if index else EMPTY_ROOT, size, head.root, old)


def test_where_scales_and_the_published_probes_differ(vectors: Path) -> None:
    """It takes four of the 196 that the probes refuse; ours takes none of them. A change is worth a look."""
    taken = set()
    for kind, check in (("inclusion", check_inclusion), ("consistency", check_consistency)):
        for path in sorted((vectors / "merkle" / kind).rglob("*.json")):
            probe = json.loads(path.read_bytes())
            if accepts(check, probe) is probe["wantErr"]:
                assert probe["wantErr"], path
                taken.add(path.name)
    assert taken == TAKEN_BY_SCALES_ALONE


def accepts(check: Callable[[dict[str, Any]], None], probe: dict[str, Any]) -> bool:
    try:
        check(probe)
    except (scales_tlog.InclusionProofInvalid, scales_tlog.ConsistencyProofInvalid):
        return False
    return True


def check_inclusion(probe: dict[str, Any]) -> None:
    leaf, root, *path = hashes_of(probe["leafHash"], probe["root"], probe["proof"])
    scales_tlog.InclusionProof(probe["leafIdx"], probe["treeSize"], path).check(leaf, root)


def check_consistency(probe: dict[str, Any]) -> None:
    old, new, *path = hashes_of(probe["root1"], probe["root2"], probe["proof"])
    scales_tlog.ConsistencyProof(probe["size1"], probe["size2"], path).check(old, new)


def hashes_of(first: str, second: str, path: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in (first, second, *(path or ()))]
