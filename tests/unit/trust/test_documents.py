import pytest

from sekisho.formats import dsse
from sekisho.trust import (
    DocumentRefused,
    HoldRefused,
    QuorumNotMet,
    accord_payload,
    charter_payload,
    grant_payload,
    hold_payload,
    read_document,
    require_signed,
    revocation_payload,
)
from sekisho.trust.documents import READERS


def _payloads(programme):
    return {
        "charter": (programme.charter, charter_payload(programme.charter)),
        "accord": (programme.accord, accord_payload(programme.accord)),
        "grant": (programme.grant, grant_payload(programme.grant)),
        "hold": (programme.hold, hold_payload(programme.hold)),
        "revocation": (programme.revocation, revocation_payload(programme.revocation)),
    }


@pytest.mark.parametrize("kind", READERS)
def test_each_kind_reads_back_as_itself_and_as_no_other(programme, kind):
    """The envelope's kind decides; a payload of one kind is none of another."""
    document, payload = _payloads(programme)[kind]
    assert read_document(dsse.seal(kind, payload)) == document
    for other in READERS.keys() - {kind}:
        with pytest.raises(DocumentRefused):
            read_document(dsse.seal(other, payload))


def test_an_unknown_kind_is_refused():
    """The list of kinds is closed."""
    with pytest.raises(DocumentRefused):
        read_document(dsse.seal("amnesty", {}))


@pytest.mark.parametrize("kind", READERS)
def test_each_kind_needs_its_own_signers(programme, at, kind):
    """A hold its party, all others the quorum of their lab."""
    _, payload = _payloads(programme)[kind]
    quorum = ("lab-a", "home-gov", "partner-gov")
    assert require_signed(programme.sign(kind, payload, *quorum), programme.charter, at=at) == set(quorum)
    with pytest.raises((QuorumNotMet, HoldRefused)):
        require_signed(programme.sign(kind, payload, "lab-a", "home-gov"), programme.charter, at=at)


def test_an_error_of_trust_is_a_failed_verification(programme, at):
    """A command that meets one ends with 1, not 2."""
    with pytest.raises(QuorumNotMet) as caught:
        require_signed(programme.sign("grant", grant_payload(programme.grant)), programme.charter, at=at)
    assert caught.value.exit_code == 1
    assert caught.value.signers == frozenset()
    assert "nobody" in caught.value.message
