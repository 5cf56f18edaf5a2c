"""Knowledge files read strictly: an unknown name or a misspelled kind is refused, because it would mean silence."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sekisho.taint.errors import KnowledgeRefused
from sekisho.taint.findings import Mode, Severity
from sekisho.taint.knowledge.check_tables import (
    CHECK_TABLES,
    asked,
    parse_imports,
    parse_names,
    parse_overrides,
    parse_settings,
    rule_of,
)
from sekisho.taint.knowledge.model import (
    OWN,
    Check,
    CommonRule,
    Condition,
    Entry,
    Flow,
    GuardRule,
    Knowledge,
    Render,
    Rule,
    Sink,
    Slot,
    Source,
)
from sekisho.taint.knowledge.table import Table

FORMAT = "sekisho-taint-knowledge/v1"
# A file without a language speaks of the first.
LANGUAGES = ("python", "java")
_FIRST = LANGUAGES[0]

# Marks that are not kinds of harm: of a path made absolute, and of what is harmless for every kind.
_MARKS = frozenset({"resolved", "relative", "regex", "*"})
_FLOW_TABLES = frozenset(
    {
        "rule",
        "sink",
        "flow",
        "source",
        "entry",
        "guard",
        "common",
        "rejected",
        "prefix",
        "part",
        "page",
        "store",
        "render",
        "type",
    }
)
_TABLES = _FLOW_TABLES | CHECK_TABLES


def parse_knowledge(texts: Mapping[str, str]) -> Knowledge:
    """Return the knowledge in `texts` (file name to TOML), or raise KnowledgeRefused.

    Steps: (1) each file is TOML of our format, and of one language; (2) rules, which are for every language, because
    they name the kinds; (3) all else, language by language, checked against the rules.
    """
    # (1)
    found: dict[str, dict[str, list[Table]]] = {_FIRST: _no_tables()}
    for file, text in sorted(texts.items()):
        language, listed = _read(file, text)
        for name, tables in listed.items():
            found.setdefault(language, _no_tables())[name].extend(tables)
    # (2)
    every = [table for tables in found.values() for table in tables["rule"]]
    rules = {rule.id: rule for rule in map(_rule, every)}
    if len({rule.kind for rule in rules.values()}) != len(rules) or len(rules) != len(every):
        raise KnowledgeRefused("two rules with one id or one kind")
    # (3)
    others = {language: _of_language(tables, rules, {}) for language, tables in found.items() if language != _FIRST}
    return _of_language(found[_FIRST], rules, others)


def _no_tables() -> dict[str, list[Table]]:
    return {name: [] for name in _TABLES}


def _of_language(
    found: Mapping[str, list[Table]], rules: Mapping[str, Rule], languages: Mapping[str, Knowledge]
) -> Knowledge:
    kinds = frozenset(rule.kind for rule in rules.values())
    sinks = _index(found["sink"], lambda table: _sink(table, rules))
    flows = _index(found["flow"], lambda table: _flow(table, kinds))
    guards = _index(found["guard"], lambda table: _guard(table, kinds))
    sources = _sources(found["source"], kinds)
    common = _index(found["common"], lambda table: _common(table, kinds))
    checks = _index(found["check"], lambda table: _check(table, rules))
    types = _Types(found["type"])
    return Knowledge(
        kinds=kinds,
        rules=rules,
        by_kind={rule.kind: rule for rule in rules.values()},
        call_sinks=sinks.calls,
        method_sinks=sinks.methods,
        call_flows=flows.calls,
        method_flows=flows.methods,
        attribute_flows=flows.attributes,
        sources=sources,
        entries=tuple(_entry(table, kinds) for table in found["entry"]),
        call_guards={name: listed[-1] for name, listed in guards.calls.items()},
        method_guards={name: listed[-1] for name, listed in guards.methods.items()},
        common={name: listed[-1] for name, listed in common.calls.items()},
        rejected=_by_text(found["rejected"], "texts", "safe", kinds),
        rejected_prefixes=_by_text(found["prefix"], "texts", "rejected", kinds),
        part_guards=_by_text(found["part"], "attributes", "safe", kinds),
        call_checks=checks.calls,
        method_checks=checks.methods,
        decorator_checks=checks.attributes,
        settings=parse_settings(found["setting"], rules),
        imports=parse_imports(found["import"], rules),
        overrides=parse_overrides(found["override"], rules),
        literals=parse_names(found["literal"], rules),
        logged=parse_names(found["logged"], rules),
        predictable=parse_names(found["predictable"], rules),
        pages=_names(found["page"], "decorates"),
        stores=_names(found["store"], "names"),
        renders=_index(found["render"], _render).calls,
        caught=next((source for source in sources.values() if source.id == "own-caught-error"), None),
        bases=types.bases,
        returns=types.returns,
        types=frozenset(types.bases) | _types_in([sinks.calls, flows.calls, checks.calls, sources, types.returns]),
        languages=languages,
    )


class _Types:
    """Types of the language's libraries: what they inherit, and what their methods give."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self.bases: dict[str, tuple[str, ...]] = {}
        self.returns: dict[str, str] = {}
        for table in tables:
            names, bases, returns = table.texts("names"), table.texts("bases"), table.raw("returns", {})
            table.end()
            if not names or not isinstance(returns, dict) or not all(isinstance(v, str) for v in returns.values()):
                raise table.refuse("a type has names, and returns is a table of texts")
            for name in names:
                self.bases[name] = (*self.bases.get(name, ()), *bases)
                self.returns.update({f"{name}.{method}": result for method, result in returns.items()})


def _types_in(indexes: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the types among dotted names: up to the last part that begins with a capital."""
    found: set[str] = set()
    for index in indexes:
        for name in index:
            parts = name.split(".")
            found.update(".".join(parts[: n + 1]) for n, part in enumerate(parts) if n and part[:1].isupper())
    return frozenset(found)


def _read(file: str, text: str) -> tuple[str, dict[str, list[Table]]]:
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeRefused(f"{file}: not TOML: {error}") from error
    if value.pop("format", None) != FORMAT:
        raise KnowledgeRefused(f"{file}: the format is not {FORMAT}")
    language = value.pop("language", _FIRST)
    if language not in LANGUAGES:
        raise KnowledgeRefused(f"{file}: no such language: {language}")
    if not value.keys() <= _TABLES:
        raise KnowledgeRefused(f"{file}: unknown tables: {', '.join(sorted(value.keys() - _TABLES))}")
    whole = Table(file, value)
    return language, {name: whole.tables(name) for name in value}


class _Index:
    """Entries by what they are asked for."""

    def __init__(self) -> None:
        self.calls: dict[str, tuple[Any, ...]] = {}
        self.methods: dict[str, tuple[Any, ...]] = {}
        self.attributes: dict[str, tuple[Any, ...]] = {}


def _index(tables: Iterable[Table], make: Callable[[Table], Any]) -> _Index:
    index = _Index()
    for table in tables:
        calls, methods, attributes = table.texts("calls"), table.texts("methods"), table.texts("attributes")
        types, decorators = table.texts("types"), table.texts("decorates")
        made = make(table)
        table.end()
        if not calls and not methods and not attributes and not decorators:
            raise table.refuse("names nothing: calls, methods, attributes or decorates")
        names = [*decorators, *(f"{kind}.{attribute}" for kind in types for attribute in attributes)]
        _enter(index.calls, calls, made)
        _enter(index.methods, methods, made)
        _enter(index.attributes, names, made)
    return index


def _enter(into: dict[str, tuple[Any, ...]], names: Iterable[str], made: Any) -> None:
    for name in names:
        into[name] = (*into.get(name, ()), made)


def _rule(table: Table) -> Rule:
    severity, library = table.text("severity"), table.texts("library")
    if severity not in {level.value for level in Severity}:
        raise table.refuse(f"no severity: {severity}")
    rule = Rule(
        id=table.text("id"),
        kind=table.text("kind"),
        cwe=table.number("cwe"),
        severity=Severity(severity),
        message=table.text("message"),
        preconditions=table.texts("preconditions"),
        library=frozenset(library) - {"any"},
        constructor=table.flag("constructor"),
        own=table.flag("own"),
    )
    table.end()
    if not library:
        raise table.refuse("library must say what a flow needs: any, never, or facts")
    return rule


def _slot(table: Table, text: str) -> Slot:
    if text == "*":
        return Slot(every=True)
    if text == "receiver":
        return Slot(receiver=True)
    position, colon, name = text.partition(":")
    if not colon or not (position or name) or not (position.isdigit() or not position):
        raise table.refuse(f"not an argument: {text!r}; write position:name")
    return Slot(position=int(position) if position else None, name=name or None)


def _condition(table: Table) -> Condition:
    return asked(table, _slot(table, table.text("argument")))


def _sink(table: Table, rules: Mapping[str, Rule]) -> Sink:
    rule, form = rule_of(table, rules), table.text("form", "value")
    if form not in {"value", "argv"}:
        raise table.refuse(f"no such form: {form}")
    cwe = table.raw("cwe", rule.cwe)
    if not isinstance(cwe, int) or isinstance(cwe, bool):
        raise table.refuse("cwe must be a whole number")
    return Sink(
        rule=replace(rule, cwe=cwe),
        slots=tuple(_slot(table, text) for text in table.texts("arguments")),
        when=tuple(map(_condition, table.tables("when"))),
        unless=tuple(map(_condition, table.tables("unless"))),
        facts=frozenset(table.texts("facts")),
        argv=form == "argv",
    )


def _check(table: Table, rules: Mapping[str, Rule]) -> Check:
    return Check(
        rule=rule_of(table, rules),
        why=table.text("why"),
        when=tuple(map(_condition, table.tables("when"))),
        unless=tuple(map(_condition, table.tables("unless"))),
    )


def _flow(table: Table, kinds: frozenset[str]) -> Flow:
    origin, form, result = table.raw("from", "all"), table.text("form", "plain"), table.raw("result")
    if form not in {"plain", "join-path"}:
        raise table.refuse(f"no such form: {form}")
    slots = None
    if origin != "all":
        slots = () if origin == "none" else tuple(_slot(table, text) for text in origin)
    return Flow(
        slots=slots,
        safe=_marks(table, "safe", kinds),
        drops=_marks(table, "drops", kinds),
        facts=frozenset(table.texts("facts")),
        view=table.flag("view"),
        join_path=form == "join-path",
        result=result if isinstance(result, str) else None,
    )


def _marks(table: Table, name: str, kinds: frozenset[str]) -> frozenset[str]:
    marks = frozenset(table.texts(name))
    if not marks <= kinds | _MARKS:
        raise table.refuse(f"no such kind: {', '.join(sorted(marks - kinds - _MARKS))}")
    return marks


def _guard(table: Table, kinds: frozenset[str]) -> GuardRule:
    truth = table.raw("truth")
    if truth is not True and truth is not False and truth != "returns":
        raise table.refuse("truth must be true, false or returns")
    return GuardRule(
        subject=_slot(table, table.text("subject")),
        truth=None if truth == "returns" else truth,
        safe=_marks(table, "safe", kinds),
        needs=_marks(table, "needs", kinds),
        otherwise=table.text("otherwise", ""),
    )


def _common(table: Table, kinds: frozenset[str]) -> CommonRule:
    safe = _marks(table, "safe", kinds)
    return CommonRule(
        safe=safe,
        kinds=_marks(table, "kinds", kinds) | safe,
        needs=_marks(table, "needs", kinds),
        otherwise=table.text("otherwise"),
    )


def _sources(tables: Iterable[Table], kinds: frozenset[str]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for table in tables:
        mode = table.text("mode", "application")
        if mode not in {"application", "both"}:
            raise table.refuse(f"no such mode: {mode}")
        made_id = table.text("id")
        safe, only = _marks(table, "safe", kinds), _marks(table, "only", kinds)
        safe = safe | (kinds - only) if only else safe
        if bool(only) != made_id.startswith(OWN):
            raise table.refuse(f"the id of a source with `only`, and of no other, begins with {OWN}")
        facts = frozenset(table.texts("facts"))
        made = Source(id=made_id, why=table.text("why"), mode=Mode(mode), safe=safe, facts=facts)
        found.update(dict.fromkeys(table.texts("names"), made))
        table.end()
    return found


def _entry(table: Table, kinds: frozenset[str]) -> Entry:
    made = Entry(
        id=table.text("id"),
        why=table.text("why"),
        parameters=frozenset(table.texts("parameters")),
        beside=frozenset(table.texts("beside")),
        annotations=frozenset(table.texts("annotations")),
        decorators=frozenset(table.texts("decorators")),
        bases=frozenset(table.texts("bases")),
        methods=frozenset(table.texts("methods")),
        exempt=frozenset(table.texts("except")),
        keys=frozenset(table.texts("keys")),
        below=frozenset(table.texts("below")),
        receiver=table.flag("receiver"),
        address=table.flag("address"),
        safe=_marks(table, "safe", kinds),
        marked=frozenset(table.texts("marked")),
        plain=frozenset(table.texts("plain")),
    )
    table.end()
    if not (made.marked or made.parameters or made.annotations or made.decorators or made.bases or made.receiver):
        raise table.refuse("names no function: parameters, annotations, decorators, bases or receiver")
    return made


def _render(table: Table) -> Render:
    form, escapes, context = table.text("form"), table.text("escapes", "always"), table.text("context", "")
    if form not in {"page", "template", "environment"}:
        raise table.refuse(f"no such form: {form}")
    if escapes not in {"always", "suffix", "receiver"}:
        raise table.refuse(f"no such way to escape: {escapes}")
    return Render(
        form=form,
        template=_slot(table, table.text("template", "0:name")),
        context=_slot(table, context) if context else None,
        escapes=escapes,
        page=table.flag("shown"),
        result=table.text("result", ""),
    )


def _names(tables: Iterable[Table], key: str) -> frozenset[str]:
    found: set[str] = set()
    for table in tables:
        found.update(table.texts(key))
        table.end()
    return frozenset(found)


def _by_text(tables: Iterable[Table], key: str, value: str, kinds: frozenset[str]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for table in tables:
        marks = _marks(table, value, kinds)
        for text in table.texts(key):
            found[text] = found.get(text, frozenset()) | marks
        table.end()
    return found
