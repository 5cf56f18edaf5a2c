"""What a hold stops is what its holders lose."""

import pytest

from sekisho.access import GrantState, TargetKind, list_stopped_by


@pytest.fixture
def snapshot(small):
    """Two banks; lab-a's grants 1 and 2, lab-b's grant 3, and a revoked one."""
    return small.snapshot(
        grants=(
            small.grant(1, principals=("per_1", "per_3"), models=("red-1", "blue-1")),
            small.grant(2, institution_id="ins_2", principals=("per_2",), accord_id="acc_2"),
            small.grant(3, lab="lab-b", models=("other-1",), accord_id="acc_3"),
            small.grant(4, principals=("per_4",), state=GrantState.REVOKED),
        )
    )


@pytest.mark.parametrize(
    ("kind", "target_id", "grants", "models", "principals", "institutions"),
    [
        ("lab", "lab-a", "grt_1 grt_2", "blue-1 red-1", "per_1 per_2 per_3", "ins_1 ins_2"),
        ("model", "blue-1", "grt_1", "blue-1", "per_1 per_3", "ins_1"),
        ("institution", "ins_2", "grt_2", "red-1", "per_2", "ins_2"),
        ("principal", "per_1", "grt_1 grt_3", "blue-1 other-1 red-1", "per_1", "ins_1"),
        ("grant", "grt_2", "grt_2", "red-1", "per_2", "ins_2"),
        ("accord", "acc_3", "grt_3", "other-1", "per_1", "ins_1"),
        ("grant", "grt_4", "", "", "", ""),
        ("lab", "nobody", "", "", "", ""),
    ],
)
def test_the_list_of_what_stops(snapshot, small, kind, target_id, grants, models, principals, institutions) -> None:
    """Active grants alone, each list in order and without doubles."""
    stopped = list_stopped_by(small.hold(TargetKind(kind), target_id), snapshot)
    assert stopped.grants == tuple(grants.split())
    assert stopped.models == tuple(models.split())
    assert stopped.principals == tuple(principals.split())
    assert stopped.institutions == tuple(institutions.split())
