"""draft-ietf-plants-merkle-tree-certs: a subtree lies in the tree as it says, and only so."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.tlog.merkle import hash_leaf, inclusion_path, root_of
from sekisho.tlog.subtree import (
    Subtree,
    SubtreeRefused,
    subtree_consistency_path,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)

LEAVES = [hash_leaf(bytes([number])) for number in range(70)]
# Upstream takes these. The draft knows no empty subtree, and the root of the last one is not 32 bytes long.
REFUSED_HERE_ONLY = {
    *(
        f"subtree-is-empty-{case}proof-is-empty.json"
        for sizes in ("", "sizes-are-equal-zero-", "sizes-are-equal-one-")
        for case in (f"{sizes}subtree-root-valid-", f"{sizes}subtree-root-valid-tree-root-random-")
    ),
    "sizes-are-equal-one-and-proof-is-empty.json",
}


def subtrees_within(size: int) -> Iterator[Subtree]:
    for start in range(size):
        for end in range(start + 1, size + 1):
            try:
                yield Subtree(start=start, end=end)
            except SubtreeRefused:
                continue


def decode(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


def is_taken(check: Callable[[dict[str, Any]], None], case: dict[str, Any]) -> bool:
    try:
        check(case)
    except SubtreeRefused:
        return False
    return True


def check_inclusion(case: dict[str, Any]) -> None:
    subtree = Subtree(start=case["start"], end=case["end"])
    leaf, root = decode([case["leafHash"], case["root"]])
    verify_subtree_inclusion(leaf, case["leafIdx"], subtree, decode(case["proof"]), root)


def check_consistency(case: dict[str, Any]) -> None:
    subtree = Subtree(start=case["start"], end=case["end"])
    part, root = decode([case["root1"], case["root2"]])
    verify_subtree_consistency(subtree, part, case["size"], root, decode(case["proof"]))


def cases_in(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(path.name, json.loads(path.read_bytes())) for path in sorted(folder.rglob("*.json"))]


def test_the_published_inclusion_proofs_have_their_verdict(vectors: Path) -> None:
    """merkle/subtreeinclusion: all 204."""
    cases = cases_in(vectors / "merkle" / "subtreeinclusion")
    assert len(cases) == 204
    for name, case in cases:
        assert is_taken(check_inclusion, case) is not case["wantErr"], (name, case)


def test_the_published_consistency_proofs_have_their_verdict_but_for_seven(vectors: Path) -> None:
    """merkle/subtreeconsistency: 111 of 118 as upstream; six of an empty subtree and one short root are refused."""
    cases = cases_in(vectors / "merkle" / "subtreeconsistency")
    assert len(cases) == 118
    differ = {name: case["wantErr"] for name, case in cases if is_taken(check_consistency, case) is case["wantErr"]}
    assert differ == dict.fromkeys(REFUSED_HERE_ONLY, False)


@pytest.mark.parametrize("size", [*range(1, 35), 64, 70])
def test_every_subtree_of_a_tree_lies_in_it(size: int) -> None:
    """The path that the draft defines verifies, and no shorter or longer one does."""
    root = root_of(LEAVES[:size])
    for subtree in subtrees_within(size):
        part = root_of(LEAVES[subtree.start : subtree.end])
        path = subtree_consistency_path(LEAVES[:size], subtree)
        verify_subtree_consistency(subtree, part, size, root, path)
        for bad in ((*path, part), path[:-1] if path else (root,)):
            with pytest.raises(SubtreeRefused):
                verify_subtree_consistency(subtree, part, size, root, bad)


@given(data=st.data(), size=st.integers(2, 70))
def test_a_path_with_any_bit_flipped_is_refused(data: st.DataObject, size: int) -> None:
    """No bit of path or roots is free."""
    subtree = data.draw(st.sampled_from(list(subtrees_within(size))))
    hashes = [root_of(LEAVES[subtree.start : subtree.end]), root_of(LEAVES[:size])]
    hashes += subtree_consistency_path(LEAVES[:size], subtree)
    at, bit = data.draw(st.integers(0, len(hashes) - 1)), data.draw(st.integers(0, 255))
    flipped = int.from_bytes(hashes[at], "big") ^ 1 << bit
    hashes[at] = flipped.to_bytes(32, "big")
    with pytest.raises(SubtreeRefused):
        verify_subtree_consistency(subtree, hashes[0], size, hashes[1], hashes[2:])


def test_every_leaf_of_a_subtree_lies_in_it() -> None:
    """Inclusion in a subtree is inclusion in the tree over its leaves, by the index in the log."""
    for subtree in subtrees_within(20):
        part = LEAVES[subtree.start : subtree.end]
        for at, leaf in enumerate(part):
            path = inclusion_path(part, at)
            verify_subtree_inclusion(leaf, subtree.start + at, subtree, path, root_of(part))
            with pytest.raises(SubtreeRefused):
                verify_subtree_inclusion(leaf, subtree.end, subtree, path, root_of(part))


@pytest.mark.parametrize(("start", "end"), [(0, 0), (4, 4), (-1, 1), (5, 4), (1, 3), (2, 5), (2, 6), (1, 15)])
def test_what_is_no_subtree_is_refused(start: int, end: int) -> None:
    """An empty range, and one that begins where no node of its size does."""
    with pytest.raises(SubtreeRefused):
        Subtree(start=start, end=end)


def test_hashes_of_another_length_are_refused() -> None:
    """A hash is measured before it is used."""
    with pytest.raises(SubtreeRefused, match="32 bytes"):
        verify_subtree_consistency(Subtree(start=0, end=1), LEAVES[0][:31], 1, LEAVES[0][:31], ())
    with pytest.raises(SubtreeRefused, match="beyond"):
        verify_subtree_consistency(Subtree(start=0, end=2), LEAVES[0], 1, LEAVES[0], ())
    with pytest.raises(SubtreeRefused, match="beyond"):
        subtree_consistency_path(LEAVES[:1], Subtree(start=0, end=2))
