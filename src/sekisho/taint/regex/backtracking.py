"""How the time of a backtracking matcher grows with the text: the ambiguity of the pattern's automaton.

Weber and Seidl, "On the degree of ambiguity of finite automata" (1991): the number of ways to read a text grows
exponentially if and only if some state comes back to itself in two ways on one text, and else polynomially, if two
loops can hand a text over between them at any place. Either does harm only if the match can fail afterwards.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import Final

from sekisho.taint.regex.parse import PatternRefused, parse_pattern
from sekisho.taint.regex.positions import Automaton, TooManyPositions, automaton_of
from sekisho.taint.regex.syntax import Pattern

# Steps of a search through pairs or triples of positions; a pattern that needs more is not judged.
_MAX_STEPS: Final = 200_000


class Growth(Enum):
    """How many ways a backtracking matcher may try, as the text grows."""

    LINEAR = "linear"
    POLYNOMIAL = "polynomial"
    EXPONENTIAL = "exponential"
    UNKNOWN = "unknown"


def growth_of(text: str, *, verbose: bool = False, dotall: bool = False, to_the_end: bool = False) -> Growth:
    """Return how the time to match the pattern `text` grows with what it is matched against.

    `to_the_end`: the whole text must match. What cannot be read, or is too large to judge, is UNKNOWN.
    """
    try:
        pattern, lookarounds = parse_pattern(text, verbose=verbose, dotall=dotall)
        found = [_growth(pattern, to_the_end=to_the_end), *(_growth(part, to_the_end=False) for part in lookarounds)]
    except (PatternRefused, TooManyPositions, _TooManySteps):
        return Growth.UNKNOWN
    return max(found, key=(Growth.LINEAR, Growth.POLYNOMIAL, Growth.EXPONENTIAL).index)


class _TooManySteps(Exception):
    """The search was given up."""


def _growth(pattern: Pattern, *, to_the_end: bool) -> Growth:
    automaton = automaton_of(pattern, to_the_end=to_the_end)
    search = _Search(automaton)
    if search.has_two_ways_back():
        return Growth.EXPONENTIAL
    return Growth.POLYNOMIAL if search.has_two_loops_in_a_row() else Growth.LINEAR


class _Search:
    """Looks for the two shapes. `_common[p]`: the positions that share a character with p."""

    def __init__(self, automaton: Automaton) -> None:
        self._after = [tuple(follows) for follows in automaton.follows]
        self._follows = automaton.follows
        masks = _masks(automaton)
        self._masks = masks
        self._components = _components(self._after)
        self._free_last = automaton.free_last
        self._steps = 0

    def has_two_ways_back(self) -> bool:
        """Say whether a position, from which the match can fail, comes back to itself in two ways on one text."""
        return any(self._comes_back_twice(position) for position in self._pivots())

    def has_two_loops_in_a_row(self) -> bool:
        """Say whether a text takes one loop round, another round, and the first into the second."""
        looping = [position for position in range(len(self._after)) if self._is_looping(position)]
        return any(
            self._hands_over(first, second)
            for second in looping
            if second not in self._free_last
            for first in looping
            if self._components[first] != self._components[second] and self._reaches(first, second)
        )

    def _pivots(self) -> Iterator[int]:
        for position in range(len(self._after)):
            if self._is_looping(position) and position not in self._free_last:
                yield position

    def _is_looping(self, position: int) -> bool:
        home = self._components[position]
        return any(self._components[after] == home for after in self._after[position])

    def _comes_back_twice(self, pivot: int) -> bool:
        home = self._components[pivot]
        ahead = self._reached((pivot, pivot), home, backwards=False)
        if any(left == pivot and right in self._free_last for left, right in ahead):
            # Whatever text leads round the loop is also one that the match can end with.
            return False
        inside = [position for position in range(len(self._after)) if self._components[position] == home]
        if any(self._follows[p][q] > 1 for p in inside for q in self._after[p] if self._components[q] == home):
            return True
        back = self._reached((pivot, pivot), home, backwards=True)
        return any(left != right for left, right in ahead & back)

    def _reached(self, start: tuple[int, int], home: int, *, backwards: bool) -> set[tuple[int, int]]:
        """Return the pairs that one text leads to from `start`, or from which it leads there, within `home`."""
        moves = self._before() if backwards else self._after
        seen, work = set[tuple[int, int]](), deque([start])
        while work:
            left, right = work.popleft()
            for p in moves[left]:
                for q in moves[right]:
                    self._count()
                    # Forwards, both read the character of the positions they go to; backwards, that they come from.
                    shared = self._masks[left] & self._masks[right] if backwards else self._masks[p] & self._masks[q]
                    if shared and self._components[p] == self._components[q] == home and (p, q) not in seen:
                        seen.add((p, q))
                        work.append((p, q))
        return seen

    def _hands_over(self, first: int, second: int) -> bool:
        """Say whether some text leads first → first, first → second and second → second."""
        start, goal = (first, first, second), (first, second, second)
        seen, work = {start}, deque([start])
        while work:
            a, b, c = work.popleft()
            for p in self._inside(a):
                for q in self._after[b]:
                    for r in self._inside(c):
                        self._count()
                        step = (p, q, r)
                        if self._masks[p] & self._masks[q] & self._masks[r] and step not in seen:
                            if step == goal:
                                return True
                            seen.add(step)
                            work.append(step)
        return False

    def _inside(self, position: int) -> Iterator[int]:
        home = self._components[position]
        return (after for after in self._after[position] if self._components[after] == home)

    def _reaches(self, first: int, second: int) -> bool:
        seen, work = {first}, [first]
        while work:
            for after in self._after[work.pop()]:
                if after == second:
                    return True
                if after not in seen:
                    seen.add(after)
                    work.append(after)
        return False

    def _before(self) -> list[list[int]]:
        before: list[list[int]] = [[] for _ in self._after]
        for position, after in enumerate(self._after):
            for one in after:
                before[one].append(position)
        return before

    def _count(self) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise _TooManySteps


def _masks(automaton: Automaton) -> list[int]:
    """Return for each position the set of its characters, one bit for each class that no position tells apart."""
    edges = sorted({edge for ranges in automaton.ranges for low, high in ranges for edge in (low, high + 1)})
    numbers = {edge: number for number, edge in enumerate(edges)}
    masks: list[int] = []
    for ranges in automaton.ranges:
        mask = 0
        for low, high in ranges:
            mask |= (1 << numbers[high + 1]) - (1 << numbers[low])
        masks.append(mask)
    return masks


def _components(after: list[tuple[int, ...]]) -> list[int]:
    """Return the number of each position's strongly connected component (Kosaraju)."""
    order: list[int] = []
    seen: set[int] = set()
    for root in range(len(after)):
        work = [(root, False)]
        while work:
            position, done = work.pop()
            if done:
                order.append(position)
            elif position not in seen:
                seen.add(position)
                work.append((position, True))
                work.extend((one, False) for one in after[position])
    before: list[list[int]] = [[] for _ in after]
    for position, ones in enumerate(after):
        for one in ones:
            before[one].append(position)
    component = [-1] * len(after)
    for number, root in enumerate(reversed(order)):
        stack = [root]
        while stack:
            position = stack.pop()
            if component[position] < 0:
                component[position] = number
                stack.extend(before[position])
    return component
