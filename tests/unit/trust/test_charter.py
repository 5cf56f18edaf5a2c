import copy
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import Window
from sekisho.formats import dsse
from sekisho.trust import (
    DocumentRefused,
    KeyRefused,
    Party,
    PartyKey,
    RuleRefused,
    charter_payload,
    raw_key,
    read_charter,
)
from sekisho.trust.charter import MAX_HOLD_TERM_S


def test_a_charter_reads_back(programme):
    """read_charter and charter_payload are inverse."""
    assert read_charter(programme.signed_charter()) == programme.charter


def test_a_later_version_names_the_one_before(programme):
    """The field that rotation will need is there from version 1 on: null in it, a digest in all others."""
    later = replace(programme.charter, version=2, previous="ab" * 32)
    assert read_charter(programme.signed_charter(charter=later)) == later
    for wrong in (replace(later, previous=None), replace(later, version=1), replace(later, previous="AB" * 32)):
        with pytest.raises(DocumentRefused):
            read_charter(programme.signed_charter(charter=wrong))


def _with_extra_key(party: Party, key: PartyKey) -> Party:
    return replace(party, keys=(*party.keys, key))


def test_one_key_in_two_parties_is_refused(programme, at):
    """Key material is compared, whatever its windows: else one holder would be two parties."""
    first, second, *rest = programme.charter.parties
    later = Window(opens=at + timedelta(days=1), closes=at + timedelta(days=2))
    for key in (first.keys[0], replace(first.keys[0], window=later)):
        bent = programme.with_parties(first, _with_extra_key(second, key), *rest)
        with pytest.raises(KeyRefused, match="listed twice"):
            read_charter(programme.signed_charter(charter=bent))


def test_one_key_twice_in_a_party_is_refused(programme, at):
    """The same key in two windows, or in the same one."""
    first, *rest = programme.charter.parties
    for window in (first.keys[0].window, Window(opens=at, closes=at + timedelta(days=1))):
        bent = programme.with_parties(_with_extra_key(first, replace(first.keys[0], window=window)), *rest)
        with pytest.raises(KeyRefused, match="listed twice"):
            read_charter(programme.signed_charter(charter=bent))


def test_a_weak_key_cannot_be_listed(programme):
    """A point of small order in a charter would let anybody sign as that party."""
    first, *rest = programme.charter.parties
    weak = PartyKey(raw=(1).to_bytes(32, "little"), window=first.keys[0].window)
    with pytest.raises(KeyRefused, match="small order"):
        read_charter(programme.signed_charter(charter=programme.with_parties(_with_extra_key(first, weak), *rest)))


def test_a_party_whose_keys_all_lie_outside_the_charters_time_is_refused(programme):
    """It could never sign, and a rule that needs it could never be met."""
    first, *rest = programme.charter.parties
    valid = programme.charter.valid
    outside = Window(opens=valid.closes, closes=valid.closes + timedelta(days=1))
    late = replace(first, keys=(replace(first.keys[0], window=outside),))
    with pytest.raises(KeyRefused, match="no key that can sign"):
        read_charter(programme.signed_charter(charter=programme.with_parties(late, *rest)))


def test_a_party_may_hold_several_keys(programme):
    """Several keys are good practice; they still count as one party (test_quorum)."""
    first, *rest = programme.charter.parties
    spare = PartyKey(
        raw=raw_key(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()), window=first.keys[0].window
    )
    charter = programme.with_parties(_with_extra_key(first, spare), *rest)
    assert read_charter(programme.signed_charter(charter=charter)) == charter


BENDS = [
    lambda c: c.pop("version"),
    lambda c: c.update(note=""),
    lambda c: c.update(version=0),
    lambda c: c.update(version=True),
    lambda c: c.update(version="1"),
    lambda c: c.update(programme="Sekisho Example"),
    lambda c: c.update(programme="sekisho.example/decisions"),
    lambda c: c.update(valid={"opens": "2026-11-22T09:00:00Z"}),
    lambda c: c.update(valid={"opens": "2026-11-22T09:00:00Z", "closes": "2026-11-22T09:00:00Z"}),
    lambda c: c.update(valid={"opens": "2026-11-22T09:00:00+09:00", "closes": "2026-11-23T09:00:00Z"}),
    lambda c: c.update(valid=None),
    lambda c: c.update(parties=[]),
    lambda c: c.update(parties={}),
    lambda c: c["parties"][1].update(name="lab-a"),
    lambda c: c["rules"].update(hold=c["rules"]["grant"]),
    lambda c: c.update(rules={}),
    lambda c: c["ledger"].update(calls={}),
    lambda c: c["ledger"]["decisions"].update(origin="other.example/decisions"),
    lambda c: c["ledger"]["decisions"].update(vkey="other.example/decisions+12345678+" + "A" * 44),
    lambda c: c["ledger"]["decisions"].update(vkey="sekisho.example/decisions+1234567G+" + "A" * 44),
    lambda c: c["ledger"]["decisions"].update(vkey=c["ledger"]["decisions"]["vkey"] + "\n"),
    lambda c: c["ledger"]["decisions"].update(vkey=1),
    lambda c: c.update(hold_term_s=0),
    lambda c: c.update(hold_term_s=MAX_HOLD_TERM_S + 1),
    lambda c: c.update(labs=[]),
    lambda c: c["labs"].pop(),
    lambda c: c["labs"].append({"party": "home-gov", "models": ["x"]}),
    lambda c: c["labs"].append(c["labs"][0]),
    lambda c: c["labs"][1].update(models=["cyber-1"]),
    lambda c: c["labs"][1].update(models=[]),
    lambda c: c["labs"][1].update(models=["a", "a"]),
    lambda c: c["labs"][1].update(models=['x" }; permit']),
]


@pytest.mark.parametrize("bend", BENDS)
def test_a_bent_charter_is_refused(programme, bend):
    """Each field is read strictly: exact names and types, limits, and what must agree with another field."""
    payload = copy.deepcopy(charter_payload(programme.charter))
    bend(payload)
    with pytest.raises(DocumentRefused):
        read_charter(dsse.seal("charter", payload))


def test_a_charter_whose_rule_nobody_can_meet_is_refused(programme):
    """The rule is read against the charter's own parties."""
    parties = [party for party in programme.charter.parties if party.name != "home-gov"]
    with pytest.raises(RuleRefused):
        read_charter(programme.signed_charter(charter=programme.with_parties(*parties)))


def test_another_kind_of_document_is_no_charter(programme):
    """The kind is part of what was signed; a payload does not change kinds."""
    with pytest.raises(DocumentRefused):
        read_charter(dsse.seal("accord", charter_payload(programme.charter)))


def test_the_models_of_no_lab_are_none(programme):
    """A name that is no lab's has no models, so nothing can be granted on it."""
    assert programme.charter.models_of("lab-b") == ("myth-1",)
    assert programme.charter.models_of("home-gov") == ()
