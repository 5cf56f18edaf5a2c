"""Steps 3 to 5 in one question."""

from dataclasses import replace

import pytest
from gate_rig import ANA, ANA_KEY, AST, GRT, NOW, ROOT, make_snapshot

from sekisho.access import Denied
from sekisho.access.compile import compile_snapshot
from sekisho.core import Reason
from sekisho.gate.caller import Caller
from sekisho.gate.force import put_in_force
from sekisho.gate.judge import judge
from sekisho.labs import OPENAI_CHAT

CALLER = Caller(principal_id=ANA, jkt=ANA_KEY.public.thumbprint, asset_id=AST, case_id=None, technique="find")


def in_force():
    return put_in_force(make_snapshot(), decisions_size=1, decisions_root=ROOT)


def test_a_permit_names_what_the_call_rests_on():
    """The reach is what a hold is compared with."""
    permit = judge(in_force(), CALLER, model="red-1", surface=OPENAI_CHAT, at=NOW)
    assert (permit.grant.id, permit.reach.lab, permit.reach.principal) == (GRT, "lab-a", ANA)


def test_two_roads_must_agree():
    """Invariant 2: where access permits and the policies do not, or know less, the answer is no."""
    force = in_force()
    nothing = compile_snapshot(make_snapshot(grants=()))
    with pytest.raises(Denied) as denied:
        judge(replace(force, policies=nothing), CALLER, model="red-1", surface=OPENAI_CHAT, at=NOW)
    assert denied.value.reason is Reason.POLICY_DENIED
    unknown = compile_snapshot(make_snapshot(grants=(), principals=()))
    with pytest.raises(Denied) as denied:
        judge(replace(force, policies=unknown), CALLER, model="red-1", surface=OPENAI_CHAT, at=NOW)
    assert denied.value.reason is Reason.POLICY_FAILED


def test_the_grant_that_pays_is_one_that_the_policies_permit():
    """A permit by another grant does not pay from this one's budget."""
    other = replace(make_snapshot().grants[0], id="grt_00000000000000000000000009")
    with pytest.raises(Denied) as denied:
        judge(
            replace(in_force(), policies=compile_snapshot(make_snapshot(grants=(other,)))),
            CALLER,
            model="red-1",
            surface=OPENAI_CHAT,
            at=NOW,
        )
    assert denied.value.reason is Reason.POLICY_FAILED
