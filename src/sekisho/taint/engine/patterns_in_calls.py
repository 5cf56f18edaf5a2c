"""Regular expressions where they are compiled and where they meet text."""

from typing import Final

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.checks import check_pattern
from sekisho.taint.engine.external import reach_rule
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.values import Value, read
from sekisho.taint.regex import Growth

# Where a compiled pattern keeps its text.
PATTERN_KEY: Final = ".pattern"
_MODULES: Final = frozenset({"re", "regex"})
# Which argument is the text, after the pattern: `re.sub(pattern, new, text)`.
_TEXT_AFTER_PATTERN: Final = {
    "match": 0,
    "search": 0,
    "fullmatch": 0,
    "findall": 0,
    "finditer": 0,
    "split": 0,
    "sub": 1,
    "subn": 1,
}


def reach_patterns(frame: Frame, node: ir.Call, name: str, receiver: Value | None, arguments: Arguments) -> None:
    """Note a pattern that backtracks exponentially, and outside text that meets one that backtracks at all."""
    home, _, last = name.rpartition(".")
    if home in _MODULES and (last in _TEXT_AFTER_PATTERN or last in {"compile", "template"}):
        pattern = arguments.positional[0].const if arguments.positional else None
        if isinstance(pattern, str):
            check_pattern(frame, node, pattern)
            _meet(frame, node, pattern, last, arguments, 1)
    elif home in {"re.compile", "regex.compile"} and last in _TEXT_AFTER_PATTERN and receiver is not None:
        pattern = read(receiver, PATTERN_KEY).const
        if isinstance(pattern, str):
            _meet(frame, node, pattern, last, arguments, 0)


def _meet(frame: Frame, node: ir.Call, pattern: str, last: str, arguments: Arguments, shift: int) -> None:
    at = _TEXT_AFTER_PATTERN.get(last)
    rule = frame.knowledge.by_kind.get("slow-pattern")
    if at is None or rule is None or at + shift >= len(arguments.positional):
        return
    text = arguments.positional[at + shift]
    if text.taints and frame.engine.growth(pattern) is Growth.POLYNOMIAL:
        reach_rule(frame, node, rule, text)
