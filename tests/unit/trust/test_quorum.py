"""Invariant 4, from the side of one who wants a quorum without having it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.core import Window
from sekisho.formats import dsse
from sekisho.formats.dsse import Signature
from sekisho.trust import (
    AtLeast,
    CharterNotInForce,
    OneParty,
    Party,
    PartyKey,
    QuorumNotMet,
    Role,
    SignatureRefused,
    accord_payload,
    raw_key,
    require_quorum,
    require_rule,
    require_signed,
    verify_signers,
)

NAMES = ("lab-a", "lab-b", "home-gov", "partner-gov", "working-group")
# Three keys for each party, the last one retired; and keys that no charter lists.
KEYS = {
    name: [Ed25519PrivateKey.from_private_bytes(f"{name}{n}".encode().ljust(32)) for n in range(3)] for name in NAMES
}
STRANGERS = [Ed25519PrivateKey.from_private_bytes(f"stranger{n}".encode().ljust(32)) for n in range(3)]
RULE_SIZE = 3


@pytest.fixture(scope="module")
def charter(programme):
    valid = programme.charter.valid
    retired = Window(opens=valid.opens, closes=valid.opens + timedelta(days=1))
    parties = tuple(
        Party(
            name=party.name,
            role=party.role,
            keys=tuple(
                PartyKey(raw=raw_key(key.public_key()), window=retired if n == 2 else valid)
                for n, key in enumerate(KEYS[party.name])
            ),
        )
        for party in programme.charter.parties
    )
    return replace(programme.charter, parties=parties)


def _envelope(*signatures):
    return replace(dsse.seal("accord", {"terms": "any"}), signatures=signatures)


def _true(party, key):
    return dsse.sign(_envelope(), party=party, key=key).signatures[0]


def _replayed(party, key):
    """A true signature over another document."""
    return dsse.sign(dsse.seal("accord", {"terms": "other"}), party=party, key=key).signatures[0]


def _moves(corrupt):
    """Signatures that those who hold the keys of the parties `corrupt`, and saw all past documents, can make."""
    own = st.builds(
        lambda name, n, claim: _true(claim or name, KEYS[name][n]),
        st.sampled_from(sorted(corrupt)),
        st.integers(0, 2),
        st.none() | st.sampled_from(NAMES),
    )
    strange = st.builds(_true, st.sampled_from(NAMES), st.sampled_from(STRANGERS))
    replays = st.builds(lambda name, n: _replayed(name, KEYS[name][n]), st.sampled_from(NAMES), st.integers(0, 2))
    borrowed = st.builds(
        lambda made, name, n: replace(made, party=name, key_id=dsse.key_id_of(KEYS[name][n].public_key())),
        strange,
        st.sampled_from(NAMES),
        st.integers(0, 2),
    )
    renamed = st.builds(lambda made, key_id: replace(made, key_id=key_id), own, st.sampled_from(["0" * 64, "f" * 64]))
    empty = st.builds(
        lambda name: Signature(party=name, key_id=dsse.key_id_of(KEYS[name][0].public_key()), value=b""),
        st.sampled_from(NAMES),
    )
    honest_looking = st.builds(
        lambda name, n: _true(name, KEYS[name][n]), st.sampled_from(sorted(corrupt)), st.integers(0, 1)
    )
    return st.lists(st.one_of(honest_looking, own, strange, replays, borrowed, renamed, empty), max_size=12)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fewer_parties_than_the_rule_asks_get_nowhere(charter, at, data):
    """Whatever keys, names, ids, copies and old signatures they use, two parties are never three."""
    corrupt = data.draw(st.sets(st.sampled_from(NAMES), min_size=1, max_size=RULE_SIZE - 1))
    envelope = _envelope(*data.draw(_moves(corrupt)))
    with pytest.raises((QuorumNotMet, SignatureRefused)):
        require_quorum(envelope, charter, lab="lab-a", at=at)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nobody_signs_for_another(charter, at, data):
    """Whoever is counted did sign: the signers are always among those whose keys were used."""
    corrupt = data.draw(st.sets(st.sampled_from(NAMES), min_size=1, max_size=4))
    envelope = _envelope(*data.draw(_moves(corrupt)))
    try:
        signers = verify_signers(envelope, charter, at=at)
    except SignatureRefused:
        return
    assert signers <= corrupt


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_honest_parties_are_counted_once_each(charter, at, data):
    """One key or two, in any order, with strangers between: the set of those who signed."""
    parties = data.draw(st.sets(st.sampled_from(NAMES)))
    made = [_true(name, KEYS[name][n]) for name in parties for n in data.draw(st.sampled_from([(0,), (1,), (0, 1)]))]
    made += [_true("home-gov", key) for key in data.draw(st.sets(st.sampled_from(STRANGERS)))]
    assert verify_signers(_envelope(*data.draw(st.permutations(made))), charter, at=at) == parties


def test_one_party_with_two_keys_is_one_party(charter, at):
    """The demo's second failing case: the working group signs twice, the partner never."""
    names_and_keys = [("lab-a", 0), ("home-gov", 0), ("home-gov", 1)]
    with pytest.raises(QuorumNotMet) as caught:
        require_quorum(
            _envelope(*(_true(name, KEYS[name][n]) for name, n in names_and_keys)), charter, lab="lab-a", at=at
        )
    assert caught.value.signers == {"lab-a", "home-gov"}
    assert caught.value.missing == "one of (partner-gov, working-group)"
    assert "partner-gov" in caught.value.message


def test_one_key_under_two_ids_is_one_party(charter, at):
    """What counts twice elsewhere (python-tuf 7.0.1, securesystemslib 1.6.0): the second id is nobody's here."""
    rule = AtLeast(n=2, rules=(OneParty(name="partner-gov"), OneParty(name="working-group")))
    signature = _true("partner-gov", KEYS["partner-gov"][0])
    envelope = _envelope(
        signature, replace(signature, key_id="0" * 64), replace(signature, party="working-group", key_id="1" * 64)
    )
    signers = verify_signers(envelope, charter, at=at)
    assert signers == {"partner-gov"}
    with pytest.raises(QuorumNotMet):
        require_rule(rule, signers, charter, lab=None)


def test_a_false_signature_of_a_listed_key_refuses_the_document(charter, at):
    """Even beside a full quorum: it means that the document was changed, and is not to be passed over."""
    quorum = [_true(name, KEYS[name][0]) for name in ("lab-a", "home-gov", "working-group")]
    require_quorum(_envelope(*quorum), charter, lab="lab-a", at=at)
    with pytest.raises(SignatureRefused):
        require_quorum(
            _envelope(*quorum, _replayed("partner-gov", KEYS["partner-gov"][0])), charter, lab="lab-a", at=at
        )


def test_a_false_signature_of_a_retired_key_refuses_it_too(charter, at):
    """A key out of its window does not count, and is still its party's."""
    with pytest.raises(SignatureRefused):
        verify_signers(_envelope(_replayed("lab-a", KEYS["lab-a"][2])), charter, at=at)


def test_a_signature_in_anothers_name_refuses_the_document(charter, at):
    """A listed key speaks for its owner alone."""
    with pytest.raises(SignatureRefused, match="signed as"):
        verify_signers(_envelope(_true("home-gov", KEYS["lab-a"][0])), charter, at=at)


def test_a_key_counts_from_opening_to_closing(charter, at):
    """Half open, to the microsecond; before and after, a true signature is passed over."""
    [_, _, retired] = next(party.keys for party in charter.parties if party.name == "lab-a")
    envelope = _envelope(_true("lab-a", KEYS["lab-a"][2]))
    tick = timedelta(microseconds=1)
    assert verify_signers(envelope, charter, at=retired.window.opens) == {"lab-a"}
    assert verify_signers(envelope, charter, at=retired.window.closes - tick) == {"lab-a"}
    assert verify_signers(envelope, charter, at=retired.window.closes) == frozenset()


def test_nothing_counts_under_a_charter_that_is_not_in_force(charter):
    """Before it opens and from its end on, whoever signed."""
    envelope = _envelope(_true("lab-a", KEYS["lab-a"][0]))
    for at in (charter.valid.opens - timedelta(microseconds=1), charter.valid.closes):
        with pytest.raises(CharterNotInForce):
            verify_signers(envelope, charter, at=at)


def test_the_other_lab_is_no_substitute(charter, at):
    """An accord on lab-a's models needs lab-a; lab-b's signature is true and does not help."""
    envelope = _envelope(*(_true(name, KEYS[name][0]) for name in NAMES if name != "lab-a"))
    assert require_quorum(envelope, charter, lab="lab-b", at=at) == set(NAMES) - {"lab-a"}
    with pytest.raises(QuorumNotMet, match="missing: lab-a"):
        require_quorum(envelope, charter, lab="lab-a", at=at)


def test_more_signers_never_undo_a_quorum(charter, at):
    """Monotone, with real signatures."""
    made = [_true(name, KEYS[name][0]) for name in ("lab-a", "home-gov", "partner-gov")]
    for extra in (_true("lab-b", KEYS["lab-b"][0]), _true("home-gov", KEYS["home-gov"][1]), _true("x", STRANGERS[0])):
        made.append(extra)
        require_quorum(_envelope(*made), charter, lab="lab-a", at=at)


def test_the_roles_used_here_are_all_roles(charter):
    """The programme under test has a party of every role."""
    assert {party.role for party in charter.parties} == set(Role)


@pytest.mark.parametrize("lab", ["home-gov", "partner-gov", "nobody"])
def test_a_document_that_names_a_government_as_its_lab_does_not_count_it_twice(programme, at, lab):
    """`require_signed` reads the lab from the document: home-gov as "the lab" and as home would be two of one."""
    accord = replace(programme.accord, lab=lab)
    envelope = programme.sign("accord", accord_payload(accord), "home-gov", "partner-gov")
    with pytest.raises(QuorumNotMet):
        require_signed(envelope, programme.charter, at=at)
