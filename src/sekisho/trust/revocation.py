"""The revocation: the quorum ends one grant for good."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sekisho.core import format_utc
from sekisho.core.ids import AccordId, GrantId
from sekisho.formats import jcs
from sekisho.formats.dsse import Envelope
from sekisho.trust.accord import Accord
from sekisho.trust.charter import Charter
from sekisho.trust.errors import OutsideAccord
from sekisho.trust.payload import read_id, read_name, read_payload, read_text, read_time
from sekisho.trust.quorum import require_quorum

KIND: Final = "revocation"
_FIELDS = frozenset({"grant", "accord", "lab", "basis", "revoked_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """The end of a grant. It has no id of its own: a grant ends once.

    `lab`: the accord's. `revoked_at`: when the parties drew it up.
    """

    grant_id: GrantId
    accord_id: AccordId
    lab: str
    basis: str
    revoked_at: datetime


def open_revocation(envelope: Envelope, charter: Charter, accord: Accord, *, at: datetime) -> Revocation:
    """Return the revocation in `envelope` if the quorum of `accord`'s lab signed it. It takes effect when recorded.

    The caller MUST pass the accord on which the grant in question rests: else one lab could end another's grants.
    An accord that has lapsed is no bar, since ending is never too late.
    """
    revocation = read_revocation(envelope)
    if (revocation.accord_id, revocation.lab) != (accord.id, accord.lab):
        raise OutsideAccord(f"a revocation under accord {revocation.accord_id} of {revocation.lab}, not {accord.id}")
    require_quorum(envelope, charter, lab=accord.lab, at=at)
    return revocation


def read_revocation(envelope: Envelope) -> Revocation:
    """Return the revocation in `envelope`, its signatures NOT verified. Raises DocumentRefused."""
    fields = read_payload(envelope, KIND, _FIELDS)
    return Revocation(
        grant_id=GrantId(read_id(fields["grant"], ("grt",), "grant")),
        accord_id=AccordId(read_id(fields["accord"], ("acc",), "accord")),
        lab=read_name(fields["lab"], "lab"),
        basis=read_text(fields["basis"], "basis"),
        revoked_at=read_time(fields["revoked_at"], "revoked_at"),
    )


def revocation_payload(revocation: Revocation) -> dict[str, jcs.Json]:
    """Return `revocation` as `read_revocation` reads it: what parties sign."""
    return {
        "grant": revocation.grant_id,
        "accord": revocation.accord_id,
        "lab": revocation.lab,
        "basis": revocation.basis,
        "revoked_at": format_utc(revocation.revoked_at),
    }
