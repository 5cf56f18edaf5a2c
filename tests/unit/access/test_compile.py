"""The policy engine, asked by another road, agrees with steps 3 and 4."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.access import Denied, GrantState, check_scope, compile_grant, compile_snapshot, resolve
from sekisho.core import Window
from sekisho.policy import PolicyDenied, PolicyFailed, Question, decide

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
QUESTION = Question(
    principal_id="per_1", model="red-1", asset_id="ast_1", technique="find", surface="openai.chat", at=NOW
)


def test_what_was_granted_is_permitted_by_name(small) -> None:
    """The permit carries the grant's id."""
    assert decide(QUESTION, compile_snapshot(small.snapshot())).policy_ids == ("grt_1",)


@pytest.mark.parametrize(
    "changed",
    [
        {"principal_id": "per_2"},
        {"model": "blue-1"},
        {"asset_id": "ast_2"},
        {"technique": "verify"},
        {"at": NOW - timedelta(hours=1, seconds=1)},
        {"at": NOW + timedelta(hours=1)},
    ],
)
def test_what_was_not_granted_is_denied(small, changed) -> None:
    """Each condition of the permit counts."""
    with pytest.raises(PolicyDenied):
        decide(replace(QUESTION, **changed), compile_snapshot(small.snapshot()))


@pytest.mark.parametrize(
    "grant",
    [
        {"state": GrantState.REVOKED},
        {"assets": ()},
        {"principals": ()},
        {"lab": "lab-b"},
        {"institution_id": "ins_2"},
    ],
)
def test_a_grant_that_reaches_nothing_permits_nothing(small, grant) -> None:
    """Revoked, empty, or of another institution or lab: no permit, and no failure for the other grants."""
    other = small.grant(2, assets=("ast_2",))
    policies = compile_snapshot(small.snapshot(grants=(small.grant(**grant), other)))
    with pytest.raises(PolicyDenied):
        decide(QUESTION, policies)
    assert decide(replace(QUESTION, asset_id="ast_2"), policies).policy_ids == ("grt_2",)


@pytest.mark.parametrize("changed", [{"principal_id": "per_2"}, {"asset_id": "ast_3"}], ids=["principal", "asset"])
def test_what_another_institution_brings_is_denied_though_the_grant_lists_it(small, changed) -> None:
    """The permit asks again whose the principal and the asset are."""
    grant = small.grant(principals=("per_1", "per_2"), assets=("ast_1", "ast_3"))
    with pytest.raises(PolicyDenied):
        decide(replace(QUESTION, **changed), compile_snapshot(small.snapshot(grants=(grant,))))


@pytest.mark.parametrize("at", [NOW + timedelta(microseconds=1), NOW + timedelta(seconds=1, microseconds=1)])
def test_a_fraction_of_a_second_at_the_ends_is_permitted(small, at) -> None:
    """The engine knows whole seconds; it must not deny what lies in the window."""
    window = Window(opens=NOW + timedelta(microseconds=1), closes=NOW + timedelta(seconds=1, microseconds=2))
    policies = compile_snapshot(small.snapshot(grants=(small.grant(window=window),)))
    assert decide(replace(QUESTION, at=at), policies).policy_ids == ("grt_1",)


@pytest.mark.parametrize("field", ["institutions", "principals", "assets", "labs"])
def test_what_is_missing_is_denied(small, field) -> None:
    """Deleting each kind of entity in turn never leaves a permit."""
    policies = compile_snapshot(replace(small.snapshot(), **{field: ()}))
    with pytest.raises((PolicyDenied, PolicyFailed)):
        decide(QUESTION, policies)


def test_a_whole_programme_without_grants_permits_nothing(small) -> None:
    """No policy is a deny, not an error."""
    with pytest.raises(PolicyDenied):
        decide(QUESTION, compile_snapshot(small.snapshot(grants=())))


@pytest.mark.parametrize("hostile", ['x"] || true || ["', "a\\", "a\n}; permit(principal, action, resource);", "評価"])
def test_hostile_text_stays_text(small, hostile) -> None:
    """No name or technique can end the literal that holds it."""
    snapshot = small.snapshot(
        grants=(small.grant(techniques=(hostile,)), small.grant(2, id=hostile, assets=("ast_2",)))
    )
    policies = compile_snapshot(snapshot)
    with pytest.raises(PolicyDenied):
        decide(QUESTION, policies)
    assert decide(replace(QUESTION, technique=hostile), policies).policy_ids == ("grt_1",)


@settings(deadline=None, max_examples=60)
@given(
    offset=st.integers(-7_200_000_000, 7_200_000_000),
    opens=st.integers(-3_600_000_000, 0),
    length=st.integers(1, 3_600_000_000),
    principal=st.sampled_from(["per_1", "per_2"]),
    asset=st.sampled_from(["ast_1", "ast_2"]),
    technique=st.sampled_from(["find", "verify"]),
)
def test_the_engine_never_denies_what_steps_three_and_four_permit(
    small, offset, opens, length, principal, asset, technique
) -> None:
    """And it permits beyond them in the fractions of a second at the window's ends alone."""
    window = Window(opens=NOW + timedelta(microseconds=opens), closes=NOW + timedelta(microseconds=opens + length))
    snapshot = small.snapshot(grants=(small.grant(window=window),))
    at = NOW + timedelta(microseconds=offset)
    question = Question(
        principal_id=principal, model="red-1", asset_id=asset, technique=technique, surface="openai.chat", at=at
    )
    try:
        standing = resolve(snapshot, principal_id=principal, jkt=f"key-{principal[-1]}", model="red-1", at=at)
        check_scope(snapshot, standing, asset_id=asset, technique=technique, at=at)
    except Denied:
        near = min(abs(at - window.opens), abs(at - window.closes)) < timedelta(seconds=1)
        if not (near and (principal, asset, technique) == ("per_1", "ast_1", "find")):
            with pytest.raises(PolicyDenied):
                decide(question, compile_snapshot(snapshot))
    else:
        assert decide(question, compile_snapshot(snapshot)).policy_ids == ("grt_1",)


def test_one_grant_is_one_permit(small) -> None:
    """Never a forbid: Cedar skips one that errs."""
    text = compile_grant(small.grant())
    assert text.count("permit (") == 1
    assert "forbid" not in text
