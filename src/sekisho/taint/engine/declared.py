"""What a declared type says about a value, in languages where every variable has one."""

from typing import Final

from sekisho.taint import ir
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import External, InstanceRef
from sekisho.taint.engine.values import UNKNOWN, Value
from sekisho.taint.knowledge.model import OWN

# Types whose values carry no text.
_NUMBERS: Final = frozenset(
    {"int", "long", "short", "byte", "float", "double", "boolean", "void"}
    | {f"java.lang.{name}" for name in ("Integer", "Long", "Short", "Byte", "Float", "Double", "Boolean", "Number")}
    | {"java.math.BigDecimal", "java.math.BigInteger", "java.util.UUID", "java.time.LocalDate", "java.time.Instant"}
    | {"java.util.Date", "java.time.LocalDateTime"}
)
# Types that say nothing.
_ANYTHING: Final = frozenset({"java.lang.Object", "T", "E", "K", "V", "R"})


def as_declared(frame: Frame, value: Value, annotation: ir.Expr) -> Value:
    """Return `value` as an object of the declared type; what it was made as says more, and a number harms nothing."""
    declared = frame.engine.types.declared(frame.module, annotation)
    if isinstance(declared, External) and declared.name in _NUMBERS:
        own = tuple(taint for taint in value.taints if taint.origin.name.startswith(OWN))
        return Value(own, value.const, None, None, None, (), value.test)
    if (
        declared is None
        or (value.const is not UNKNOWN and value.const is not None)
        or not _says_more(declared, value.ref)
    ):
        return value
    return Value(value.taints, value.const, declared, value.items, value.self_origin, value.made_from, value.test)


def _says_more(declared: object, ref: object | None) -> bool:
    if ref is None:
        return not (isinstance(declared, External) and declared.name in _ANYTHING)
    if not isinstance(ref, External) or (isinstance(declared, External) and declared.name in _ANYTHING):
        return False
    return isinstance(declared, InstanceRef) or not is_type(ref.name)


def is_type(name: str) -> bool:
    """Say whether a dotted name is a type's by convention, and not a method's."""
    return name.rpartition(".")[2][:1].isupper()
