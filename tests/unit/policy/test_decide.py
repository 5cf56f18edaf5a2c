import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cedarpy
import pytest

from sekisho.policy import (
    Decision,
    PolicyDenied,
    PolicyFailed,
    PolicyRefused,
    compile_policies,
    decide,
    principal_entity,
)

OPENS, CLOSES = 1_795_338_000, 1_797_930_000
# Errs when evaluated: the addition overflows. Cedar then skips the policy.
ERRING_FORBID = '@id("frb_errs") forbid (principal, action, resource) when { context.at + 9223372036854775807 > 0 };'
ERRING_PERMIT = ERRING_FORBID.replace("forbid", "permit").replace("frb", "prm")
FORBID_PATCH = '@id("frb_patch") forbid (principal, action, resource) when { context.technique == "patch" };'


def _verdict(question, policies):
    try:
        return decide(question, policies).policy_ids
    except PolicyDenied:
        return "denied"
    except PolicyFailed:
        return "failed"


def test_a_permit_names_the_grant(question, texts, entities):
    """The reason is the policy's own @id, not Cedar's position number."""
    assert decide(question, compile_policies(texts, entities)) == Decision(policy_ids=("grt_1",))
    assert decide(question, compile_policies(texts[::-1], entities)) == Decision(policy_ids=("grt_1",))


def test_two_grants_may_permit_one_call(question, texts, entities):
    """All of them are named, sorted."""
    again = texts[0].replace("grt_1", "grt_0")
    assert decide(question, compile_policies([*texts, again], entities)).policy_ids == ("grt_0", "grt_1")


def test_only_what_a_grant_says_is_permitted(questions, texts, entities):
    """Of all principals, models, assets, techniques and times, two combinations at the opening second pass."""
    policies = compile_policies(texts, entities)
    allowed = [q for q in questions if _verdict(q, policies) not in ("denied", "failed")]
    assert {(q.principal_id, q.model, q.asset_id, q.technique) for q in allowed} == {
        ("per_a", "cyber-1", "ast_a", "find"),
        ("wkl_a", "myth-1", "ast_a2", "find"),
    }
    assert all(q.at == datetime.fromtimestamp(OPENS, tz=UTC) for q in allowed)


def test_without_policies_everything_is_denied(questions, entities):
    """Silence is a no."""
    policies = compile_policies([], entities)
    assert {_verdict(q, policies) for q in questions} == {"denied"}


@pytest.mark.parametrize(
    ("seconds", "is_open"), [(OPENS - 0.000001, False), (OPENS, True), (CLOSES - 0.000001, True), (CLOSES, False)]
)
def test_the_second_of_a_call_is_rounded_down(question, texts, entities, seconds, is_open):
    """A microsecond before the opening second is outside, and one before the closing second inside."""
    at = datetime.fromtimestamp(0, tz=UTC) + timedelta(seconds=seconds)
    verdict = _verdict(replace(question, at=at), compile_policies(texts, entities))
    assert verdict == (("grt_1",) if is_open else "denied")


@pytest.mark.parametrize("field", ["principal_id", "model", "asset_id"])
def test_an_unknown_entity_is_a_failure_and_not_a_denial(question, texts, entities, field):
    """Cedar would take it for one without attributes; snapshot and policies do not fit, and the office must know."""
    with pytest.raises(PolicyFailed, match="do not know"):
        decide(replace(question, **{field: "nobody"}), compile_policies(texts, entities))


def test_an_entity_of_another_kind_is_unknown(question, texts, entities):
    """An institution's id does not pass for a person's."""
    with pytest.raises(PolicyFailed):
        decide(replace(question, principal_id="ins_a"), compile_policies(texts, entities))


def test_a_forbid_wins_and_is_named(question, texts, entities):
    """A denial by a forbid says which."""
    policies = compile_policies([*texts, FORBID_PATCH.replace("patch", "find")], entities)
    with pytest.raises(PolicyDenied) as caught:
        decide(question, policies)
    assert caught.value.forbidden_by == ("frb_find",)
    with pytest.raises(PolicyDenied) as caught:
        decide(replace(question, technique="patch"), policies)
    assert caught.value.forbidden_by == ()


def test_cedar_itself_lets_a_call_pass_an_erring_forbid(texts, entities, question):
    """The danger that the wrapper is for: without it this call is an Allow with an error beside it."""
    compiled = compile_policies([*texts, ERRING_FORBID], entities).compiled
    request = {
        "principal": {"type": "Sekisho::Principal", "id": "per_a"},
        "action": {"type": "Sekisho::Action", "id": "call"},
        "resource": {"type": "Sekisho::Model", "id": "cyber-1"},
        "context": {
            "asset": {"__entity": {"type": "Sekisho::Asset", "id": "ast_a"}},
            "technique": "find",
            "surface": "openai.chat",
            "at": OPENS,
        },
    }
    raw = cedarpy.is_authorized(request, compiled.policies, compiled.entities, compiled.schema)
    assert raw.decision is cedarpy.Decision.Allow
    assert raw.diagnostics.errors


@pytest.mark.parametrize("erring", [ERRING_FORBID, ERRING_PERMIT])
def test_an_erring_policy_never_opens(questions, texts, entities, erring):
    """Any error in the diagnostics is a failure, whichever policy erred and whatever the others say."""
    policies = compile_policies([*texts, erring], entities)
    assert {_verdict(q, policies) for q in questions} == {"failed"}


def _drops(entities):
    """The entities with each one, each attribute and each parent taken away in turn, under a name for each."""
    for index, entity in enumerate(entities):
        yield f"without {entity['uid']['id']}", entities[:index] + entities[index + 1 :]
        for name in entity["attrs"]:
            bent = copy.deepcopy(entities)
            del bent[index]["attrs"][name]
            yield f"{entity['uid']['id']} without {name}", bent
        for place in range(len(entity["parents"])):
            bent = copy.deepcopy(entities)
            del bent[index]["parents"][place]
            yield f"{entity['uid']['id']} without a parent", bent


@pytest.mark.parametrize("extra", [(), (FORBID_PATCH,), (ERRING_FORBID,)], ids=["permits", "forbid", "erring forbid"])
def test_nothing_that_goes_missing_opens_a_call(questions, texts, entities, extra):
    """Drop each entity, attribute and parent in turn: the set is refused, or no denial turns into a permit."""
    whole = compile_policies([*texts, *extra], entities)
    before = {q: _verdict(q, whole) for q in questions}
    for name, bent in _drops(entities):
        try:
            policies = compile_policies([*texts, *extra], bent)
        except PolicyRefused:
            continue
        for q in questions:
            assert _verdict(q, policies) in (before[q], "denied", "failed"), name


def test_a_missing_institution_is_seen_before_anything_is_in_force(texts, entities):
    """Cedar accepts a parent that is not there; a set with one is refused."""
    with pytest.raises(PolicyRefused, match="ins_a"):
        compile_policies(texts, [e for e in entities if e["uid"]["id"] != "ins_a"])


@pytest.mark.parametrize(
    "text",
    [
        "permit (principal, action, resource);",
        '@id("") permit (principal, action, resource);',
        '@id("a") permit (principal, action, resource); @id("b") permit (principal, action, resource);',
        "",
        "// nothing",
        '@id("a") permit (principal == ?principal, action, resource);',
        '@id("a") permit (principal, action, resource); permit (principal, action, resource);',
        '@id("a") permit (principal, action, resource); @id("b") permit (principal == ?principal, action, resource);',
        '@id("a") permit (principal, action, resource) when { principal.nme == "x" };',
        '@id("a") permit (principal, action, resource) when { context.case == "x" };',
        '@id("a") permit (principal, action, resource) when { context.budget > 1 };',
        '@id("a") permit (principal, action == Sekisho::Action::"train", resource);',
        '@id("a") permit (principal in Sekisho::Lab::"lab-a", action, resource);',
        '@id("a") permit (principal, action, resource) when { 1 };',
        '@id("a") permit (principal, action, resource',
        '@id("a") allow (principal, action, resource);',
        "\x00",
    ],
)
def test_a_policy_that_does_not_fit_is_refused(entities, text):
    """One policy with one id in each text, validated; a misspelt or unguarded attribute is seen."""
    with pytest.raises(PolicyRefused):
        compile_policies([text], entities)


def test_one_id_on_two_policies_is_refused(texts, entities):
    """A reason must say which policy it was."""
    with pytest.raises(PolicyRefused):
        compile_policies([texts[0], texts[0]], entities)


@pytest.mark.parametrize(
    "bent",
    [
        principal_entity("per_a", kind="person", institution_id="ins_b"),
        {"uid": {"type": "Sekisho::Office", "id": "x"}, "attrs": {}, "parents": []},
        {"uid": {"type": "Sekisho::Lab", "id": "x"}, "attrs": {"kind": "bank"}, "parents": []},
        {"uid": {"type": "Sekisho::Institution", "id": "x"}, "attrs": {"kind": 1}, "parents": []},
        {"uid": "x", "attrs": {}, "parents": []},
        {},
    ],
)
def test_an_entity_that_does_not_fit_is_refused(texts, entities, bent):
    """Twice and different, of no known type, with an attribute too many or of another type."""
    with pytest.raises(PolicyRefused):
        compile_policies(texts, [*entities, bent])


def test_a_case_is_optional_and_guarded(question, entities):
    """A policy may ask for a case if it first asks whether there is one."""
    text = '@id("a") permit (principal, action, resource) when { context has case && context.case == "cas_1" };'
    policies = compile_policies([text], entities)
    assert _verdict(replace(question, case_id="cas_1"), policies) == ("a",)
    assert _verdict(question, policies) == "denied"


def test_a_failing_engine_is_a_denial(question, texts, entities, monkeypatch):
    """Whatever the engine throws or answers, the call does not pass."""
    policies = compile_policies(texts, entities)

    def explode(*args):
        raise RuntimeError("engine")

    monkeypatch.setattr(cedarpy, "is_authorized", explode)
    assert _verdict(question, policies) == "failed"
    for decision, reasons, errors in (
        ("Allow", [], []),
        ("Allow", ["policy0"], ["x"]),
        ("Deny", [], ["x"]),
        ("NoDecision", [], []),
        ("Perhaps", ["policy0"], []),
    ):
        answer = {"decision": decision, "diagnostics": {"reason": reasons, "errors": errors}}
        monkeypatch.setattr(cedarpy, "is_authorized", lambda *args, answer=answer: cedarpy.AuthzResult(answer))
        assert _verdict(question, policies) == "failed"
    monkeypatch.setattr(cedarpy, "is_authorized", lambda *args: cedarpy.AuthzResult({}))
    assert _verdict(question, policies) == "failed"
