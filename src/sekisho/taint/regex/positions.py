"""A pattern as an automaton of its characters' positions (Glushkov 1961): no empty moves, one state a character.

How often one position follows another is counted up to two: `(a*)*` has one state and two ways from it to itself,
and each way is one that a backtracking matcher tries.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from sekisho.taint.regex.syntax import Assertion, Atomic, Chars, Either, Pattern, Ranges, Repeat, Sequence

# Enough for what people write; the pairs of positions that are looked at are this number squared.
MAX_POSITIONS: Final = 400
# A bounded repetition is written out so often; one that may go on for longer than the second is like one without end.
_WRITTEN_OUT: Final = 6
_LIKE_ENDLESS: Final = 25


class TooManyPositions(Exception):
    """The pattern is larger than this room looks at. Never leaves the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a part of the pattern begins and ends with. `free`: it matches nothing, and asks for nothing;
    `free_last`: positions after which the part asks for nothing more."""

    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    free_last: frozenset[int] = frozenset()
    nullable: bool = True
    free: bool = True


@dataclass(slots=True)
class Automaton:
    """Positions with their characters, and how often (1 or 2, for many) each follows each."""

    ranges: list[Ranges] = field(default_factory=list)
    follows: list[Counter[int]] = field(default_factory=list)
    free_last: frozenset[int] = frozenset()

    def _add(self, ranges: Ranges) -> int:
        if len(self.ranges) == MAX_POSITIONS:
            raise TooManyPositions
        self.ranges.append(ranges)
        self.follows.append(Counter())
        return len(self.ranges) - 1

    def _connect(self, before: Part, after: Part) -> None:
        for last in before.last:
            for first in after.first:
                self.follows[last][first] = min(2, self.follows[last][first] + 1)

    def place(self, pattern: Pattern) -> Part:
        """Enter the positions of `pattern` and return what it begins and ends with."""
        match pattern:
            case Chars():
                position = (self._add(pattern.ranges),)
                return Part(first=position, last=position, free_last=frozenset(position), nullable=False, free=False)
            case Assertion():
                return Part(free=False)
            case Sequence():
                whole = Part()
                for part in pattern.parts:
                    whole = self._after(whole, self.place(part))
                return whole
            case Either():
                return _either([self.place(arm) for arm in pattern.arms])
            case Repeat():
                return self._repeat(pattern)
            case Atomic():
                return self._once(pattern.part)

    def _after(self, before: Part, after: Part) -> Part:
        self._connect(before, after)
        return Part(
            first=before.first + after.first if before.nullable else before.first,
            last=after.last + before.last if after.nullable else after.last,
            free_last=after.free_last | before.free_last if after.free else after.free_last,
            nullable=before.nullable and after.nullable,
            free=before.free and after.free,
        )

    def _repeat(self, pattern: Repeat) -> Part:
        endless = pattern.most is None or pattern.most >= _LIKE_ENDLESS
        needed = min(pattern.least, _WRITTEN_OUT)
        whole = Part()
        for _ in range(max(needed - 1, 0) if endless else needed):
            whole = self._after(whole, self.place(pattern.part))
        if endless:
            return self._after(whole, self._loop(pattern.part, at_least_once=needed > 0))
        optional = min((pattern.most or 0) - needed, _WRITTEN_OUT)
        return self._after(whole, self._optional(pattern.part, optional))

    def _optional(self, part: Pattern, times: int) -> Part:
        """Each time comes after the one before it, as a matcher counts: there is one way to read a number of them."""
        if times == 0:
            return Part()
        placed = self.place(part)
        return _either([self._after(placed, self._optional(part, times - 1)), Part()])

    def _loop(self, part: Pattern, *, at_least_once: bool) -> Part:
        placed = self.place(part)
        self._connect(placed, placed)
        return placed if at_least_once else _either([placed, Part()])

    def _once(self, part: Pattern) -> Part:
        """Place what never gives back: its loops and choices cannot be tried again, so they are left out."""
        before = len(self.ranges)
        placed = self.place(part)
        for position in range(before, len(self.ranges)):
            self.follows[position] = Counter({after: 1 for after in self.follows[position] if after > position})
        return placed


def automaton_of(pattern: Pattern, *, to_the_end: bool) -> Automaton:
    """Return the automaton of `pattern`, or raise TooManyPositions. `to_the_end`: the whole text must match."""
    made = Automaton()
    whole = made.place(pattern)
    made.free_last = frozenset() if to_the_end else whole.free_last
    return made


def _either(parts: list[Part]) -> Part:
    return Part(
        first=tuple(position for part in parts for position in part.first),
        last=tuple(position for part in parts for position in part.last),
        free_last=frozenset().union(*(part.free_last for part in parts)),
        nullable=any(part.nullable for part in parts),
        free=any(part.free for part in parts),
    )
