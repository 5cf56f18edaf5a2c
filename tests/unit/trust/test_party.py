import json
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sekisho.core import Window
from sekisho.formats import dsse
from sekisho.trust import DocumentRefused, KeyRefused, PartyKey, Role, key_payload
from sekisho.trust.party import party_payload, read_party


def test_the_weak_keys_are_weak_for_the_library_in_use(vectors):
    """The refusal is needed: the library verifies signatures under points that nobody holds a key to."""
    forged = 0
    for case in json.loads((vectors / "cctv" / "ed25519vectors.json").read_text()):
        if "low_order_A" in (case["flags"] or ()):
            try:
                key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(case["key"]))
                key.verify(bytes.fromhex(case["sig"]), case["msg"].encode())
                forged += 1
            except InvalidSignature:
                pass
    assert forged > 0


def test_signatures_are_judged_as_wycheproof_judges_them(vectors):
    """C2SP Wycheproof ed25519, all cases: what counts as a signature does not drift with the library."""
    for group in json.loads((vectors / "wycheproof" / "ed25519_test.json").read_text())["testGroups"]:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            try:
                key.verify(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
                verdict = "valid"
            except InvalidSignature:
                verdict = "invalid"
            assert verdict == case["result"], case["tcId"]


def test_a_partys_key_has_the_key_id_of_its_signatures(programme):
    """Charter and envelope compute one id: SHA-256 of the SubjectPublicKeyInfo."""
    for party in programme.charter.parties:
        for key in party.keys:
            assert key.key_id == dsse.key_id_of(key.public_key)


def test_a_party_reads_back(programme):
    """read_party and party_payload are inverse."""
    for party in programme.charter.parties:
        assert read_party(party_payload(party)) == party


def _entry(programme):
    return party_payload(programme.charter.parties[0])


@pytest.mark.parametrize(
    "bend",
    [
        lambda p: p.update(role="office"),
        lambda p: p.update(role=["lab"]),
        lambda p: p.update(role=None),
        lambda p: p.update(name="Lab A"),
        lambda p: p.update(keys=[]),
        lambda p: p.update(keys={}),
        lambda p: p.update(office=True),
        lambda p: p["keys"][0].update(public_key=1),
        lambda p: p["keys"][0].update(public_key="二"),
        lambda p: p["keys"][0].update(public_key=p["keys"][0]["public_key"] + "\n"),
        lambda p: p["keys"][0].update(public_key=p["keys"][0]["public_key"].replace("MCow", "MCoy")),
        lambda p: p["keys"][0].update(public_key=p["keys"][0]["public_key"][:-4]),
        lambda p: p["keys"][0].update(closes=p["keys"][0]["opens"]),
        lambda p: p["keys"][0].update(opens=0),
        lambda p: p["keys"][0].pop("closes"),
    ],
)
def test_a_bent_party_is_refused(programme, bend):
    """Names, roles, keys and windows are read strictly."""
    entry = _entry(programme)
    bend(entry)
    with pytest.raises((DocumentRefused, KeyRefused)):
        read_party(entry)


def test_the_roles_are_the_designs():
    """A closed list: the charter's rules speak of these."""
    assert {role.value for role in Role} == {"lab", "home", "partner", "group"}


def test_a_key_payload_carries_the_window(at):
    """What `party keygen` prints can be pasted into a charter."""
    window = Window(opens=at, closes=at + timedelta(days=1))
    payload = key_payload(PartyKey(raw=bytes(32), window=window))
    assert set(payload) == {"public_key", "opens", "closes"}
