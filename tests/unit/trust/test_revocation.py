import copy
from dataclasses import replace

import pytest

from sekisho.core.ids import AccordId
from sekisho.formats import dsse
from sekisho.trust import (
    DocumentRefused,
    OutsideAccord,
    QuorumNotMet,
    open_revocation,
    read_revocation,
    revocation_payload,
)


def _open(programme, revocation, *parties, at):
    envelope = programme.sign(
        "revocation", revocation_payload(revocation), *(parties or ("lab-a", "home-gov", "working-group"))
    )
    return open_revocation(envelope, programme.charter, programme.accord, at=at)


def test_the_quorum_revokes(programme, at):
    """What opens is what was drafted."""
    assert _open(programme, programme.revocation, at=at) == programme.revocation


@pytest.mark.parametrize("parties", [("partner-gov",), ("lab-b", "home-gov", "working-group"), ("lab-a", "home-gov")])
def test_one_party_does_not_end_a_grant_for_good(programme, at, parties):
    """One party holds; ending is the quorum's."""
    with pytest.raises(QuorumNotMet):
        _open(programme, programme.revocation, *parties, at=at)


def test_a_revocation_is_under_the_grants_own_accord(programme, at):
    """Else lab-b's quorum could end lab-a's grants, under an accord of its own."""
    for wrong in (
        replace(programme.revocation, accord_id=AccordId("acc_9")),
        replace(programme.revocation, lab="lab-b"),
    ):
        with pytest.raises(OutsideAccord):
            _open(programme, wrong, "lab-a", "lab-b", "home-gov", "working-group", at=at)


def test_ending_is_never_too_late(programme):
    """A lapsed accord is no bar."""
    assert _open(programme, programme.revocation, at=programme.accord.valid.closes) == programme.revocation


@pytest.mark.parametrize(
    "bend",
    [
        lambda r: r.pop("basis"),
        lambda r: r.update(basis=" "),
        lambda r: r.update(grant="acc_1"),
        lambda r: r.update(accord="grt_1"),
        lambda r: r.update(lab=None),
        lambda r: r.update(until="2026-11-22T09:00:00Z"),
        lambda r: r.update(revoked_at=1),
    ],
)
def test_a_bent_revocation_is_refused(programme, bend):
    """There is no revocation for a while: that would be another document."""
    payload = copy.deepcopy(revocation_payload(programme.revocation))
    bend(payload)
    with pytest.raises(DocumentRefused):
        read_revocation(dsse.seal("revocation", payload))
