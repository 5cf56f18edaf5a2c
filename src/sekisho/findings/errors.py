"""What can go wrong with a finding."""

from typing import ClassVar

from sekisho.core.errors import SekishoError


class FindingRefused(SekishoError):
    """A value or a JSON text is not a finding, or not a campaign, of this schema."""

    code: ClassVar[str] = "SKS-FINDINGS-001"
    hint = "Send what `sekisho hunt --format json` wrote, unchanged."


class StateRefused(SekishoError):
    """A finding cannot pass from its state to that one, or not for that reason."""

    code: ClassVar[str] = "SKS-FINDINGS-002"
    hint = "docs/findings.md draws the states and lists the reasons each one takes."


class FindingUnknown(SekishoError):
    """No campaign or finding of this institution has that id."""

    code: ClassVar[str] = "SKS-FINDINGS-003"
    hint = "List the institution's findings to see which ids there are."


class CampaignConflict(SekishoError):
    """A campaign of that id was recorded before with another report, or for another institution."""

    code: ClassVar[str] = "SKS-FINDINGS-004"
    hint = "A recorded campaign is never replaced: hunt again and submit the new report."


class AssetNotTheirs(SekishoError):
    """The asset is another institution's, or not the one that the report is about."""

    code: ClassVar[str] = "SKS-FINDINGS-005"
    hint = "Submit the report for the asset that was hunted, in the name of the institution that declared it."
