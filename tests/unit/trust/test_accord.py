import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from sekisho.core import Window
from sekisho.formats import dsse
from sekisho.trust import (
    CharterNotInForce,
    DocumentLapsed,
    DocumentRefused,
    Model,
    QuorumNotMet,
    accord_payload,
    open_accord,
    read_accord,
)


def _signed(programme, accord, *parties):
    return programme.sign("accord", accord_payload(accord), *(parties or ("lab-a", "home-gov", "working-group")))


def test_the_quorum_brings_an_accord_into_force(programme, at):
    """What opens is what was drafted, field for field."""
    assert open_accord(_signed(programme, programme.accord), programme.charter, at=at) == programme.accord


@pytest.mark.parametrize(
    "parties",
    [("lab-a", "home-gov"), ("lab-b", "home-gov", "working-group"), ("lab-a", "partner-gov", "working-group")],
)
def test_without_the_quorum_it_does_not_open(programme, at, parties):
    """Too few, the wrong lab, no home government."""
    with pytest.raises(QuorumNotMet):
        open_accord(_signed(programme, programme.accord, *parties), programme.charter, at=at)


def test_an_accord_names_models_of_its_own_lab(programme, at):
    """A lab does not sign away another lab's models, nor a model that the charter does not know."""
    for name in ("myth-1", "unheard-of"):
        bent = replace(programme.accord, models=(Model(name=name, tier="red"),))
        with pytest.raises(DocumentRefused, match="lists no model"):
            open_accord(_signed(programme, bent), programme.charter, at=at)


def test_a_party_that_is_no_lab_offers_no_models(programme, at):
    """The accord's lab is a lab of the charter."""
    bent = replace(programme.accord, lab="home-gov")
    with pytest.raises(DocumentRefused):
        open_accord(_signed(programme, bent), programme.charter, at=at)


def test_an_accord_of_another_programme_is_refused(programme, at):
    """The same parties may run a rehearsal with the same keys; its accords do not open here."""
    bent = replace(programme.accord, programme="rehearsal.example")
    with pytest.raises(DocumentRefused, match="rehearsal"):
        open_accord(_signed(programme, bent), programme.charter, at=at)


def test_an_accord_lapses_at_its_end(programme, at):
    """Before it opens it may be recorded; from its end on it may not."""
    early = replace(programme.accord, valid=Window(opens=at + timedelta(days=1), closes=at + timedelta(days=2)))
    assert open_accord(_signed(programme, early), programme.charter, at=at) == early
    closes = programme.accord.valid.closes
    open_accord(_signed(programme, programme.accord), programme.charter, at=closes - timedelta(microseconds=1))
    with pytest.raises(DocumentLapsed):
        open_accord(_signed(programme, programme.accord), programme.charter, at=closes)


def test_an_accord_needs_a_charter_in_force(programme):
    """However sound its signatures."""
    with pytest.raises(CharterNotInForce):
        open_accord(_signed(programme, programme.accord), programme.charter, at=programme.charter.valid.closes)


@pytest.mark.parametrize(
    "bend",
    [
        lambda a: a.pop("conditions"),
        lambda a: a.update(extra=1),
        lambda a: a.update(id="grt_1"),
        lambda a: a.update(models=[]),
        lambda a: a["models"].append(a["models"][0]),
        lambda a: a["models"][0].update(name='x" || true'),
        lambda a: a["models"][0].update(tier="RED"),
        lambda a: a.update(kinds=[]),
        lambda a: a.update(techniques=["find", "find"]),
        lambda a: a.update(conditions=["", "x"]),
        lambda a: a.update(conditions="none"),
        lambda a: a.update(valid={"opens": 1, "closes": 2}),
    ],
)
def test_a_bent_accord_is_refused(programme, bend):
    """Read strictly, before any signature is looked at."""
    payload = copy.deepcopy(accord_payload(programme.accord))
    bend(payload)
    with pytest.raises(DocumentRefused):
        read_accord(dsse.seal("accord", payload))
