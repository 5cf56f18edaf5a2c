"""Nested threshold rules over parties, never over keys or signatures.

A rule is written in the charter's words (`Rule`), bound to the charter's parties and one lab (`Need`), and then
compared with the set of parties that signed. Branches that must be met together may not share a party: else one
party could stand in two of them and be counted twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from sekisho.formats import jcs
from sekisho.trust.errors import RuleRefused
from sekisho.trust.party import Party, Role

# The rule of DESIGN is three deep; eight leaves room, and a person can still read it aloud.
MAX_RULE_DEPTH = 8
# Each branch is compared with its sisters and rendered into messages.
MAX_RULE_BRANCHES = 64
MAX_RULE_NODES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class OneParty:
    """Met by the party of this name: `{"party": NAME}`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOfRole:
    """Met by any one party of this role, never `lab`: `{"role": "home"}`."""

    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOfAccord:
    """Met by the lab whose models the accord names, by no other: `{"lab_of_accord": true}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Met when every branch is: `{"all": [RULE, …]}`."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Met when one branch is: `{"any": [RULE, …]}`."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """Met when `n` branches are: `{"at_least": {"n": 2, "of": [RULE, …]}}`."""

    n: int
    rules: tuple["Rule", ...]


Rule: TypeAlias = OneParty | AnyOfRole | LabOfAccord | AllOf | AnyOf | AtLeast


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A rule bound to parties: `n` of `of`, each a party's name or a further need."""

    n: int
    of: tuple["Need | str", ...]


def read_rule(value: jcs.Json, parties: tuple[Party, ...]) -> Rule:
    """Return the rule that a charter of `parties` states, or raise RuleRefused.

    Steps: (1) shape and size; (2) every leaf can be met by some party; (3) branches that count together share
    no party. By (2) and (3) the rule can be met, and only by as many parties as it says.
    """
    # (1)
    rule = _read(value, depth=0)
    if _count(rule) > MAX_RULE_NODES:
        raise RuleRefused(f"a rule of more than {MAX_RULE_NODES} parts")
    # (2), (3)
    _check_reach(rule, parties)
    return rule


def rule_payload(rule: Rule) -> dict[str, jcs.Json]:
    """Return `rule` as `read_rule` reads it."""
    match rule:
        case OneParty(name=name):
            return {"party": name}
        case AnyOfRole(role=role):
            return {"role": role.value}
        case LabOfAccord():
            return {"lab_of_accord": True}
        case AllOf(rules=rules):
            return {"all": [rule_payload(part) for part in rules]}
        case AnyOf(rules=rules):
            return {"any": [rule_payload(part) for part in rules]}
        case AtLeast(n=n, rules=rules):
            return {"at_least": {"n": n, "of": [rule_payload(part) for part in rules]}}


def bind_rule(rule: Rule, parties: tuple[Party, ...], *, lab: str | None) -> Need:
    """Return what `rule` needs. `lab`: the accord's lab; None where there is no accord, so that any lab will do."""
    match rule:
        case OneParty(name=name):
            return Need(n=1, of=(name,))
        case AnyOfRole(role=role):
            return Need(n=1, of=_names(parties, role))
        case LabOfAccord():
            return Need(n=1, of=_names(parties, Role.LAB) if lab is None else (lab,))
        case AllOf(rules=rules):
            return Need(n=len(rules), of=tuple(bind_rule(part, parties, lab=lab) for part in rules))
        case AnyOf(rules=rules):
            return Need(n=1, of=tuple(bind_rule(part, parties, lab=lab) for part in rules))
        case AtLeast(n=n, rules=rules):
            return Need(n=n, of=tuple(bind_rule(part, parties, lab=lab) for part in rules))


def find_missing(need: Need, signers: frozenset[str]) -> Need | None:
    """Return what is still needed once `signers` have signed; None when nothing is, and only then."""
    left: list[Need | str] = []
    for part in need.of:
        missing = find_missing(part, signers) if isinstance(part, Need) else _absent(part, signers)
        if missing is not None:
            left.append(missing)
    n = need.n - (len(need.of) - len(left))
    return Need(n=n, of=tuple(left)) if n > 0 else None


def describe_need(need: Need) -> str:
    """Return `need` in words: `home-gov and one of (partner-gov, working-group)`."""
    parts = [describe_need(part) if isinstance(part, Need) else part for part in need.of]
    if len(parts) == 1:
        return parts[0]
    if need.n == len(parts):
        return " and ".join(parts)
    count = "one" if need.n == 1 else str(need.n)
    return f"{count} of ({', '.join(parts)})"


def _absent(name: str, signers: frozenset[str]) -> str | None:
    return None if name in signers else name


def _names(parties: tuple[Party, ...], role: Role) -> tuple[str, ...]:
    return tuple(party.name for party in parties if party.role is role)


def _read(value: jcs.Json, *, depth: int) -> Rule:
    if depth >= MAX_RULE_DEPTH:
        raise RuleRefused(f"a rule nested deeper than {MAX_RULE_DEPTH}")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise RuleRefused("a rule is an object with one name")
    [(name, body)] = value.items()
    match name, body:
        case "party", str():
            return OneParty(name=body)
        case "role", str():
            return AnyOfRole(role=_read_role(body))
        case "lab_of_accord", True:
            return LabOfAccord()
        case "all", list():
            return AllOf(rules=_read_branches(body, depth=depth))
        case "any", list():
            return AnyOf(rules=_read_branches(body, depth=depth))
        case "at_least", Mapping():
            return _read_at_least(body, depth=depth)
    raise RuleRefused(f"not a rule: {str(name)[:40]!r}")


def _read_role(value: str) -> Role:
    if value == Role.LAB.value:
        raise RuleRefused(
            "a rule does not count just any lab", hint='Write {"lab_of_accord": true}, or name the lab as a party.'
        )
    try:
        return Role(value)
    except ValueError as error:
        raise RuleRefused(f"not a role: {value[:40]!r}") from error


def _read_at_least(body: Mapping[str, jcs.Json], *, depth: int) -> AtLeast:
    if set(body) != {"n", "of"}:
        raise RuleRefused("at_least has exactly n and of")
    n, rules = body["n"], _read_branches(body["of"], depth=depth)
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= len(rules):
        raise RuleRefused(f"at_least n of {len(rules)}: n is from 1 to {len(rules)}")
    return AtLeast(n=n, rules=rules)


def _read_branches(value: jcs.Json, *, depth: int) -> tuple[Rule, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_RULE_BRANCHES:
        raise RuleRefused(f"a rule has 1 to {MAX_RULE_BRANCHES} branches; an empty one would need nobody")
    return tuple(_read(part, depth=depth + 1) for part in value)


def _count(rule: Rule) -> int:
    match rule:
        case AllOf(rules=rules) | AnyOf(rules=rules) | AtLeast(rules=rules):
            return 1 + sum(_count(part) for part in rules)
        case _:
            return 1


def _check_reach(rule: Rule, parties: tuple[Party, ...]) -> frozenset[str]:
    """Return the parties that can play a part in meeting `rule`, having checked all of it."""
    match rule:
        case AnyOf(rules=rules):
            return frozenset().union(*(_check_reach(part, parties) for part in rules))
        case AllOf(rules=rules) | AtLeast(rules=rules):
            reaches = [_check_reach(part, parties) for part in rules]
            for one, other in combinations(reaches, 2):
                if one & other:
                    raise RuleRefused(f"{', '.join(sorted(one & other))} could count in two branches at once")
            return frozenset().union(*reaches)
        case _:
            return _reach_of_leaf(rule, parties)


def _reach_of_leaf(rule: OneParty | AnyOfRole | LabOfAccord, parties: tuple[Party, ...]) -> frozenset[str]:
    match rule:
        case OneParty(name=name):
            reach = frozenset({name} & {party.name for party in parties})
        case AnyOfRole(role=role):
            reach = frozenset(_names(parties, role))
        case LabOfAccord():
            reach = frozenset(_names(parties, Role.LAB))
    if not reach:
        raise RuleRefused(f"no party of the charter can meet {rule_payload(rule)}")
    return reach
