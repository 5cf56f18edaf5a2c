"""The lease, and what a hold cuts."""

from dataclasses import replace

import pytest
from gate_rig import ACC, ANA, GRT, INS, NOW, ROOT, make_snapshot, with_hold
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.access import Denied, TargetKind
from sekisho.core import Reason
from sekisho.gate.errors import LinkRefused
from sekisho.gate.force import Lease, Reach, is_cut, put_in_force

REACH = Reach(lab="lab-a", model="red-1", institution=INS, principal=ANA, grant=GRT, accord=ACC)


def force(version: int = 1, **changes):
    return put_in_force(make_snapshot(version=version, **changes), decisions_size=1, decisions_root=ROOT)


@settings(deadline=None)
@given(pauses=st.lists(st.floats(0, 9), min_size=1, max_size=8))
def test_a_lease_holds_for_its_time_after_the_last_frame_and_no_longer(pauses):
    """Invariant 8: monotonic time since the last frame decides."""
    now = [0.0]
    lease = Lease(lambda: now[0])
    lease.put(force())
    for pause in pauses:
        now[0] += pause
        if pause < 5:
            assert lease.require().version == 1
            lease.renew(1)
        else:
            with pytest.raises(Denied) as denied:
                lease.require()
            assert denied.value.reason is Reason.SNAPSHOT_STALE
            lease.renew(1)


def test_without_a_snapshot_nothing_is_in_force():
    """A gate that has never heard of the programme permits nothing."""
    lease = Lease(lambda: 0.0)
    lease.renew(1)
    with pytest.raises(Denied):
        lease.require()


def test_an_older_snapshot_is_refused():
    """Going back would bring back what was revoked."""
    lease = Lease(lambda: 0.0)
    lease.put(force(version=2))
    with pytest.raises(LinkRefused):
        lease.put(force(version=1))
    with pytest.raises(LinkRefused):
        lease.put(force(version=2, lease_s=4))
    lease.put(force(version=2))


def test_a_lease_for_a_snapshot_that_we_do_not_have_is_none():
    """A renewal that names a newer version means that we missed one."""
    now = [0.0]
    lease = Lease(lambda: now[0])
    lease.put(force(version=1))
    now[0] = 4.0
    lease.renew(2)
    now[0] = 6.0
    with pytest.raises(Denied):
        lease.require()


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (TargetKind.LAB, "lab-a"),
        (TargetKind.MODEL, "red-1"),
        (TargetKind.INSTITUTION, INS),
        (TargetKind.PRINCIPAL, ANA),
        (TargetKind.GRANT, GRT),
        (TargetKind.ACCORD, ACC),
    ],
)
def test_each_kind_of_hold_cuts_what_rests_on_its_target_alone(kind, target):
    """A hold stops what it names, while it lasts."""
    held = with_hold(make_snapshot(), kind, target)
    assert is_cut(REACH, held, NOW)
    assert not is_cut(REACH, with_hold(make_snapshot(), kind, "other"), NOW)
    assert not is_cut(REACH, held, held.holds[0].lapses_at)
    assert not is_cut(REACH, replace(held, holds=()), NOW)
