"""The typed form of the knowledge files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.taint.findings import Mode, Severity

# How the ids of sources begin that no stranger chooses: what they give may judge what strangers choose.
OWN = "own-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An argument of a call, by position or by name; `every`: all of them; `receiver`: what the method is called on."""

    position: int | None = None
    name: str | None = None
    every: bool = False
    receiver: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something about an argument that decides whether a sink or a check is one. Exactly one thing is asked.

    `absent`: it is not given; `among`: it is one of these texts, whatever their case; `below`: a number smaller than
    this; `bits`: a number with one of these bits; `named`: the end of a dotted name; `contains`: a text is among its
    items; `matches`: its text, in lower case, has a match of this pattern. `key`: what is under this key of the
    argument is asked, not the argument.
    """

    slot: Slot
    key: str = ""
    present: bool = False
    absent: bool = False
    equals: bool | int | str | None = None
    named: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    below: int | None = None
    bits: int | None = None
    contains: str = ""
    matches: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of harm. `library`: the facts of which a flow in library mode needs one; empty: it needs none.
    `constructor`: a constructor's parameters count too, when a method uses them later. `own`: the harm is done by what
    the program itself makes, never by what a stranger chooses."""

    id: str
    kind: str
    cwe: int
    severity: Severity
    message: str
    preconditions: tuple[str, ...]
    library: frozenset[str]
    constructor: bool
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where harm is done. `argv`: the slot is a program with its arguments."""

    rule: Rule
    slots: tuple[Slot, ...]
    when: tuple[Condition, ...]
    unless: tuple[Condition, ...]
    facts: frozenset[str]
    argv: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a call lets through. `slots` None: everything."""

    slots: tuple[Slot, ...] | None
    safe: frozenset[str]
    drops: frozenset[str]
    facts: frozenset[str]
    view: bool
    join_path: bool
    result: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A name whose value comes from outside. `facts`: what is true of it, for sinks that ask for it."""

    id: str
    why: str
    mode: Mode
    safe: frozenset[str]
    facts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Parameters that a framework fills. What is empty is not asked. `address`: the decorator's first argument is text,
    as a route's is. `marked`: annotations of the parameter itself; `plain`: types that are filled by other means."""

    id: str
    why: str
    parameters: frozenset[str]
    beside: frozenset[str]
    annotations: frozenset[str]
    decorators: frozenset[str]
    bases: frozenset[str]
    methods: frozenset[str]
    exempt: frozenset[str]
    keys: frozenset[str]
    below: frozenset[str]
    receiver: bool
    address: bool
    safe: frozenset[str]
    marked: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRule:
    """A check by a call. `truth`: the answer under which `subject` is harmless for `safe`; None: if it returns."""

    subject: Slot
    truth: bool | None
    safe: frozenset[str]
    needs: frozenset[str]
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonRule:
    """A call whose result, equal to the folder, holds (`safe`) or does not hold (`kinds`) a path inside it."""

    safe: frozenset[str]
    kinds: frozenset[str]
    needs: frozenset[str]
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A call that is weak by how it is made, whatever data goes into it."""

    rule: Rule
    why: str
    when: tuple[Condition, ...]
    unless: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A name that must not be set so. `condition` speaks of the value (its slot means nothing); `modules`: plain
    variables count only in modules whose name has one of these in it."""

    rule: Rule
    why: str
    condition: Condition
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A method that a class below one of `bases` must not have so: with a body that does nothing, or that only says yes
    (`agrees`)."""

    rule: Rule
    why: str
    bases: frozenset[str]
    methods: frozenset[str]
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCheck:
    """An import that is weak unless the module speaks of one of `unless`."""

    rule: Rule
    why: str
    unless: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NameCheck:
    """Names (a regular expression, matched anywhere in the lower-case name) that must not hold what the rule says."""

    rule: Rule
    why: str
    names: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """A call that renders a template (`form` page), finds one (template), or makes what finds them (environment).

    `escapes`: always, by the template's suffix, or as the receiver was made; `page`: what it gives is shown as HTML
    whatever the template looks like; `context`: where the variables are, beside those that are given by name."""

    form: str
    template: Slot
    context: Slot | None
    escapes: str
    page: bool
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known of one language, indexed the way the engine asks. `calls` by dotted name, `methods` by last name;
    `caught`: what an error says, where a view catches it; `bases`: what a type has by inheritance; `returns`: the type
    of what a call gives; `types`: every type that is spoken of; `languages`: the same for the other languages."""

    kinds: frozenset[str]
    rules: Mapping[str, Rule]
    by_kind: Mapping[str, Rule]
    call_sinks: Mapping[str, tuple[Sink, ...]]
    method_sinks: Mapping[str, tuple[Sink, ...]]
    call_flows: Mapping[str, tuple[Flow, ...]]
    method_flows: Mapping[str, tuple[Flow, ...]]
    attribute_flows: Mapping[str, tuple[Flow, ...]]
    sources: Mapping[str, Source]
    entries: tuple[Entry, ...]
    call_guards: Mapping[str, GuardRule]
    method_guards: Mapping[str, GuardRule]
    common: Mapping[str, CommonRule]
    rejected: Mapping[str, frozenset[str]]
    rejected_prefixes: Mapping[str, frozenset[str]]
    part_guards: Mapping[str, frozenset[str]]
    call_checks: Mapping[str, tuple[Check, ...]]
    method_checks: Mapping[str, tuple[Check, ...]]
    decorator_checks: Mapping[str, tuple[Check, ...]]
    settings: Mapping[str, tuple[Setting, ...]]
    imports: Mapping[str, tuple[ImportCheck, ...]]
    overrides: tuple[Override, ...]
    literals: tuple[NameCheck, ...]
    logged: tuple[NameCheck, ...]
    predictable: tuple[NameCheck, ...]
    pages: frozenset[str]
    stores: frozenset[str]
    renders: Mapping[str, tuple[Render, ...]]
    caught: Source | None
    bases: Mapping[str, tuple[str, ...]]
    returns: Mapping[str, str]
    types: frozenset[str]
    languages: "Mapping[str, Knowledge]"

    def of(self, language: str) -> "Knowledge":
        """Return what is known of `language`."""
        return self.languages.get(language, self)

    def every_type(self) -> frozenset[str]:
        """Return the types that are spoken of in any language."""
        return self.types.union(*(known.types for known in self.languages.values()))

    def home_of(self, kind: str, member: str) -> str:
        """Return the type, `kind` or one that it inherits from, of whose `member` something is known; else `kind`."""
        tables = (self.call_sinks, self.call_flows, self.sources, self.call_checks, self.call_guards, self.returns)
        order = [kind]
        for current in order:
            if any(f"{current}.{member}" in table for table in tables):
                return current
            order.extend(base for base in self.bases.get(current, ()) if base not in order)
        return kind

    def source(self, name: str) -> Source | None:
        """Return the source with the id `name`, of any language; None if there is none."""
        every = (source for known in self._all() for source in known.sources.values())
        return next((source for source in every if source.id == name), None)

    def entry(self, name: str) -> Entry:
        """Return the entry with the id `name`, of any language. There MUST be one."""
        return next(entry for known in self._all() for entry in known.entries if entry.id == name)

    def _all(self) -> "tuple[Knowledge, ...]":
        return (self, *self.languages.values())
