import json
import re
from pathlib import Path

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

_PAGE = Path(__file__).parents[3] / "docs" / "specs" / "documents.md"


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


def _examples():
    page = _PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"```json (\w+)\n(.*?)```", page, re.DOTALL))


@pytest.mark.parametrize("kind", READERS)
def test_the_specifications_example_of_each_kind_parses(programme, kind):
    """docs/specs/documents.md shows what the code takes: the documents that these tests use."""
    document, _ = _payloads(programme)[kind]
    assert read_document(dsse.seal(kind, json.loads(_examples()[kind]))) == document


def test_the_specifications_envelope_is_truly_signed(programme, at):
    """The example's signature verifies under the example's charter, and its digest is the one printed above it."""
    envelope = dsse.decode(_examples()["envelope"].encode())
    assert require_signed(envelope, programme.charter, at=at) == {"partner-gov"}
    assert read_document(envelope) == programme.hold
    assert f"`{envelope.digest}`" in _PAGE.read_text(encoding="utf-8")


def test_the_specification_names_every_field(programme):
    """A field that is not on the page does not exist."""
    page = _PAGE.read_text(encoding="utf-8")
    for _, payload in _payloads(programme).values():
        for name in payload:
            assert f"`{name}`" in page or f'"{name}"' in page
