"""RFC 6962 / RFC 9162 Merkle trees: proofs are good as they are, and only as they are."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.tlog.merkle import (
    EMPTY_ROOT,
    ConsistencyRefused,
    Frontier,
    InclusionRefused,
    consistency_path,
    hash_leaf,
    hash_leaves,
    hash_node,
    inclusion_path,
    root_of,
    root_of_joined,
    verify_consistency,
    verify_inclusion,
)

SIZES = 601
LEAVES = tuple(hash_leaf(b"record %d" % index) for index in range(SIZES))


@pytest.fixture(scope="module")
def roots() -> tuple[bytes, ...]:
    """The root of each size from 0 to 600, by the definition of RFC 9162 2.1.1 and nothing of ours."""
    subtrees: dict[tuple[int, int], bytes] = {}

    def root(start: int, end: int) -> bytes:
        if end - start == 0:
            return EMPTY_ROOT
        if end - start == 1:
            return LEAVES[start]
        if (start, end) not in subtrees:
            split = 1
            while split * 2 < end - start:
                split *= 2
            subtrees[start, end] = hash_node(root(start, start + split), root(start + split, end))
        return subtrees[start, end]

    return tuple(root(0, size) for size in range(SIZES))


def flip(hashes: tuple[bytes, ...], bit: int) -> tuple[bytes, ...]:
    """Return `hashes` with one bit of one of them flipped."""
    at, within = divmod(bit, 256)
    data = bytearray(hashes[at])
    data[within // 8] ^= 1 << within % 8
    return (*hashes[:at], bytes(data), *hashes[at + 1 :])


def test_a_frontier_has_the_root_of_the_definition_at_every_size(roots: tuple[bytes, ...]) -> None:
    """The compact range and the recursive definition agree from size 0 to 600."""
    frontier = Frontier()
    for size in range(SIZES):
        assert (frontier.size, frontier.root()) == (size, roots[size])
        frontier.append(LEAVES[size])


def test_every_leaf_of_every_size_is_proven_and_another_leaf_is_not(roots: tuple[bytes, ...]) -> None:
    """Exhaustive over all sizes to 600 for the edges and a stride of leaves between them."""
    for size in range(1, SIZES):
        leaves = LEAVES[:size]
        for index in {0, size // 2, size - 1}:
            path = inclusion_path(leaves, index)
            verify_inclusion(leaves[index], index, size, path, roots[size])
            with pytest.raises(InclusionRefused):
                verify_inclusion(LEAVES[size], index, size, path, roots[size])


def test_every_size_to_600_is_consistent_with_sizes_before_it(roots: tuple[bytes, ...]) -> None:
    """Each tree is proven to begin with smaller ones: 0, 1, powers of two around, half, one less, itself."""
    for size in range(SIZES):
        edges = {0, 1, size // 2, size // 3, size - 1, size, 1 << max(size.bit_length() - 1, 0)}
        for old in {edge for edge in edges if 0 <= edge <= size}:
            path = consistency_path(LEAVES[:size], old)
            verify_consistency(old, roots[old], size, roots[size], path)


@settings(deadline=None)
@given(leaves=st.lists(st.binary(max_size=40), min_size=2, max_size=300), data=st.data())
def test_an_inclusion_path_with_any_bit_flipped_is_refused(leaves: list[bytes], data: st.DataObject) -> None:
    """RFC 9162 2.1.3: a path is good as it is, and only as it is, at its index and in its size."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    hashes = [hash_leaf(leaf) for leaf in leaves]
    path, root = inclusion_path(hashes, index), root_of(hashes)
    verify_inclusion(hashes[index], index, len(hashes), path, root)

    bad = flip((hashes[index], root, *path), data.draw(st.integers(0, 256 * (len(path) + 2) - 1)))
    with pytest.raises(InclusionRefused):
        verify_inclusion(bad[0], index, len(hashes), bad[2:], bad[1])
    with pytest.raises(InclusionRefused):
        verify_inclusion(hashes[index], index, len(hashes), path[:-1], root)
    with pytest.raises(InclusionRefused):
        verify_inclusion(hashes[index], index, len(hashes), (*path, root), root)


@settings(deadline=None)
@given(size=st.integers(2, 300), data=st.data())
def test_a_consistency_path_with_any_bit_flipped_is_refused(size: int, data: st.DataObject) -> None:
    """RFC 9162 2.1.4: likewise for a smaller tree inside a larger one."""
    old = data.draw(st.integers(1, size - 1))
    path = consistency_path(LEAVES[:size], old)
    old_root, new_root = root_of(LEAVES[:old]), root_of(LEAVES[:size])
    verify_consistency(old, old_root, size, new_root, path)

    bad = flip((old_root, new_root, *path), data.draw(st.integers(0, 256 * (len(path) + 2) - 1)))
    with pytest.raises(ConsistencyRefused):
        verify_consistency(old, bad[0], size, bad[1], bad[2:])
    with pytest.raises(ConsistencyRefused):
        verify_consistency(old, old_root, size, new_root, path[:-1])
    with pytest.raises(ConsistencyRefused):
        verify_consistency(old, old_root, size, new_root, (*path, new_root))


@given(
    index=st.integers(-2, 2**65),
    size=st.integers(-2, 2**65),
    path=st.lists(st.binary(max_size=33), max_size=70),
    hashes=st.tuples(st.binary(max_size=33), st.binary(max_size=33)),
)
def test_whatever_a_stranger_sends_is_refused_and_never_crashes(
    index: int, size: int, path: list[bytes], hashes: tuple[bytes, bytes]
) -> None:
    """Numbers of any size and hashes of any length end in a refusal of ours."""
    with pytest.raises(InclusionRefused):
        verify_inclusion(hashes[0], index, size, [*path, b"short"], hashes[1])
    with pytest.raises(ConsistencyRefused):
        verify_consistency(index, hashes[0], size, hashes[1], [*path, b"short"])


def test_size_zero_is_consistent_with_all_by_an_empty_path_and_its_own_root_alone() -> None:
    """Decision: C2SP tlog-witness takes old size 0; upstream's refusal of it is not followed, its length checks are."""
    root = root_of(LEAVES[:3])
    verify_consistency(0, EMPTY_ROOT, 3, root, ())
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, ())
    for old_root, size, new_root, path in (
        (root, 3, root, ()),
        (EMPTY_ROOT, 3, root, (root,)),
        (EMPTY_ROOT, 0, root, ()),
        (EMPTY_ROOT, 3, root[:31], ()),
        (b"", 3, root, ()),
    ):
        with pytest.raises(ConsistencyRefused):
            verify_consistency(0, old_root, size, new_root, path)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_for_what_is_not_in_the_tree(index: int) -> None:
    """Asking for a leaf or a size that the tree does not have is refused, not answered with something else."""
    with pytest.raises(InclusionRefused):
        inclusion_path(LEAVES[:3], index)
    with pytest.raises(ConsistencyRefused):
        consistency_path(LEAVES[:3], -1 if index < 0 else 4)


def raw(value: str) -> bytes:
    return base64.b64decode(value)


def verdicts(folder: Path) -> Iterator[tuple[str, bool, bool]]:
    """Yield, of every probe below `folder`, its file name, whether we refuse it and whether upstream does."""
    for file in sorted(folder.rglob("*.json")):
        probe = json.loads(file.read_bytes())
        path = [raw(step) for step in probe["proof"] or ()]
        refused = False
        try:
            if "leafHash" in probe:
                verify_inclusion(raw(probe["leafHash"]), probe["leafIdx"], probe["treeSize"], path, raw(probe["root"]))
            else:
                verify_consistency(probe["size1"], raw(probe["root1"]), probe["size2"], raw(probe["root2"]), path)
        except (InclusionRefused, ConsistencyRefused):
            refused = True
        yield file.name, refused, probe["wantErr"]


def test_the_98_inclusion_probes_have_upstreams_verdict(vectors: Path) -> None:
    """transparency-dev/merkle testdata, inclusion, all of it."""
    seen = list(verdicts(vectors / "merkle" / "inclusion"))
    assert len(seen) == 98
    assert [name for name, ours, upstream in seen if ours != upstream] == []


def test_the_98_consistency_probes_have_upstreams_verdict_but_for_a_root_of_twelve_bytes(vectors: Path) -> None:
    """transparency-dev/merkle testdata, consistency. Decision: a root that is not 32 bytes is refused, always.

    Upstream takes `don't care 2` for a root where both sizes are 1 and compares it with itself.
    """
    seen = list(verdicts(vectors / "merkle" / "consistency"))
    assert len(seen) == 98
    assert [name for name, ours, upstream in seen if ours != upstream] == [
        "sizes-are-equal-one-and-proof-is-empty.json"
    ]


def test_tesseras_120_inclusion_and_120_consistency_proofs_are_ours_byte_for_byte(vectors: Path) -> None:
    """Proofs of a log that another implementation wrote are made here the same, and verify."""
    proofs = json.loads((vectors / "tlog" / "tessera-proofs.json").read_bytes())
    leaves = [hash_leaf(leaf["entry"].encode()) for leaf in proofs["leaves"]]
    assert [base64.b64encode(leaf).decode() for leaf in leaves] == [leaf["leaf_hash"] for leaf in proofs["leaves"]]
    for proof in proofs["inclusion"]:
        path = inclusion_path(leaves[: proof["size"]], proof["index"])
        assert path == tuple(raw(step) for step in proof["proof"])
        verify_inclusion(leaves[proof["index"]], proof["index"], proof["size"], path, root_of(leaves[: proof["size"]]))
    for proof in proofs["consistency"]:
        old, new = proof["old_size"], proof["new_size"]
        path = consistency_path(leaves[:new], old)
        assert path == tuple(raw(step) for step in proof["proof"])
        verify_consistency(old, root_of(leaves[:old]), new, root_of(leaves[:new]), path)
    assert (len(proofs["inclusion"]), len(proofs["consistency"])) == (120, 120)


@given(entries=st.lists(st.binary(max_size=80), max_size=40))
def test_leaves_hashed_together_are_the_leaves_hashed_one_by_one(entries: list[bytes]) -> None:
    """The batch has the bytes of a level 0 tile."""
    assert hash_leaves(entries) == b"".join(map(hash_leaf, entries))


@pytest.mark.parametrize("height", range(9))
def test_the_root_of_joined_hashes_is_the_root(height: int) -> None:
    """Every perfect tree to the size of a tile."""
    leaves = [hash_leaf(bytes([number])) for number in range(2**height)]
    assert root_of_joined(b"".join(leaves)) == root_of(leaves)
