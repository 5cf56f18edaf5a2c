import copy
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.formats import dsse
from sekisho.trust import (
    DocumentLapsed,
    DocumentRefused,
    HoldRefused,
    SignatureRefused,
    Target,
    TargetKind,
    hold_payload,
    open_hold,
    read_hold,
)
from sekisho.trust.hold import MAX_SKEW


def _open(programme, hold, *parties, at):
    envelope = programme.sign("hold", hold_payload(hold), *(parties or (hold.placed_by,)))
    return open_hold(envelope, programme.charter, at=at)


@pytest.mark.parametrize("party", ["lab-a", "lab-b", "home-gov", "partner-gov", "working-group"])
def test_one_party_stops_anything(programme, at, party):
    """Invariant 4: stopping needs one party, whichever it is, and whosever the target."""
    hold = replace(programme.hold, placed_by=party)
    assert _open(programme, hold, at=at) == hold


@pytest.mark.parametrize(
    ("kind", "target_id"),
    [
        (TargetKind.LAB, "lab-b"),
        (TargetKind.MODEL, "myth-1"),
        (TargetKind.INSTITUTION, "ins_1"),
        (TargetKind.PRINCIPAL, "per_1"),
        (TargetKind.PRINCIPAL, "wkl_1"),
        (TargetKind.GRANT, "grt_1"),
        (TargetKind.ACCORD, "acc_1"),
    ],
)
def test_every_kind_of_target_can_be_held(programme, at, kind, target_id):
    """Lab, model, institution, person or workload, grant, accord."""
    hold = replace(programme.hold, target=Target(kind=kind, id=target_id))
    assert _open(programme, hold, at=at) == hold


def test_the_party_that_places_it_signs_it(programme, at):
    """Nobody places a hold in another's name, however many others sign."""
    with pytest.raises(HoldRefused):
        _open(programme, programme.hold, "lab-a", "lab-b", "home-gov", "working-group", at=at)
    signed = programme.sign("hold", hold_payload(programme.hold))
    forged = dsse.sign(signed, party="partner-gov", key=_key("lab-a"))
    with pytest.raises(SignatureRefused):
        open_hold(forged, programme.charter, at=at)


def _key(name):
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))


def test_a_stranger_stops_nothing(programme, at):
    """A key that the charter does not list places no hold, and neither does nobody."""
    unsigned = dsse.seal("hold", hold_payload(programme.hold))
    for envelope in (unsigned, dsse.sign(unsigned, party="partner-gov", key=_key("stranger"))):
        with pytest.raises(HoldRefused):
            open_hold(envelope, programme.charter, at=at)


def test_a_hold_lasts_the_charters_term_at_most(programme, at):
    """To the microsecond, and it ends after it begins."""
    tick, term = timedelta(microseconds=1), programme.charter.hold_term
    _open(programme, replace(programme.hold, lapses_at=at + term), at=at)
    for lapses_at in (at + term + tick, at, at - tick):
        with pytest.raises(HoldRefused):
            _open(programme, replace(programme.hold, lapses_at=lapses_at), at=at)


def test_a_hold_dated_ahead_is_refused(programme, at):
    """Else a party would stretch its term by writing a later date; clocks may differ by MAX_SKEW."""
    for ahead, is_taken in ((MAX_SKEW, True), (MAX_SKEW + timedelta(microseconds=1), False)):
        hold = replace(programme.hold, placed_at=at + ahead, lapses_at=at + ahead + timedelta(hours=1))
        if is_taken:
            _open(programme, hold, at=at)
        else:
            with pytest.raises(HoldRefused):
                _open(programme, hold, at=at)


def test_a_lapsed_hold_does_not_come_back(programme):
    """A replay after its end is refused."""
    hold = programme.hold
    _open(programme, hold, at=hold.lapses_at - timedelta(microseconds=1))
    with pytest.raises(DocumentLapsed):
        _open(programme, hold, at=hold.lapses_at)


@pytest.mark.parametrize(
    "target",
    [
        Target(kind=TargetKind.LAB, id="lab-c"),
        Target(kind=TargetKind.LAB, id="home-gov"),
        Target(kind=TargetKind.MODEL, id="cyber-9"),
    ],
)
def test_a_hold_on_a_misspelt_name_is_refused(programme, at, target):
    """It would stop nothing and look as if it did."""
    with pytest.raises(HoldRefused, match="knows no"):
        _open(programme, replace(programme.hold, target=target), at=at)


def test_a_hold_of_another_programme_is_refused(programme, at):
    """A rehearsal's hold stops nothing here."""
    with pytest.raises(HoldRefused, match="rehearsal"):
        _open(programme, replace(programme.hold, programme="rehearsal.example"), at=at)


@pytest.mark.parametrize(
    "bend",
    [
        lambda h: h.pop("basis"),
        lambda h: h.update(basis=""),
        lambda h: h.update(basis="x" * 501),
        lambda h: h.update(basis="ok\u202e"),
        lambda h: h.update(note=1),
        lambda h: h.update(target={"kind": "country", "id": "JP"}),
        lambda h: h.update(target={"kind": ["lab"], "id": "lab-a"}),
        lambda h: h.update(target={"kind": "grant", "id": "acc_1"}),
        lambda h: h.update(target={"kind": "model", "id": ""}),
        lambda h: h.update(target="lab-a"),
        lambda h: h.update(placed_by="Partner"),
        lambda h: h.update(placed_at="2026-11-22"),
        lambda h: h.update(lapses_at=None),
    ],
)
def test_a_bent_hold_is_refused(programme, bend):
    """A basis is stated, the target is of a known kind, the times are times."""
    payload = copy.deepcopy(hold_payload(programme.hold))
    bend(payload)
    with pytest.raises(DocumentRefused):
        read_hold(dsse.seal("hold", payload))
