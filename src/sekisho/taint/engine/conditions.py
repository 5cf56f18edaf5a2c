"""What conditions of sinks and checks ask about the arguments of a call."""

from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.refs import External
from sekisho.taint.engine.values import UNKNOWN, Value, read
from sekisho.taint.knowledge.model import Condition


def holds(condition: Condition, arguments: Arguments, receiver: Value | None = None) -> bool:
    """Say whether `condition` holds for its argument. What is spread into the call may be anything."""
    at = (receiver or Value(), None) if condition.slot.receiver else arguments.at(condition.slot)
    if condition.absent:
        return at is None and arguments.table is None and arguments.rest is None
    if at is None:
        return False
    return is_so(condition, read(at[0], condition.key) if condition.key else at[0])


def is_so(condition: Condition, value: Value) -> bool:
    """Say whether what `condition` asks is known to be true of `value`."""
    if condition.present:
        return value.const is not None
    if condition.contains:
        return any(item.const == condition.contains for item in (value.items or {}).values())
    if condition.named:
        name = value.ref.name if isinstance(value.ref, External) else value.const
        return isinstance(name, str) and name.rpartition(".")[2] in condition.named
    if condition.matches is not None:
        return isinstance(value.const, str) and condition.matches.search(value.const.lower()) is not None
    if condition.among:
        return isinstance(value.const, str) and value.const.lower() in condition.among
    if condition.below is not None or condition.bits is not None:
        return _number_is_so(condition, value)
    if isinstance(condition.equals, bool):
        return value.const is not UNKNOWN and bool(value.const) == condition.equals
    return value.const is not UNKNOWN and value.const == condition.equals


def _number_is_so(condition: Condition, value: Value) -> bool:
    number = value.const
    if not isinstance(number, int) or isinstance(number, bool):
        return False
    return number < condition.below if condition.below is not None else bool(number & (condition.bits or 0))
