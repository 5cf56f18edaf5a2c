"""All kinds of document by one name, for those who sign or show them without putting them in force."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias

from sekisho.formats.dsse import Envelope
from sekisho.trust.accord import Accord, read_accord
from sekisho.trust.charter import Charter, read_charter
from sekisho.trust.errors import DocumentRefused
from sekisho.trust.grant import Grant, read_grant
from sekisho.trust.hold import Hold, read_hold, require_placer
from sekisho.trust.quorum import require_quorum
from sekisho.trust.revocation import Revocation, read_revocation

Document: TypeAlias = Charter | Accord | Grant | Hold | Revocation

READERS: Final[Mapping[str, Callable[[Envelope], Document]]] = MappingProxyType(
    {
        "charter": read_charter,
        "accord": read_accord,
        "grant": read_grant,
        "hold": read_hold,
        "revocation": read_revocation,
    }
)


def read_document(envelope: Envelope) -> Document:
    """Return the document in `envelope`, of any kind, its signatures NOT verified. Raises TrustRefused."""
    if envelope.kind not in READERS:
        raise DocumentRefused(f"not a kind of document: {envelope.kind}")
    return READERS[envelope.kind](envelope)


def require_signed(envelope: Envelope, charter: Charter, *, at: datetime) -> frozenset[str]:
    """Return the signers of `envelope` if they are those whom its kind needs under `charter`, or raise.

    Whether it is valid now and lies within its accord is for `open_*` to say. A charter is judged by its own rule.
    """
    match read_document(envelope):
        case Hold() as hold:
            return require_placer(envelope, hold, charter, at=at)
        case Accord(lab=lab) | Grant(lab=lab) | Revocation(lab=lab):
            return require_quorum(envelope, charter, lab=lab, at=at)
        case Charter() as own:
            return require_quorum(envelope, own, lab=None, at=at)
