"""What access refuses."""

from typing import ClassVar

from sekisho.core import REASONS, Reason, SekishoError
from sekisho.core.ids import GrantId


class Denied(SekishoError):
    """A call is not permitted. `reason` is what the caller is told; `grant_id` the grant that came nearest, if any."""

    code: ClassVar[str] = "SKS-ACCESS-001"

    def __init__(self, reason: Reason, *, grant_id: GrantId | None = None) -> None:
        super().__init__(f"{reason.value}: {REASONS[reason].en}", hint=REASONS[reason].change_en)
        self.reason = reason
        self.grant_id = grant_id


class SnapshotRefused(SekishoError):
    """The text is not a snapshot, or one that contradicts itself."""

    code: ClassVar[str] = "SKS-ACCESS-002"
    hint = "Gate and control plane must be of the same release; restart the older one."


class GrantRefused(SekishoError):
    """The grant is signed, but names somebody or something that it cannot be given to."""

    code: ClassVar[str] = "SKS-ACCESS-003"
    hint = "All principals and assets of a grant are the institution's own, and the accord admits its kind."


class NotInForce(SekishoError):
    """No accord or grant of this id is in force here."""

    code: ClassVar[str] = "SKS-ACCESS-004"
    hint = "Submit the accord first, then the grant; `sekisho grant list` shows what is in force."


class DocumentConflict(SekishoError):
    """Another document with this id was accepted before."""

    code: ClassVar[str] = "SKS-ACCESS-005"
    hint = "What is in force is never replaced: give the new document an id of its own."


class HoldRenewed(SekishoError):
    """One party alone would stop the same thing for longer than the charter's term."""

    code: ClassVar[str] = "SKS-ACCESS-006"
    hint = "One party stops for one term, then leaves free for as long. Ask another party, or revoke."


class DocumentTooLarge(SekishoError):
    """The document does not fit into the ledger, where everybody must be able to see who signed it."""

    code: ClassVar[str] = "SKS-ACCESS-007"
    hint = "Split the grant, and remove signatures of keys that the charter does not list."
