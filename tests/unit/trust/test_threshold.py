"""Laws of rules, tried over random nested rules against a second, naive reading of the specification."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sekisho.trust import Party, Role, RuleRefused
from sekisho.trust import threshold as threshold_rules
from sekisho.trust.threshold import (
    MAX_RULE_BRANCHES,
    MAX_RULE_DEPTH,
    bind_rule,
    describe_need,
    find_missing,
    read_rule,
    rule_payload,
)

PARTIES = tuple(
    Party(name=name, role=role, keys=())
    for name, role in (
        ("lab-a", Role.LAB),
        ("lab-b", Role.LAB),
        ("home-gov", Role.HOME),
        ("partner-x", Role.PARTNER),
        ("partner-y", Role.PARTNER),
        ("group-x", Role.GROUP),
        ("group-y", Role.GROUP),
        ("group-z", Role.GROUP),
    )
)
NAMES = [party.name for party in PARTIES]
ROLE_OF = {party.name: party.role.value for party in PARTIES}
LEAVES = [{"party": name} for name in NAMES] + [{"role": role} for role in ("home", "partner", "group")]
LEAVES.append({"lab_of_accord": True})
SIGNERS = st.frozensets(st.sampled_from(NAMES))


def _nested(inner):
    branches = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(
        branches.map(lambda rules: {"all": rules}),
        branches.map(lambda rules: {"any": rules}),
        branches.flatmap(lambda rules: st.integers(1, len(rules)).map(lambda n: {"at_least": {"n": n, "of": rules}})),
    )


ANY_PAYLOAD = st.recursive(st.sampled_from(LEAVES), _nested, max_leaves=8)


@st.composite
def sound_rules(draw):
    """A payload that `read_rule` takes, and the rule."""
    payload = draw(ANY_PAYLOAD)
    try:
        return payload, read_rule(payload, PARTIES)
    except RuleRefused:
        assume(False)


def naive_met(payload, signers, lab):
    """The specification read once more, straight from the payload."""
    [(name, body)] = payload.items()
    if name == "party":
        return body in signers
    if name == "role":
        return any(ROLE_OF[signer] == body for signer in signers)
    if name == "lab_of_accord":
        return any(ROLE_OF[s] == "lab" for s in signers) if lab is None else lab in signers
    if name == "at_least":
        return sum(naive_met(rule, signers, lab) for rule in body["of"]) >= body["n"]
    return (all if name == "all" else any)(naive_met(rule, signers, lab) for rule in body)


def fewest(payload):
    """How many parties the rule asks for at the least, adding up its branches as a reader would."""
    [(name, body)] = payload.items()
    if name == "all":
        return sum(fewest(rule) for rule in body)
    if name == "any":
        return min(fewest(rule) for rule in body)
    if name == "at_least":
        return sum(sorted(fewest(rule) for rule in body["of"])[: body["n"]])
    return 1


LABS = st.sampled_from([None, "lab-a", "lab-b"])


@given(made=sound_rules(), signers=SIGNERS, lab=LABS)
def test_a_rule_is_met_exactly_when_its_words_say_so(made, signers, lab):
    """find_missing agrees with the naive reading, for the accord's lab or, without an accord, for any lab."""
    payload, rule = made
    missing = find_missing(bind_rule(rule, PARTIES, lab=lab), signers)
    assert (missing is None) == naive_met(payload, signers, lab)


@given(made=sound_rules(), signers=SIGNERS, lab=LABS)
def test_fewer_parties_than_the_rule_asks_never_meet_it(made, signers, lab):
    """Invariant 4: because branches that count together share no party, nobody stands in for two."""
    payload, rule = made
    if find_missing(bind_rule(rule, PARTIES, lab=lab), signers) is None:
        assert len(signers) >= fewest(payload)


@given(made=sound_rules(), signers=SIGNERS, more=SIGNERS, lab=LABS)
def test_another_signer_never_undoes_a_quorum(made, signers, more, lab):
    """Rules are monotone."""
    _, rule = made
    need = bind_rule(rule, PARTIES, lab=lab)
    if find_missing(need, signers) is None:
        assert find_missing(need, signers | more) is None


@given(made=sound_rules(), lab=LABS)
def test_every_rule_that_is_read_can_be_met(made, lab):
    """All parties together meet it, and nobody at all does not."""
    _, rule = made
    need = bind_rule(rule, PARTIES, lab=lab)
    assert find_missing(need, frozenset(NAMES)) is None
    assert find_missing(need, frozenset()) is not None


@given(made=sound_rules(), signers=SIGNERS, more=SIGNERS, lab=LABS)
def test_what_is_missing_is_what_would_do(made, signers, more, lab):
    """The rest named in an error is met by exactly those who would complete the quorum."""
    _, rule = made
    need = bind_rule(rule, PARTIES, lab=lab)
    missing = find_missing(need, signers)
    if missing is not None:
        assert (find_missing(missing, more) is None) == (find_missing(need, signers | more) is None)
        assert all(name not in describe_need(missing).split() for name in signers)


@given(made=sound_rules())
def test_a_rule_reads_back(made):
    """read_rule and rule_payload are inverse."""
    payload, rule = made
    assert rule_payload(rule) == payload


def test_only_the_accords_own_lab_counts():
    """DESIGN: `lab` in a rule means the lab whose model the accord names, not any lab."""
    need = bind_rule(read_rule({"lab_of_accord": True}, PARTIES), PARTIES, lab="lab-a")
    assert find_missing(need, frozenset(NAMES) - {"lab-a"}) is not None


def _deep(depth):
    rule = {"party": "lab-a"}
    for _ in range(depth):
        rule = {"all": [rule]}
    return rule


@pytest.mark.parametrize(
    "payload",
    [
        None,
        True,
        "home",
        [],
        {},
        {"party": "home-gov", "role": "home"},
        {"party": "nobody"},
        {"party": 1},
        {"role": "office"},
        {"role": "lab"},
        {"lab_of_accord": False},
        {"lab_of_accord": 1},
        {"none": []},
        {"all": []},
        {"any": []},
        {"any": {}},
        {"all": [[]]},
        {"at_least": {"n": 1, "of": []}},
        {"at_least": {"n": 0, "of": [{"party": "home-gov"}]}},
        {"at_least": {"n": -1, "of": [{"party": "home-gov"}]}},
        {"at_least": {"n": 2, "of": [{"party": "home-gov"}]}},
        {"at_least": {"n": True, "of": [{"party": "home-gov"}]}},
        {"at_least": {"n": "1", "of": [{"party": "home-gov"}]}},
        {"at_least": {"n": 1}},
        {"at_least": {"n": 1, "of": [{"party": "home-gov"}], "or": []}},
        {"all": [{"party": "home-gov"}] * (MAX_RULE_BRANCHES + 1)},
        _deep(MAX_RULE_DEPTH),
        _deep(10_000),
        {"any": [{"any": [{"party": "lab-a"}] * 60}] * 5},
    ],
)
def test_a_rule_that_is_empty_endless_or_never_met_is_refused(payload):
    """No rule needs nobody, none needs somebody who is not there, none outgrows its limits."""
    with pytest.raises(RuleRefused):
        read_rule(payload, PARTIES)


def test_the_depth_limit_is_where_it_says():
    """MAX_RULE_DEPTH levels, the leaf counted, are taken."""
    read_rule(_deep(MAX_RULE_DEPTH - 1), PARTIES)


def test_a_role_that_no_party_has_is_refused():
    """A charter without a partner cannot ask for one."""
    with pytest.raises(RuleRefused):
        read_rule({"role": "partner"}, PARTIES[:3])


@pytest.mark.parametrize(
    "payload",
    [
        {"all": [{"party": "home-gov"}, {"party": "home-gov"}]},
        {"all": [{"party": "home-gov"}, {"role": "home"}]},
        {"all": [{"lab_of_accord": True}, {"party": "lab-b"}]},
        {"at_least": {"n": 2, "of": [{"role": "partner"}, {"role": "partner"}]}},
        {"at_least": {"n": 2, "of": [{"role": "group"}, {"any": [{"party": "group-x"}, {"role": "home"}]}]}},
        {
            "all": [
                {"any": [{"party": "home-gov"}, {"party": "lab-a"}]},
                {"any": [{"party": "lab-a"}, {"role": "group"}]},
            ]
        },
        {"any": [{"party": "home-gov"}, {"all": [{"role": "group"}, {"party": "group-x"}]}]},
    ],
)
def test_a_rule_in_which_one_party_could_count_twice_is_refused(payload):
    """Branches that must be met together are of different parties, at any depth."""
    with pytest.raises(RuleRefused, match="two branches"):
        read_rule(payload, PARTIES)


def test_alternatives_may_share_a_party():
    """Of alternatives only one need hold, so nothing is counted twice."""
    read_rule({"any": [{"party": "home-gov"}, {"all": [{"party": "home-gov"}, {"role": "group"}]}]}, PARTIES)


@pytest.mark.parametrize(
    ("signers", "words"),
    [
        ((), "lab-a and home-gov and one of (partner-x, partner-y, 2 of (group-x, group-y, group-z))"),
        (("lab-a", "home-gov"), "one of (partner-x, partner-y, 2 of (group-x, group-y, group-z))"),
        (("lab-b", "home-gov", "group-y"), "lab-a and one of (partner-x, partner-y, one of (group-x, group-z))"),
        (("home-gov", "partner-y"), "lab-a"),
    ],
)
def test_what_is_missing_is_said_in_words(signers, words):
    """A person reads who must still sign, alternatives and all."""
    groups = [{"party": f"group-{x}"} for x in "xyz"]
    rule = {
        "all": [
            {"lab_of_accord": True},
            {"role": "home"},
            {"any": [{"party": "partner-x"}, {"party": "partner-y"}, {"at_least": {"n": 2, "of": groups}}]},
        ]
    }
    missing = find_missing(bind_rule(read_rule(rule, PARTIES), PARTIES, lab="lab-a"), frozenset(signers))
    assert describe_need(missing) == words


@settings(max_examples=30)
@given(payload=ANY_PAYLOAD)
def test_reading_a_rule_gives_a_rule_or_a_refusal(payload):
    """Nothing but RuleRefused comes out of a rule that is no good."""
    try:
        rule = read_rule(payload, PARTIES)
    except RuleRefused:
        return
    assert isinstance(rule, threshold_rules.Rule)


def test_the_concept_pages_rule_is_the_one_under_test(programme):
    """docs/charter.md shows the programme's rule, and it reads."""
    page = (Path(__file__).parents[3] / "docs" / "charter.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```json rule\n(.*?)```", page, re.DOTALL)
    assert read_rule(json.loads(example), programme.charter.parties) == programme.charter.grant_rule
