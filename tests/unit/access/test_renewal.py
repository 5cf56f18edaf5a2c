"""One stop under many names: held against an enumeration of every single use."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.access.renewal import is_renewal
from sekisho.core import Window
from sekisho.core.ids import AccordId, AssetId, GrantId, InstitutionId, PrincipalId
from sekisho.trust import Budget, Grant, Target, TargetKind

AT = datetime(2026, 11, 22, tzinfo=UTC)
GRANT = Grant(
    id=GrantId("grt_1"),
    accord_id=AccordId("acc_1"),
    institution_id=InstitutionId("ins_1"),
    principals=(PrincipalId("per_1"),),
    lab="lab-1",
    models=("m1",),
    tier="red",
    assets=(AssetId("ast_1"),),
    techniques=("find",),
    budget=Budget(tokens=1, calls=1),
    window=Window(opens=AT, closes=AT + timedelta(days=1)),
)

_numbers = st.integers(1, 3)
_grants = st.lists(
    st.builds(
        lambda n, acc, ins, lab, people, models: replace(
            GRANT,
            id=GrantId(f"grt_{n}"),
            accord_id=AccordId(f"acc_{acc}"),
            institution_id=InstitutionId(f"ins_{ins}"),
            lab=f"lab-{lab}",
            principals=tuple(PrincipalId(f"per_{p}") for p in people),
            models=tuple(f"m{m}" for m in models),
        ),
        _numbers,
        _numbers,
        _numbers,
        _numbers,
        st.sets(_numbers, min_size=1),
        st.sets(_numbers, min_size=1),
    ),
    max_size=4,
)
_PREFIXES = {
    TargetKind.LAB: "lab-",
    TargetKind.MODEL: "m",
    TargetKind.INSTITUTION: "ins_",
    TargetKind.PRINCIPAL: "per_",
    TargetKind.GRANT: "grt_",
    TargetKind.ACCORD: "acc_",
}
_targets = st.builds(
    lambda kind, n: Target(kind=kind, id=f"{_PREFIXES[kind]}{n}"), st.sampled_from(list(TargetKind)), _numbers
)


def uses(target: Target, grants: list[Grant]) -> set[tuple[int, str, str]]:
    """Every principal's use of every model under every grant that `target` stops, one by one."""
    return {
        (number, principal, model)
        for number, grant in enumerate(grants)
        for principal in grant.principals
        for model in grant.models
        if target.id
        in {
            TargetKind.LAB: (grant.lab,),
            TargetKind.MODEL: (model,),
            TargetKind.INSTITUTION: (grant.institution_id,),
            TargetKind.PRINCIPAL: (principal,),
            TargetKind.GRANT: (grant.id,),
            TargetKind.ACCORD: (grant.accord_id,),
        }[target.kind]
    }


@given(target=_targets, earlier=st.lists(_targets, max_size=6), grants=_grants)
def test_a_renewal_is_what_stops_nothing_new(target: Target, earlier: list[Target], grants: list[Grant]) -> None:
    """Some use is stopped, and every one that is was stopped before by some of the earlier holds."""
    stopped = uses(target, grants)
    before = set().union(*(uses(other, grants) for other in earlier))
    assert is_renewal(target, earlier, grants) == (bool(stopped) and stopped <= before)


@pytest.mark.parametrize("kind", list(TargetKind))
def test_what_nothing_came_before_is_no_renewal(kind: TargetKind) -> None:
    """The first hold on anything is free to be placed."""
    assert not is_renewal(Target(kind=kind, id=f"{_PREFIXES[kind]}1"), (), [GRANT])
