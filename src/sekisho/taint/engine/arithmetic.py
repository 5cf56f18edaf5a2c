"""Whole numbers worked out, so that a branch that cannot be taken is not taken."""

import operator
from collections.abc import Callable
from functools import reduce
from typing import Final

# What a language's own numbers can hold; beyond it they wrap around or grow, and no branch hangs on it.
_LIMIT: Final = 1 << 62

_OPERATIONS: Final[dict[str, Callable[[int, int], int]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "^": operator.xor,
}
_ORDERS: Final[dict[str, Callable[[int, int], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def computed(sign: str, operands: list[object]) -> int | None:
    """Return the operation on whole numbers that are all known, else None."""
    numbers = [number for number in operands if type(number) is int and abs(number) < _LIMIT]
    if len(numbers) < max(len(operands), 2):
        return None
    if sign in {"/", "//", "%"}:
        return _divided(sign, numbers)
    operation = _OPERATIONS.get(sign)
    result = reduce(operation, numbers) if operation is not None else None
    return result if result is not None and abs(result) < _LIMIT else None


def _divided(sign: str, numbers: list[int]) -> int | None:
    """Division towards zero. Of negative numbers languages disagree, so those are left out."""
    left, right = numbers[0], numbers[1]
    if len(numbers) != 2 or left < 0 or right <= 0 or (sign == "/" and left % right):
        return None
    return left % right if sign == "%" else left // right


def compared(sign: str, left: object, right: object) -> bool | None:
    """Return the answer of a comparison of two known numbers, else None."""
    order = _ORDERS.get(sign)
    if order is None or type(left) is not int or type(right) is not int:
        return None
    return order(left, right)
