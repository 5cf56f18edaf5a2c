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
