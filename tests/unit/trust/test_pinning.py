from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.core import SekishoError
from sekisho.formats import dsse
from sekisho.formats.jcs import JsonRefused
from sekisho.trust import CharterNotInForce, CharterOpensEarly, QuorumNotMet, pin_charter, read_pinned_ledger_key


@pytest.mark.parametrize("lab", ["lab-a", "lab-b"])
def test_a_charter_is_pinned_by_its_own_rule(programme, at, lab):
    """Any lab of the charter stands for the accord's lab, since there is no accord yet."""
    envelope = programme.signed_charter(lab, "home-gov", "partner-gov")
    assert pin_charter(envelope, at=at) == programme.charter


@pytest.mark.parametrize("signers", [(), ("lab-a", "home-gov"), ("lab-a", "lab-b", "partner-gov", "working-group")])
def test_too_few_parties_pin_nothing(programme, at, signers):
    """The charter that asks for a quorum needs one itself."""
    with pytest.raises(QuorumNotMet):
        pin_charter(programme.signed_charter(*signers), at=at)


def test_an_expired_charter_is_not_pinned(programme):
    """Nor is one that has yet to open."""
    envelope = programme.signed_charter("lab-a", "home-gov", "working-group")
    valid = programme.charter.valid
    for at in (valid.opens - timedelta(microseconds=1), valid.closes, valid.closes + timedelta(days=999)):
        with pytest.raises(CharterNotInForce):
            pin_charter(envelope, at=at)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_with_any_bit_flipped_a_charter_is_not_pinned(programme, at, data):
    """Payload, names, ids and signatures: every bit of a charter with just its quorum matters."""
    encoded = bytearray(dsse.encode(programme.signed_charter("lab-a", "home-gov", "working-group")))
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SekishoError):
        pin_charter(dsse.decode(bytes(encoded)), at=at)


def test_an_auditor_reads_the_ledgers_key_long_after(programme):
    """No time is asked for: the log that a charter named is the log for ever."""
    data = dsse.encode(programme.signed_charter("lab-a", "home-gov", "working-group"))
    assert read_pinned_ledger_key(data) == programme.charter.decisions.vkey


def test_a_key_that_opened_later_does_not_vouch_for_the_opening(programme):
    """Signatures are judged at the charter's opening too; a key listed from the next day on is not yet a key.

    Such a charter must not be pinned: no auditor could verify with it, and the control plane would not start again.
    """
    late = programme.charter.valid.opens + timedelta(days=1)
    parties = [
        replace(party, keys=tuple(replace(key, window=replace(key.window, opens=late)) for key in party.keys))
        if party.name == "home-gov"
        else party
        for party in programme.charter.parties
    ]
    charter = programme.with_parties(*parties)
    envelope = programme.signed_charter("lab-a", "home-gov", "working-group", charter=charter)
    with pytest.raises(CharterOpensEarly):
        pin_charter(envelope, at=late)
    with pytest.raises(QuorumNotMet):
        read_pinned_ledger_key(dsse.encode(envelope))


def test_the_ledgers_key_is_not_taken_from_an_unsigned_charter(programme):
    """A file that somebody wrote is not a charter."""
    with pytest.raises(QuorumNotMet):
        read_pinned_ledger_key(dsse.encode(programme.signed_charter()))
    with pytest.raises(JsonRefused):
        read_pinned_ledger_key(b"\x00")
