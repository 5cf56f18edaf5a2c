"""Whether a text came up twice among millions, in 8 bytes a text.

A set of the texts would take a hundred bytes each. Here each leaves a 64-bit hash in an array; only where two hashes
are equal are texts compared, in a second reading. The hash is keyed by the process: who writes a log cannot aim at it.
"""

from array import array
from itertools import pairwise
from typing import Final

# As many arrays, so that looking for equal ones takes little memory beside the arrays themselves.
_PARTS: Final = 256


class Repeats:
    """Takes texts, and tells the hashes that came up more than once."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]

    def add(self, text: str) -> None:
        value = hash(text)
        self._parts[value % _PARTS].append(value)

    def suspects(self) -> frozenset[int]:
        """Return the hashes, as `hash` gives them in this process, of texts of which some may be equal."""
        found: set[int] = set()
        for part in self._parts:
            if len(set(part)) < len(part):
                values = sorted(part)
                found.update(one for one, other in pairwise(values) if one == other)
        return frozenset(found)
