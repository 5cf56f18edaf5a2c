"""The typed form of the knowledge files."""

from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.taint.findings import Mode, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An argument of a call, by position or by name; `every`: all of them; `receiver`: what the method is called on."""

    position: int | None = None
    name: str | None = None
    every: bool = False
    receiver: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something about an argument that decides whether a sink is one. Exactly one of the three is asked."""

    slot: Slot
    present: bool = False
    equals: bool | int | str | None = None
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of harm. `library`: the facts of which a flow in library mode needs one; empty: it needs none.
    `constructor`: a constructor's parameters count too, when a method uses them later."""

    id: str
    kind: str
    cwe: int
    severity: Severity
    message: str
    preconditions: tuple[str, ...]
    library: frozenset[str]
    constructor: bool


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
    """A name whose value comes from outside."""

    id: str
    why: str
    mode: Mode
    safe: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Parameters that a framework fills. What is empty is not asked. `address`: the decorator's first argument is text,
    as a route's is."""

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
class Knowledge:
    """Everything, indexed the way the engine asks. `calls` by dotted name, `methods` by last name."""

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
