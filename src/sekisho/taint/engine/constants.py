"""What is worked out of constants, so that a branch that cannot be taken is not taken."""

import operator
from collections.abc import Callable

from sekisho.taint.engine.values import ANY, UNKNOWN, Value

# Larger numbers are not made: a program may raise one to the power of another.
_MAX_NUMBER = 2**64
_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDERS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def calculated(sign: str, left: object, right: object) -> int | None:
    """Return `left sign right` of two whole numbers, None of anything else."""
    work = _OPERATORS.get(sign)
    if work is None or type(left) is not int or type(right) is not int or (sign in {"//", "%"} and right == 0):
        return None
    found = work(left, right)
    return found if abs(found) <= _MAX_NUMBER else None


def compared(sign: str, left: object, right: object) -> bool | None:
    """Return whether `left sign right` for two whole numbers, None for anything else."""
    order = _ORDERS.get(sign)
    if order is None or type(left) is not int or type(right) is not int:
        return None
    return order(left, right)


def is_among(const: object, container: Value) -> bool | None:
    """Say whether `const` is in a text or in a list of constants; None if that is not known."""
    if isinstance(const, str) and isinstance(container.const, str):
        return const in container.const
    items = container.items
    if not items or container.taints or ANY in items or not all(key.isdigit() for key in items):
        return None
    if any(item.const is UNKNOWN for item in items.values()):
        return None
    return any(type(item.const) is type(const) and item.const == const for item in items.values())
