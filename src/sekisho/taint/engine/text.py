"""Text put together: what the parts before a piece of taint say about what it can do."""

import re

from sekisho.taint.engine.containers import chained
from sekisho.taint.engine.values import RESOLVED, UNKNOWN, Taint, Value, all_taints, constant, merge_taints, read

_SQL = re.compile(
    r"\b(select\b|insert\s+into|update\s+\S+|delete\s+from|drop\s+(table|database|index|schema|view)|where\b|order\s+by|group\s+by"
    r"|create\s+(table|database|user|role|index|schema|view)|alter\s+(table|user|role|database)|savepoint|union\b"
    r"|truncate\s+table|values\s*\(|grant\s|revoke\s|pragma\s|attach\s+database|show\s+(tables|columns)|from\s+\S*$|join\s"
    r"|set\s+\S+\s*=|lock\s+table|copy\s+\S+\s+(from|to)|limit\s)",
    re.IGNORECASE,
)
# Longer text is scanned at its beginning and end only.
_SCANNED = 2000

# An address that begins so has no host of its own.
_PATH_FIRST = re.compile(r"/[^/\\\0]|[?#]|[\w.-]+[/?#]")

_EMBEDDED = frozenset({"embedded"})
_SQL_FACTS = frozenset({"embedded", "sql"})
_SQL_SAFE = frozenset({"sql"})
_JOINED = frozenset({"joined"})
_NOT_RESOLVED = frozenset({RESOLVED})


def looks_like_sql(text: str) -> bool:
    """Say whether `text` is a piece of an SQL statement."""
    if len(text) > 2 * _SCANNED:
        text = text[:_SCANNED] + " " + text[-_SCANNED:]
    return _SQL.search(text) is not None


def concatenated(parts: list[Value]) -> Value:
    """Return `parts` one after the other: the constant, or their taints with what the text around them says."""
    consts = [part.const for part in parts]
    if all(isinstance(const, str) for const in consts):
        return Value(const="".join(consts))
    if not any(part.taints or part.items for part in parts):
        return Value()
    known = "".join(const if isinstance(const, str) else " ? " for const in consts)
    facts = _SQL_FACTS if looks_like_sql(known) else _EMBEDDED
    if len(parts) > 1 and all(part.items for part in parts if part.const is UNKNOWN):
        return chained(parts)
    taints: tuple[Taint, ...] = ()
    before = Before()
    for part in parts:
        own = all_taints(part)
        if own:
            safe, placed = before.judge()
            quote = before.literal[-1:]
            if quote in ("'", '"'):
                own = tuple(taint.changed(add=_SQL_SAFE) if f"doubled{quote}" in taint.safe else taint for taint in own)
            around = placed | facts if len(parts) > 1 else placed
            taints = merge_taints(
                taints, tuple(taint.changed(add=safe, drop=_NOT_RESOLVED, facts=around) for taint in own)
            )
        before.add(part)
    return Value(taints)


def filled(template: str, values: Value, mark: str) -> Value:
    """Return the text `template` with `values` in its places, in order as far as the order is known."""
    pieces = template.split(mark)
    parts: list[Value] = []
    for number, piece in enumerate(pieces):
        if number:
            value = read(values, str(number - 1)) if values.items and str(number - 1) in values.items else values
            parts.append(Value(all_taints(value), value.const if isinstance(value.const, str) else UNKNOWN))
            # What follows the mark up to its letter or brace belongs to the mark.
            piece = piece.partition("}")[2] if mark == "{" else piece[1:]
        parts.append(constant(piece))
    return concatenated(parts)


class Before:
    """What stands before a piece of text. Only as much as decides who chooses host, folder and first character."""

    def __init__(self) -> None:
        self.literal = ""
        self.anything = False
        self.variable_head = False

    def add(self, part: Value) -> None:
        """Put `part` behind what is there."""
        if isinstance(part.const, str):
            self.literal += part.const
            self.anything = self.anything or bool(part.const)
            return
        self.variable_head = self.variable_head or not self.anything
        self.anything = True
        self.literal += "\0"

    def judge(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the kinds for which what comes next is harmless, and the facts about its place."""
        if not self.anything:
            return frozenset(), frozenset()
        safe = {"argument"} if not self.literal.startswith("-") or "=" in self.literal else set()
        if self._host_is_fixed():
            safe |= {"ssrf", "redirect"}
        elif re.match(r"/[^/\\\0]|[?#]", self.literal):
            safe |= {"redirect"}
        if _PATH_FIRST.match(self.literal):
            safe |= {"inside"}
        joined = "/" in self.literal or "\\" in self.literal or self.literal.endswith("\0")
        return frozenset(safe), _JOINED if joined else frozenset()

    def _host_is_fixed(self) -> bool:
        _, mark, rest = self.literal.partition("://")
        if mark:
            # Behind another variable part it is that part which chooses.
            return "/" in rest or rest.endswith("\0")
        return self.variable_head and not self.literal.endswith("//")
