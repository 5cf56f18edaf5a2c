"""Who signed, and whether that is enough. Parties are counted, never keys or signatures."""

from collections.abc import Mapping
from datetime import datetime

from sekisho.formats.dsse import Envelope, EnvelopeRefused, Signature, verify_signature
from sekisho.trust.charter import Charter
from sekisho.trust.errors import CharterNotInForce, QuorumNotMet, SignatureRefused
from sekisho.trust.party import PartyKey, Role
from sekisho.trust.threshold import Rule, bind_rule, describe_need, find_missing


def verify_signers(envelope: Envelope, charter: Charter, *, at: datetime) -> frozenset[str]:
    """Return the names of the parties that signed `envelope` with a key in force at `at` (aware UTC).

    A key that the charter does not list is nobody's and is passed over. A listed key's signature that is false,
    or that claims another party, raises SignatureRefused, whether or not the rest would do: somebody tampered.
    A true signature by a key out of its window does not count. Raises CharterNotInForce.
    """
    if not charter.valid.is_open(at):
        raise CharterNotInForce(f"charter version {charter.version} is not in force at {at.isoformat()}")
    owners = {key.key_id: (party.name, key) for party in charter.parties for key in party.keys}
    counted = (_signer(envelope, signature, owners, at=at) for signature in envelope.signatures)
    return frozenset(name for name in counted if name is not None)


def require_rule(rule: Rule, signers: frozenset[str], charter: Charter, *, lab: str | None) -> None:
    """Raise QuorumNotMet unless `signers`, as `verify_signers` returns them, meet `rule`.

    `lab`: the lab of the accord in question. None only where there is no accord: then any lab of the charter will do.
    """
    # A document that names a government as its lab would have it counted in two branches.
    if lab is not None and not any(party.name == lab and party.role is Role.LAB for party in charter.parties):
        raise QuorumNotMet(f"{lab[:40]!r} is no lab of the charter", signers=signers, missing="a lab")
    missing = find_missing(bind_rule(rule, charter.parties, lab=lab), signers)
    if missing is None:
        return
    words = describe_need(missing)
    signed = ", ".join(sorted(signers)) or "nobody"
    raise QuorumNotMet(f"signed by {signed}; still missing: {words}", signers=signers, missing=words)


def require_quorum(envelope: Envelope, charter: Charter, *, lab: str | None, at: datetime) -> frozenset[str]:
    """Return the signers of `envelope` if they meet the charter's rule for granting, or raise."""
    signers = verify_signers(envelope, charter, at=at)
    require_rule(charter.grant_rule, signers, charter, lab=lab)
    return signers


def _signer(
    envelope: Envelope, signature: Signature, owners: Mapping[str, tuple[str, PartyKey]], *, at: datetime
) -> str | None:
    if signature.key_id not in owners:
        return None
    owner, key = owners[signature.key_id]
    if signature.party != owner:
        raise SignatureRefused(f"a key of {owner} signed as {signature.party}")
    try:
        verify_signature(envelope, signature, key.public_key)
    except EnvelopeRefused as error:
        raise SignatureRefused(error.message) from error
    return owner if key.window.is_open(at) else None
