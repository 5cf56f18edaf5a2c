"""Merkle trees as RFC 6962 2.1 and RFC 9162 2.1 define them, with SHA-256.

Proofs are sequences of 32-byte hashes, in the order of the RFCs. A check raises; every hash is measured before
it is used, because a verifier that skips that accepts proofs which say nothing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import ClassVar

from sekisho.core.errors import SekishoError

HASH_SIZE_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
# A log hashes each entry about twice, by the million: a look-up less each time is a tenth of the whole.
_sha256 = hashlib.sha256


class InclusionRefused(SekishoError):
    """The path does not show that the leaf lies in the tree at that index."""

    code: ClassVar[str] = "SKS-TLOG-001"
    hint = "Fetch the proof again; if it still fails, keep it: the log or its copy was changed."


class ConsistencyRefused(SekishoError):
    """The path does not show that the larger tree begins with the smaller one."""

    code: ClassVar[str] = "SKS-TLOG-002"
    hint = "Keep both checkpoints: if both are signed, they prove that the log showed two histories."


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of the leaf `data`: SHA-256(0x00 || data)."""
    return _sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right)."""
    return _sha256(b"\x01" + left + right).digest()


class Frontier:
    """A growing tree of which only the right edge is kept: O(log n) memory, one hash amortised a leaf.

    The nodes are the roots of the perfect subtrees that a tree of `size` leaves splits into, largest first.
    """

    __slots__ = ("_nodes", "_size")

    def __init__(self, *, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        if len(nodes) != size.bit_count():
            raise ValueError(f"a tree of {size} splits into {size.bit_count()} perfect ones, not {len(nodes)}")
        self._nodes: list[bytes] = list(nodes)
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def append(self, leaf_hash: bytes) -> None:
        """Add the next leaf by its hash (32 bytes)."""
        node, size, nodes = leaf_hash, self._size, self._nodes
        self._size = size + 1
        while size & 1:
            node = _sha256(b"\x01" + nodes.pop() + node).digest()
            size >>= 1
        nodes.append(node)

    def root(self) -> bytes:
        """Return the root over all leaves so far; of no leaves, SHA-256 of nothing."""
        if not self._nodes:
            return EMPTY_ROOT
        root = self._nodes[-1]
        for node in reversed(self._nodes[:-1]):
            root = hash_node(node, root)
        return root


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over `leaf_hashes` (RFC 9162 2.1.1)."""
    if not leaf_hashes:
        return EMPTY_ROOT
    # Level by level: paired from the left, with a lonely last node moved up, is split at the largest power of two.
    row = leaf_hashes
    while len(row) > 1:
        lonely = row[-1:] if len(row) & 1 else ()
        row = [_sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
        row += lonely
    return row[0]


def root_of_joined(hashes: bytes) -> bytes:
    """Return the root of the perfect tree over `hashes`: 32 bytes each, joined; how many is a power of two."""
    while len(hashes) > HASH_SIZE_BYTES:
        pairs = range(0, len(hashes), 2 * HASH_SIZE_BYTES)
        hashes = b"".join([_sha256(b"\x01" + hashes[at : at + 64]).digest() for at in pairs])
    return hashes


def hash_leaves(entries: Sequence[bytes]) -> bytes:
    """Return the leaf hashes of `entries`, 32 bytes each, joined: a hash tile of level 0."""
    return b"".join([_sha256(b"\x00" + entry).digest() for entry in entries])


def split_at(size: int) -> int:
    """Return how many leaves lie left of the root of a tree of `size`, at least 2: the largest power of two below."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the inclusion path of the leaf at `index` (RFC 9162 2.1.3.1), from the leaf upwards."""
    if not 0 <= index < len(leaf_hashes):
        raise InclusionRefused(f"no leaf {index} in a tree of {len(leaf_hashes)}")
    return tuple(_inclusion_path(leaf_hashes, index))


def verify_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise InclusionRefused unless `path` leads from `leaf_hash` at `index` to `root` of `size` (RFC 9162 2.1.3.2)."""
    # (1) Numbers and lengths, before anything is hashed.
    if not 0 <= index < size:
        raise InclusionRefused(f"no leaf {index} in a tree of {size}")
    if not _are_hashes((leaf_hash, root, *path)):
        raise InclusionRefused("a hash is not 32 bytes")
    # (2) Climb from the leaf. `node` and `last` are the positions, on the present level, of ours and of the last.
    node, last, made = index, size - 1, leaf_hash
    for step in path:
        if last == 0:
            raise InclusionRefused("the path is too long")
        if node & 1 or node == last:
            made = hash_node(step, made)
            node, last = _skip_promotions(node, last)
        else:
            made = hash_node(made, step)
        node, last = node >> 1, last >> 1
    # (3) We stand at the root, and it is the given one.
    if last != 0:
        raise InclusionRefused("the path is too short")
    if made != root:
        raise InclusionRefused("the path leads to another root")


def consistency_path(leaf_hashes: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Return the path that shows the tree of the first `old_size` leaves inside the whole (RFC 9162 2.1.4.1).

    From size 0, and between equal sizes, the path is empty.
    """
    if not 0 <= old_size <= len(leaf_hashes):
        raise ConsistencyRefused(f"no tree of {old_size} in a tree of {len(leaf_hashes)}")
    if old_size in (0, len(leaf_hashes)):
        return ()
    return tuple(_consistency_path(leaf_hashes, old_size, is_whole=True))


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Raise ConsistencyRefused unless `path` shows that the new tree begins with the old one (RFC 9162 2.1.4.2).

    The RFC leaves size 0 open. As C2SP tlog-witness has it, an empty path leads from size 0 to any tree; the root
    of size 0 must then be the empty root.
    """
    # (1) Numbers and lengths, before anything is hashed.
    if not 0 <= old_size <= new_size:
        raise ConsistencyRefused(f"no tree of {old_size} in a tree of {new_size}")
    if not _are_hashes((old_root, new_root, *path)):
        raise ConsistencyRefused("a hash is not 32 bytes")
    # (2) The two cases that need no hashing.
    if old_size == new_size or old_size == 0:
        _require_no_growth_hidden(old_size, old_root, new_size, new_root, path)
        return
    # (3) Climb from the last leaf of the old tree; an old tree that is perfect is itself the first step.
    steps = (old_root, *path) if old_size & (old_size - 1) == 0 else tuple(path)
    if not steps:
        raise ConsistencyRefused("the path is too short")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    made_old = made_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ConsistencyRefused("the path is too long")
        if node & 1 or node == last:
            made_old, made_new = hash_node(step, made_old), hash_node(step, made_new)
            node, last = _skip_promotions(node, last)
        else:
            made_new = hash_node(made_new, step)
        node, last = node >> 1, last >> 1
    # (4) We stand at both roots, and they are the given ones.
    if last != 0:
        raise ConsistencyRefused("the path is too short")
    if made_old != old_root or made_new != new_root:
        raise ConsistencyRefused("the path leads to other roots")


def _require_no_growth_hidden(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    if path:
        raise ConsistencyRefused("the path is too long")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ConsistencyRefused("the root of size 0 is not the empty root")
    if old_size == new_size and old_root != new_root:
        raise ConsistencyRefused(f"two roots for one size, {old_size}")


def _skip_promotions(node: int, last: int) -> tuple[int, int]:
    """Climb the levels on which a last, lonely node is its own parent."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> Iterator[bytes]:
    if len(leaf_hashes) == 1:
        return
    split = split_at(len(leaf_hashes))
    left, right = leaf_hashes[:split], leaf_hashes[split:]
    if index < split:
        yield from _inclusion_path(left, index)
        yield root_of(right)
    else:
        yield from _inclusion_path(right, index - split)
        yield root_of(left)


def _consistency_path(leaf_hashes: Sequence[bytes], old_size: int, *, is_whole: bool) -> Iterator[bytes]:
    """RFC 9162's SUBPROOF. `is_whole`: the old tree's root is this subtree's, so the verifier has it already."""
    if old_size == len(leaf_hashes):
        if not is_whole:
            yield root_of(leaf_hashes)
        return
    split = split_at(len(leaf_hashes))
    left, right = leaf_hashes[:split], leaf_hashes[split:]
    if old_size <= split:
        yield from _consistency_path(left, old_size, is_whole=is_whole)
        yield root_of(right)
    else:
        yield from _consistency_path(right, old_size - split, is_whole=False)
        yield root_of(left)


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_SIZE_BYTES for value in values)
