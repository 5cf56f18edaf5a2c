"""Steps 3 and 4: who, by which grant, on what, now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.access import Denied, GrantState, SnapshotRefused, TargetKind, check_scope, resolve
from sekisho.core import Reason, Window

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# Each target that stops the small grant, and what its holder is told.
STOPS = {
    (TargetKind.PRINCIPAL, "per_1"): Reason.PERSON_SUSPENDED,
    (TargetKind.INSTITUTION, "ins_1"): Reason.INSTITUTION_SUSPENDED,
    (TargetKind.LAB, "lab-a"): Reason.LAB_ON_HOLD,
    (TargetKind.MODEL, "red-1"): Reason.MODEL_ON_HOLD,
    (TargetKind.GRANT, "grt_1"): Reason.GRANT_ON_HOLD,
    (TargetKind.ACCORD, "acc_1"): Reason.GRANT_ON_HOLD,
}
QUESTION = {"principal_id": "per_1", "jkt": "key-1", "model": "red-1"}


def judge(snapshot, *, asset_id="ast_1", technique="find", at=NOW, **question):
    """Run both steps; return the grant's id, or the reason of the denial."""
    try:
        standing = resolve(snapshot, **{**QUESTION, **question}, at=at)
        return check_scope(snapshot, standing, asset_id=asset_id, technique=technique, at=at).id
    except Denied as denied:
        return denied.reason


def test_what_was_granted_passes(small) -> None:
    """The granted principal, model, asset and technique, in the window."""
    standing = resolve(small.snapshot(), **QUESTION, at=NOW)
    assert (standing.lab, standing.institution.id, standing.principal.id) == ("lab-a", "ins_1", "per_1")
    assert judge(small.snapshot()) == "grt_1"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"principal_id": "per_9"}, Reason.PRINCIPAL_UNKNOWN),
        ({"jkt": "key-2"}, Reason.PRINCIPAL_UNKNOWN),
        ({"jkt": ""}, Reason.PRINCIPAL_UNKNOWN),
        ({"principal_id": "per_2", "jkt": "key-2"}, Reason.NO_GRANT),
        ({"model": "blue-1"}, Reason.NO_GRANT),
        ({"model": "other-1"}, Reason.NO_GRANT),
        ({"model": "invented"}, Reason.NO_GRANT),
        ({"asset_id": None}, Reason.ASSET_UNDECLARED),
        ({"asset_id": "ast_9"}, Reason.ASSET_UNDECLARED),
        ({"asset_id": "ast_3"}, Reason.ASSET_UNDECLARED),  # another institution's looks like none
        ({"asset_id": "ast_2"}, Reason.ASSET_OUT_OF_SCOPE),
        ({"technique": "exploit"}, Reason.TECHNIQUE_NOT_GRANTED),
        ({"at": NOW + timedelta(days=1)}, Reason.WINDOW_CLOSED),
    ],
)
def test_each_denial_has_its_reason(small, question, reason) -> None:
    """One thing wrong, one reason."""
    assert judge(small.snapshot(), **question) is reason


@pytest.mark.parametrize(("target", "reason"), STOPS.items())
def test_each_hold_stops_and_lapses_by_itself(small, target, reason) -> None:
    """Until the microsecond before it lapses a hold stops; then not, without a new snapshot."""
    lapses_at = NOW + timedelta(minutes=10)
    snapshot = small.snapshot(holds=(small.hold(*target, lapses_at=lapses_at),))
    assert judge(snapshot) is reason
    assert judge(snapshot, at=lapses_at - MICROSECOND) is reason
    assert judge(snapshot, at=lapses_at) == "grt_1"


def test_a_hold_stops_also_where_the_clock_is_behind(small) -> None:
    """A gate whose clock is behind the office's does not wait for the hold's own beginning."""
    snapshot = small.snapshot(holds=(small.hold(TargetKind.LAB, "lab-a", placed_at=NOW + timedelta(minutes=4)),))
    assert judge(snapshot) is Reason.LAB_ON_HOLD


def test_holds_on_others_do_not_stop(small) -> None:
    """Each hold stops its target alone; an id of one kind is not one of another."""
    others = {
        TargetKind.PRINCIPAL: "per_2",
        TargetKind.INSTITUTION: "ins_2",
        TargetKind.LAB: "lab-b",
        TargetKind.MODEL: "lab-a",
        TargetKind.GRANT: "acc_1",
        TargetKind.ACCORD: "grt_1",
    }
    holds = tuple(small.hold(kind, target_id) for kind, target_id in others.items())
    assert judge(small.snapshot(holds=holds)) == "grt_1"


def test_the_order_of_reasons(small) -> None:
    """With everything wrong at once, lifting one obstacle after another shows the reasons in order."""
    holds = [small.hold(kind, target_id) for kind, target_id in STOPS]
    told = []
    while True:
        told.append(judge(small.snapshot(holds=tuple(holds)), asset_id="ast_9"))
        if not holds:
            break
        holds.pop(0)
    assert told == [
        Reason.PERSON_SUSPENDED,
        Reason.INSTITUTION_SUSPENDED,
        Reason.LAB_ON_HOLD,
        Reason.MODEL_ON_HOLD,
        Reason.GRANT_ON_HOLD,
        Reason.GRANT_ON_HOLD,
        Reason.ASSET_UNDECLARED,
    ]


@pytest.mark.parametrize("model", ["red-1", "blue-1", "other-1", "invented"])
def test_who_has_no_grant_learns_nothing_of_holds(small, model) -> None:
    """Held, ungranted and invented models look alike to whoever holds no grant for them."""
    holds = tuple(small.hold(*target) for target in [(TargetKind.LAB, "lab-a"), (TargetKind.MODEL, "other-1")])
    question = {"principal_id": "per_2", "jkt": "key-2", "model": model}
    assert judge(small.snapshot(holds=holds), **question) is Reason.NO_GRANT


def test_a_revoked_grant_says_so_and_nothing_of_holds(small) -> None:
    """Whose only grant was revoked is told that, whatever the lab's state."""
    revoked = small.grant(state=GrantState.REVOKED)
    for holds in ((), (small.hold(TargetKind.LAB, "lab-a"),)):
        snapshot = small.snapshot(grants=(revoked,), holds=holds)
        assert judge(snapshot) is Reason.GRANT_REVOKED
    with pytest.raises(Denied) as denied:
        resolve(snapshot, **QUESTION, at=NOW)
    assert denied.value.grant_id == "grt_1"


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (NOW - MICROSECOND, Reason.WINDOW_CLOSED),
        (NOW, "grt_1"),
        (NOW + timedelta(hours=1) - MICROSECOND, "grt_1"),
        (NOW + timedelta(hours=1), Reason.WINDOW_CLOSED),
    ],
)
def test_the_window_is_half_open_to_the_microsecond(small, at, verdict) -> None:
    """Opening is inside, closing is not."""
    window = Window(opens=NOW, closes=NOW + timedelta(hours=1))
    assert judge(small.snapshot(grants=(small.grant(window=window),)), at=at) == verdict


def test_of_several_grants_the_first_that_fits_is_taken(small) -> None:
    """In order of id, whatever the order in the snapshot; revoked and held ones are passed over."""
    grants = (
        small.grant(4),
        small.grant(3),
        small.grant(2, assets=("ast_2",)),
        small.grant(1, state=GrantState.REVOKED),
    )
    assert judge(small.snapshot(grants=grants)) == "grt_3"
    assert judge(small.snapshot(grants=grants), asset_id="ast_2") == "grt_2"
    holds = (small.hold(TargetKind.GRANT, "grt_3"),)
    assert judge(small.snapshot(grants=grants, holds=holds)) == "grt_4"


def test_of_several_misfits_the_nearest_is_told(small) -> None:
    """The denial names the grant that came furthest: that is the one to ask about."""
    closed = Window(opens=NOW - timedelta(days=2), closes=NOW - timedelta(days=1))
    grants = (
        small.grant(1, assets=("ast_2",)),
        small.grant(2, window=closed),
        small.grant(3, techniques=("verify",)),
        small.grant(4, techniques=("verify",)),
    )
    snapshot = small.snapshot(grants=grants)
    standing = resolve(snapshot, **QUESTION, at=NOW)
    with pytest.raises(Denied) as denied:
        check_scope(snapshot, standing, asset_id="ast_1", technique="find", at=NOW)
    assert (denied.value.reason, denied.value.grant_id) == (Reason.TECHNIQUE_NOT_GRANTED, "grt_3")


def test_a_grant_of_another_institution_or_lab_is_no_grant(small) -> None:
    """A person who changed sides keeps nothing, and a model is its lab's alone."""
    for grant in (small.grant(institution_id="ins_2"), small.grant(lab="lab-b"), small.grant(models=("gone-1",))):
        assert judge(small.snapshot(grants=(grant,))) is Reason.NO_GRANT


def test_a_denial_speaks_with_its_reason(small) -> None:
    """The error's words are the reason's words."""
    with pytest.raises(Denied) as denied:
        resolve(small.snapshot(), **{**QUESTION, "model": "blue-1"}, at=NOW)
    assert Reason.NO_GRANT.value in denied.value.message
    assert denied.value.grant_id is None


# From here on: laws over many snapshots.

principals, models, assets = ("per_1", "per_2"), ("red-1", "blue-1", "other-1"), ("ast_1", "ast_2", "ast_3")


@st.composite
def snapshots(draw, small):
    """A snapshot with a few grants and holds, some of them nonsense."""
    some = lambda values: tuple(draw(st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)))  # noqa: E731
    grants = tuple(
        small.grant(
            number,
            institution_id=draw(st.sampled_from(("ins_1", "ins_2"))),
            principals=some(principals),
            lab=draw(st.sampled_from(("lab-a", "lab-b"))),
            models=some(models),
            assets=some(assets),
            techniques=some(("find", "verify")),
            accord_id=draw(st.sampled_from(("acc_1", "acc_2"))),
            state=draw(st.sampled_from(GrantState)),
        )
        for number in range(draw(st.integers(1, 4)))
    )
    return small.snapshot(grants=grants, holds=tuple(draw(holds(small, "a"))))


def holds(small, name):
    """Holds on anything that there is, some lapsed."""
    targets = st.sampled_from(
        [
            *((TargetKind.PRINCIPAL, p) for p in principals),
            *((TargetKind.MODEL, m) for m in models),
            *((TargetKind.LAB, lab) for lab in ("lab-a", "lab-b")),
            *((TargetKind.INSTITUTION, i) for i in ("ins_1", "ins_2")),
            *((TargetKind.GRANT, f"grt_{n}") for n in range(4)),
            *((TargetKind.ACCORD, a) for a in ("acc_1", "acc_2")),
        ]
    )
    lapses = st.sampled_from([NOW, NOW + MICROSECOND, NOW + timedelta(days=1)])
    drawn = st.lists(st.tuples(targets, lapses), max_size=3)
    return drawn.map(lambda made: [small.hold(*t, lapses_at=at, id=f"hld_{name}{n}") for n, (t, at) in enumerate(made)])


def permits(snapshot):
    """Return every question that the snapshot permits."""
    return {
        (principal, model, asset, technique)
        for principal in principals
        for model in models
        for asset in assets
        for technique in ("find", "verify")
        if not isinstance(
            judge(
                snapshot,
                principal_id=principal,
                jkt=f"key-{principal[-1]}",
                model=model,
                asset_id=asset,
                technique=technique,
            ),
            Reason,
        )
    }


@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_one_hold_more_never_permits_more(small, data) -> None:
    """A hold only ever takes away."""
    snapshot = data.draw(snapshots(small))
    held = replace(snapshot, holds=(*snapshot.holds, *data.draw(holds(small, "b"))))
    assert permits(held) <= permits(snapshot)


@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_one_thing_less_never_permits_more(small, data) -> None:
    """Losing any institution, principal, asset, grant or lab of a snapshot denies, or changes nothing."""
    snapshot = data.draw(snapshots(small))
    name = data.draw(st.sampled_from(["institutions", "principals", "assets", "grants", "labs"]))
    things = getattr(snapshot, name)
    lost = data.draw(st.integers(0, len(things) - 1))
    assert permits(replace(snapshot, **{name: things[:lost] + things[lost + 1 :]})) <= permits(snapshot)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_the_same_question_has_the_same_answer(small, data) -> None:
    """In whatever order the snapshot lists what it has."""
    snapshot = data.draw(snapshots(small))
    shuffled = replace(
        snapshot, **{name: tuple(reversed(getattr(snapshot, name))) for name in ("grants", "holds", "assets", "labs")}
    )
    for model in models:
        assert judge(shuffled, model=model) == judge(snapshot, model=model) == judge(snapshot, model=model)


@pytest.mark.parametrize("field", ["institutions", "principals", "assets", "grants", "holds", "labs", "token_keys"])
def test_a_snapshot_that_lists_a_thing_twice_is_refused(small, field) -> None:
    """Two entries under one id could differ, and which one counts would be chance."""
    snapshot = small.snapshot(holds=(small.hold(TargetKind.LAB, "lab-b"),))
    with pytest.raises(SnapshotRefused):
        replace(snapshot, **{field: getattr(snapshot, field) * 2})


def test_one_key_of_two_principals_and_one_model_of_two_labs_are_refused(small) -> None:
    """A key says who calls and a model says which lab: both must be one."""
    snapshot = small.snapshot()
    first, second = snapshot.principals
    with pytest.raises(SnapshotRefused):
        replace(snapshot, principals=(first, replace(second, jkt=first.jkt)))
    lab_a, lab_b = snapshot.labs
    with pytest.raises(SnapshotRefused):
        replace(snapshot, labs=(lab_a, replace(lab_b, models=("red-1",))))
