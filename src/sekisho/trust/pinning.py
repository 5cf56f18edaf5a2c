"""Taking a charter as the root: signed by its own parties, by its own rule."""

from dataclasses import dataclass
from datetime import datetime

from sekisho.core import format_utc
from sekisho.formats import dsse
from sekisho.formats.dsse import Envelope
from sekisho.trust.charter import Charter, read_charter
from sekisho.trust.errors import CharterOpensEarly, QuorumNotMet
from sekisho.trust.quorum import require_quorum


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedCharter:
    """A charter that somebody verifies with, and the digest (64 hex digits) that its parties know it by."""

    charter: Charter
    digest: str


def pin_charter(envelope: Envelope, *, at: datetime) -> Charter:
    """Return the charter in `envelope` if its own parties signed it by its own rule and it is in force at `at`.

    There is no accord yet, so any lab of the charter stands for the lab of the rule. A self-signature says that the
    charter is whole, not whose it is: the caller MUST have `envelope.digest` from its parties by another way.
    Steps: (1) its shape; (2) its rule is met at `at`; (3) and when it opens, which is when an auditor judges it, and
    the control plane at each start.
    """
    # (1)
    charter = read_charter(envelope)
    # (2)
    require_quorum(envelope, charter, lab=None, at=at)
    # (3)
    try:
        require_quorum(envelope, charter, lab=None, at=charter.valid.opens)
    except QuorumNotMet as refusal:
        opens = format_utc(charter.valid.opens)
        raise CharterOpensEarly(f"when the charter opens, {opens}, it is {refusal.message}") from refusal
    return charter


def read_pinned_charter(data: bytes) -> PinnedCharter:
    """Return the charter in a file that an auditor was given (a DSSE envelope).

    Judged at the charter's own opening time: an auditor reads a ledger long after the charter has expired, and
    the log that it named is still the log.
    """
    envelope = dsse.decode(data)
    charter = pin_charter(envelope, at=read_charter(envelope).valid.opens)
    return PinnedCharter(charter=charter, digest=envelope.digest)


def read_pinned_ledger_key(data: bytes) -> str:
    """Return the decisions log's verifier key (C2SP vkey text) that `read_pinned_charter` finds in `data`."""
    return read_pinned_charter(data).charter.decisions.vkey
