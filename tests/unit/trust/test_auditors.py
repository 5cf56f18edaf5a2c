import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sekisho.trust import (
    Auditor,
    AuditorKeyRefused,
    Auditors,
    DocumentRefused,
    auditors_payload,
    charter_payload,
    check_auditor_key,
    read_auditors,
    read_charter,
)
from sekisho.trust.auditors import KEY_SIZE_BYTES, MAX_AUDITORS, MLKEM_SIZE_BYTES

P = 2**255 - 19
# RFC 7748 5: coordinates of every point whose order divides 8, on the curve and on its twist (safecurves, "twist").
SMALL_ORDER = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    P - 1,
]


def key(number: int) -> bytes:
    """A fixed key by number."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(bytes([number]) * 64)
    x25519 = X25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def named(threshold: int = 2, count: int = 3) -> Auditors:
    members = tuple(Auditor(name=f"auditor-{number}", key=key(number)) for number in range(1, count + 1))
    return Auditors(threshold=threshold, members=members)


def test_auditors_read_back():
    """read_auditors and auditors_payload are inverse."""
    assert read_auditors(auditors_payload(named())) == named()


def test_a_charter_names_auditors_or_none(programme):
    """The field is left out where no content is kept, so that charters without it keep their digest."""
    assert "auditors" not in charter_payload(programme.charter)
    charter = replace(programme.charter, auditors=named())
    assert read_charter(programme.signed_charter(charter=charter)) == charter


def test_null_is_not_the_same_as_absent(programme):
    """One charter has one spelling."""
    payload = charter_payload(programme.charter) | {"auditors": None}
    with pytest.raises(DocumentRefused):
        read_charter(programme.sign("charter", payload))


@pytest.mark.parametrize("threshold", [0, -1, 4, True, "2", None])
def test_a_threshold_that_cannot_be_met_or_that_nobody_meets_is_refused(threshold):
    """From one to as many as there are."""
    with pytest.raises(DocumentRefused):
        read_auditors(auditors_payload(named()) | {"threshold": threshold})


@pytest.mark.parametrize(
    "bend",
    [
        lambda a: a.pop("threshold"),
        lambda a: a.update(note=""),
        lambda a: a.update(members=[]),
        lambda a: a["members"][0].update(name="Auditor"),
        lambda a: a["members"][0].update(name="a b"),
        lambda a: a["members"][0].update(role="x"),
        lambda a: a["members"][0].update(key=1),
        lambda a: a["members"][0].update(key=None),
        lambda a: a["members"][0].update(key=""),
        lambda a: a["members"][0].update(key="%"),
        lambda a: a["members"][0].update(key=a["members"][0]["key"] + "\n"),
        lambda a: a["members"][0].update(key=base64.b64encode(key(1)[:-1]).decode()),
    ],
)
def test_what_is_not_of_the_shape_is_refused(bend):
    """Field by field, with an error of ours."""
    payload = auditors_payload(named())
    bend(payload)
    with pytest.raises((DocumentRefused, AuditorKeyRefused)):
        read_auditors(payload)


def test_no_name_and_no_half_of_a_key_is_listed_twice():
    """Who holds one half of two keys would be two auditors: each half is compared on its own."""
    one, two = key(1), key(2)
    halves = [one, one[:MLKEM_SIZE_BYTES] + two[MLKEM_SIZE_BYTES:], two[:MLKEM_SIZE_BYTES] + one[MLKEM_SIZE_BYTES:]]
    for other in halves:
        members = (Auditor(name="a", key=one), Auditor(name="b", key=other))
        with pytest.raises(AuditorKeyRefused, match="two auditors have one"):
            read_auditors(auditors_payload(Auditors(threshold=1, members=members)))
    same_name = (Auditor(name="a", key=one), Auditor(name="a", key=two))
    with pytest.raises(AuditorKeyRefused, match="one name"):
        read_auditors(auditors_payload(Auditors(threshold=1, members=same_name)))


@pytest.mark.parametrize("u", SMALL_ORDER)
def test_a_point_of_small_order_is_refused(u):
    """What is sealed to it, everybody opens."""
    with pytest.raises(AuditorKeyRefused, match="small order"):
        check_auditor_key(key(1)[:MLKEM_SIZE_BYTES] + u.to_bytes(32, "little"))


@pytest.mark.parametrize("u", [P, P + 1, P + 9, 2**255 - 1, 2**255, 2**256 - 1, 2**255 + 9])
def test_a_second_spelling_of_a_key_is_refused(u):
    """X25519 reads it as another number: one key could be listed twice."""
    with pytest.raises(AuditorKeyRefused, match="canonical"):
        check_auditor_key(key(1)[:MLKEM_SIZE_BYTES] + u.to_bytes(32, "little"))


def test_an_mlkem_half_beyond_the_modulus_is_refused():
    """FIPS 203 7.2, the modulus check."""
    with pytest.raises(AuditorKeyRefused, match="ML-KEM"):
        check_auditor_key(b"\xff" * MLKEM_SIZE_BYTES + key(1)[MLKEM_SIZE_BYTES:])


@pytest.mark.parametrize("size", [0, 32, MLKEM_SIZE_BYTES, KEY_SIZE_BYTES - 1, KEY_SIZE_BYTES + 1])
def test_a_key_of_another_length_is_refused(size):
    """Such as one of X25519 alone."""
    with pytest.raises(AuditorKeyRefused, match="bytes"):
        check_auditor_key((key(1) * 2)[:size])


def test_more_auditors_than_a_call_can_bear_are_refused():
    """Every call is sealed to each."""
    assert len(read_auditors(auditors_payload(named(count=MAX_AUDITORS))).members) == MAX_AUDITORS
    with pytest.raises(DocumentRefused, match="at most"):
        read_auditors(auditors_payload(named(count=MAX_AUDITORS + 1)))
