"""Subtrees of a log's tree (draft-ietf-plants-merkle-tree-certs, "Subtrees"): what a cosigner may sign beside heads.

A subtree [start, end) is the tree over the leaves from `start` to before `end`. It is valid if `start` is a multiple
of the smallest power of two that is not below its size; only then does it share its nodes with the whole tree.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sekisho.core.errors import SekishoError
from sekisho.tlog.merkle import HASH_SIZE_BYTES, InclusionRefused, hash_node, root_of, split_at, verify_inclusion


class SubtreeRefused(SekishoError):
    """The range is no subtree of this tree, or the path does not show that it is."""

    code: ClassVar[str] = "SKS-TLOG-007"
    hint = "Fetch the proof again; if it still fails, keep it: the log or its copy was changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtree:
    """The valid subtree of the leaves from `start` to before `end`. Never empty."""

    start: int
    end: int

    def __post_init__(self) -> None:
        # The draft knows no empty subtree; some implementations take one, with any root.
        if not 0 <= self.start < self.end:
            raise SubtreeRefused(f"[{self.start}, {self.end}) is no range of leaves")
        if self.start & (_power_not_below(self.size) - 1):
            raise SubtreeRefused(f"[{self.start}, {self.end}) does not begin where a subtree of its size does")

    @property
    def size(self) -> int:
        return self.end - self.start


def verify_subtree_inclusion(
    leaf_hash: bytes, index: int, subtree: Subtree, path: Sequence[bytes], root: bytes
) -> None:
    """Raise SubtreeRefused unless `path` leads from the leaf at `index` of the log to `root` of `subtree`."""
    if not subtree.start <= index < subtree.end:
        raise SubtreeRefused(f"no leaf {index} in [{subtree.start}, {subtree.end})")
    try:
        verify_inclusion(leaf_hash, index - subtree.start, subtree.size, path, root)
    except InclusionRefused as error:
        raise SubtreeRefused(str(error.args[0])) from error


def subtree_consistency_path(leaf_hashes: Sequence[bytes], subtree: Subtree) -> tuple[bytes, ...]:
    """Return the path that shows `subtree` inside the whole tree over `leaf_hashes`."""
    if subtree.end > len(leaf_hashes):
        raise SubtreeRefused(f"[{subtree.start}, {subtree.end}) reaches beyond a tree of {len(leaf_hashes)}")
    return tuple(_consistency_path(leaf_hashes, subtree.start, subtree.end, is_whole=True))


def verify_subtree_consistency(
    subtree: Subtree, subtree_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Raise SubtreeRefused unless `path` shows that `subtree` lies in the tree of `size` entries with `root`."""
    # (1) Numbers and lengths, before anything is hashed.
    if subtree.end > size:
        raise SubtreeRefused(f"[{subtree.start}, {subtree.end}) reaches beyond a tree of {size}")
    if any(len(value) != HASH_SIZE_BYTES for value in (subtree_root, root, *path)):
        raise SubtreeRefused("a hash is not 32 bytes")
    # (2) Positions of the subtree's first and last leaf and of the tree's last. Climb while the last node of the
    # subtree is complete: the subtree's root, or its rightmost node, is where the path begins.
    first, node, last = subtree.start, subtree.end - 1, size - 1
    while first != node and (node & 1 or node == last):
        first, node, last = first >> 1, node >> 1, last >> 1
    steps = (subtree_root, *path) if first == node else tuple(path)
    if not steps:
        raise SubtreeRefused("the path is too short")
    # (3) Climb to both roots at once.
    made_subtree = made_tree = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise SubtreeRefused("the path is too long")
        if node & 1 or node == last:
            if first < node:
                made_subtree = hash_node(step, made_subtree)
            made_tree = hash_node(step, made_tree)
            while node and not node & 1:
                first, node, last = first >> 1, node >> 1, last >> 1
        else:
            made_tree = hash_node(made_tree, step)
        first, node, last = first >> 1, node >> 1, last >> 1
    # (4) We stand at both roots, and they are the given ones.
    if last != 0:
        raise SubtreeRefused("the path is too short")
    if made_subtree != subtree_root or made_tree != root:
        raise SubtreeRefused("the path leads to other roots")


def _consistency_path(leaf_hashes: Sequence[bytes], start: int, end: int, *, is_whole: bool) -> Iterator[bytes]:
    """The draft's SUBTREE_SUBPROOF. `is_whole`: the subtree's root is this node, so the verifier has it already."""
    size = len(leaf_hashes)
    if start == 0 and end == size:
        if not is_whole:
            yield root_of(leaf_hashes)
        return
    split = split_at(size)
    left, right = leaf_hashes[:split], leaf_hashes[split:]
    if end <= split:
        yield from _consistency_path(left, start, end, is_whole=is_whole)
        yield root_of(right)
    elif split <= start:
        yield from _consistency_path(right, start - split, end - split, is_whole=is_whole)
        yield root_of(left)
    else:
        yield from _consistency_path(right, 0, end - split, is_whole=False)
        yield root_of(left)


def _power_not_below(size: int) -> int:
    return 1 << (size - 1).bit_length()
