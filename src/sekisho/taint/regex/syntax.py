"""A regular expression as a tree. Only what decides about backtracking is kept: no groups, no names, no laziness."""

from typing import NamedTuple, TypeAlias

# Characters as ranges of code points, both ends included, in order and disjoint.
Ranges: TypeAlias = tuple[tuple[int, int], ...]
MAX_CODE = 0x10FFFF


class Chars(NamedTuple):
    """One character out of `ranges`."""

    ranges: Ranges


class Assertion(NamedTuple):
    """A place between characters: an anchor, a word's edge, what must (not) lie ahead or behind."""


class Sequence(NamedTuple):
    """The parts one after the other; none: the empty text."""

    parts: "tuple[Pattern, ...]"


class Either(NamedTuple):
    """One of the arms, tried in order."""

    arms: "tuple[Pattern, ...]"


class Repeat(NamedTuple):
    """`part` from `least` to `most` times; `most` None: without end."""

    part: "Pattern"
    least: int
    most: int | None


class Atomic(NamedTuple):
    """`part`, which is never entered again once it has matched."""

    part: "Pattern"


Pattern: TypeAlias = Chars | Assertion | Sequence | Either | Repeat | Atomic
EMPTY = Sequence(())


def union(ranges: list[tuple[int, int]]) -> Ranges:
    """Return `ranges` in order, those that touch joined."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return tuple(joined)


def complement(ranges: Ranges) -> Ranges:
    """Return every character that is not in `ranges`."""
    left: list[tuple[int, int]] = []
    start = 0
    for low, high in ranges:
        if low > start:
            left.append((start, low - 1))
        start = high + 1
    if start <= MAX_CODE:
        left.append((start, MAX_CODE))
    return tuple(left)
