"""The tables of checks: weaknesses that need no flow of data to be seen."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sekisho.taint.knowledge.model import Condition, ImportCheck, NameCheck, Override, Rule, Setting, Slot
from sekisho.taint.knowledge.table import Table

CHECK_TABLES = frozenset({"check", "setting", "import", "literal", "logged", "override", "predictable"})
# What a condition may ask; one of them.
_QUESTIONS = ("is", "named", "present", "absent", "among", "below", "bits", "contains", "matches")


def rule_of(table: Table, rules: Mapping[str, Rule]) -> Rule:
    """Return the rule that the entry names."""
    name = table.text("rule")
    if name not in rules:
        raise table.refuse(f"no such rule: {name}")
    return rules[name]


def asked(table: Table, slot: Slot) -> Condition:
    """Return what the rest of the entry asks of `slot`."""
    key = table.text("key", "")
    found = {name: value for name in _QUESTIONS if (value := table.raw(name)) is not None}
    table.end()
    if len(found) != 1:
        raise table.refuse(f"asks exactly one of: {', '.join(_QUESTIONS)}")
    ((name, value),) = found.items()
    return replace(_question(table, slot, name, value), key=key)


def _question(table: Table, slot: Slot, name: str, value: Any) -> Condition:
    match name, value:
        case "is", bool() | int() | str():
            return Condition(slot=slot, equals=value)
        case "present", True:
            return Condition(slot=slot, present=True)
        case "absent", True:
            return Condition(slot=slot, absent=True)
        case "contains", str() if value:
            return Condition(slot=slot, contains=value)
        case "matches", str():
            return Condition(slot=slot, matches=compiled(table, name, value))
        case (("below" | "bits"), int()) if not isinstance(value, bool):
            return Condition(slot=slot, below=value) if name == "below" else Condition(slot=slot, bits=value)
        case (("named" | "among"), list()) if value and all(isinstance(text, str) for text in value):
            texts = tuple(value)
            return Condition(slot=slot, named=texts) if name == "named" else Condition(slot=slot, among=texts)
    raise table.refuse(f"{name} cannot be {value!r}")


def compiled(table: Table, name: str, pattern: str) -> re.Pattern[str]:
    """Return the pattern, or raise KnowledgeRefused."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise table.refuse(f"{name} is no regular expression: {error}") from error


def parse_settings(tables: Iterable[Table], rules: Mapping[str, Rule]) -> dict[str, tuple[Setting, ...]]:
    """Return the settings by the name that is set."""
    found: dict[str, tuple[Setting, ...]] = {}
    for table in tables:
        rule, why, names = rule_of(table, rules), table.text("why"), table.texts("names")
        modules = table.texts("modules")
        setting = Setting(rule=rule, why=why, condition=asked(table, Slot()), modules=modules)
        for name in names:
            found[name] = (*found.get(name, ()), setting)
    return found


def parse_imports(tables: Iterable[Table], rules: Mapping[str, Rule]) -> dict[str, tuple[ImportCheck, ...]]:
    """Return the imports by the dotted name that is imported."""
    found: dict[str, tuple[ImportCheck, ...]] = {}
    for table in tables:
        check = ImportCheck(rule=rule_of(table, rules), why=table.text("why"), unless=frozenset(table.texts("unless")))
        for name in table.texts("names"):
            found[name] = (*found.get(name, ()), check)
        table.end()
    return found


def parse_overrides(tables: Iterable[Table], rules: Mapping[str, Rule]) -> tuple[Override, ...]:
    """Return the methods that must do something."""
    found: list[Override] = []
    for table in tables:
        does = table.text("does")
        if does not in {"nothing", "true"}:
            raise table.refuse(f"does cannot be {does}")
        bases, methods = frozenset(table.texts("bases")), frozenset(table.texts("methods"))
        why, rule = table.text("why"), rule_of(table, rules)
        found.append(Override(rule=rule, why=why, bases=bases, methods=methods, agrees=does == "true"))
        table.end()
    return tuple(found)


def parse_names(tables: Iterable[Table], rules: Mapping[str, Rule]) -> tuple[NameCheck, ...]:
    """Return the checks of what names hold."""
    found: list[NameCheck] = []
    for table in tables:
        names = compiled(table, "names", table.text("names"))
        found.append(NameCheck(rule=rule_of(table, rules), why=table.text("why"), names=names))
        table.end()
    return tuple(found)
