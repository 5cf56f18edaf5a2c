import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from sekisho.core import Window
from sekisho.core.ids import AccordId
from sekisho.formats import dsse
from sekisho.trust import (
    DocumentLapsed,
    DocumentRefused,
    OutsideAccord,
    QuorumNotMet,
    SignatureRefused,
    grant_payload,
    open_grant,
    read_grant,
)


def _open(programme, grant, *parties, at):
    envelope = programme.sign("grant", grant_payload(grant), *(parties or ("lab-a", "home-gov", "partner-gov")))
    return open_grant(envelope, programme.charter, programme.accord, at=at)


def test_the_quorum_grants(programme, at):
    """What opens is what was drafted, field for field."""
    assert _open(programme, programme.grant, at=at) == programme.grant


def test_without_the_quorum_nothing_is_granted(programme, at):
    """The other lab, or one government alone, does not do."""
    for parties in (("lab-b", "home-gov", "partner-gov"), ("lab-a", "partner-gov", "working-group"), ("lab-a",)):
        with pytest.raises(QuorumNotMet):
            _open(programme, programme.grant, *parties, at=at)


def test_signatures_do_not_move_from_one_grant_to_another(programme, at):
    """A bigger budget under the signatures of a smaller one is a false document."""
    signed = programme.sign("grant", grant_payload(programme.grant), "lab-a", "home-gov", "partner-gov")
    more = replace(programme.grant, budget=replace(programme.grant.budget, tokens=10**9))
    forged = replace(signed, payload=dsse.seal("grant", grant_payload(more)).payload)
    with pytest.raises(SignatureRefused):
        open_grant(forged, programme.charter, programme.accord, at=at)


def _outside(programme):
    tick = timedelta(microseconds=1)
    grant, window = programme.grant, programme.grant.window
    return {
        "accord": replace(grant, accord_id=AccordId("acc_9")),
        "lab": replace(grant, lab="lab-b"),
        "models": replace(grant, models=("cyber-1", "myth-1")),
        "tier": replace(grant, models=("cyber-2",)),
        "techniques": replace(grant, techniques=("find", "patch")),
        "opens": replace(grant, window=Window(opens=window.opens - tick, closes=window.closes)),
        "closes": replace(grant, window=Window(opens=window.opens, closes=window.closes + tick)),
    }


@pytest.mark.parametrize("what", ["accord", "lab", "models", "tier", "techniques", "opens", "closes"])
def test_a_grant_lies_within_its_accord(programme, at, what):
    """Even the full quorum cannot grant past the terms: those need a new accord. `cyber-2` is not offered at `blue`."""
    with pytest.raises(OutsideAccord):
        _open(programme, _outside(programme)[what], "lab-a", "lab-b", "home-gov", "partner-gov", at=at)


def test_a_grant_may_use_the_whole_accord(programme, at):
    """The edges of the accord are inside it."""
    whole = replace(programme.grant, tier="red", models=("cyber-2", "cyber-1"), techniques=("verify", "find"))
    assert _open(programme, whole, at=at) == whole


def test_a_grant_lapses_at_its_end(programme, at):
    """One that has yet to open may be recorded."""
    later = replace(programme.grant, window=Window(opens=at + timedelta(days=1), closes=at + timedelta(days=2)))
    assert _open(programme, later, at=at) == later
    with pytest.raises(DocumentLapsed):
        _open(programme, later, at=later.window.closes)


@pytest.mark.parametrize(
    "bend",
    [
        lambda g: g.pop("budget"),
        lambda g: g.update(admin=True),
        lambda g: g.update(id="acc_1"),
        lambda g: g.update(institution="per_1"),
        lambda g: g.update(principals=[]),
        lambda g: g.update(principals=["ins_1"]),
        lambda g: g.update(principals=["per_1", "per_1"]),
        lambda g: g.update(assets=[]),
        lambda g: g.update(assets=["*"]),
        lambda g: g.update(models=[]),
        lambda g: g.update(models="cyber-1"),
        lambda g: g.update(techniques=[]),
        lambda g: g.update(budget=None),
        lambda g: g["budget"].update(tokens=0),
        lambda g: g["budget"].update(tokens=-1),
        lambda g: g["budget"].update(calls=True),
        lambda g: g["budget"].update(yen=1),
        lambda g: g["window"].update(closes=g["window"]["opens"]),
    ],
)
def test_a_bent_grant_is_refused(programme, bend):
    """At least one person or workload, one asset, one model, one technique, and a budget; nothing twice, no stars."""
    payload = copy.deepcopy(grant_payload(programme.grant))
    bend(payload)
    with pytest.raises(DocumentRefused):
        read_grant(dsse.seal("grant", payload))
