"""The finding: one schema, one fingerprint, one set of states, for every engine and every reader.

Values, errors and pure decisions; what touches the database is `sekisho.findings.services`.
"""

from sekisho.findings.campaigns import Campaign, Coverage, FileRead, Gap, Mode, NotAnalyzed, OtherFiles
from sekisho.findings.checks import check_path
from sekisho.findings.codec import (
    campaign_digest,
    campaign_from_json,
    campaign_to_json,
    decode_campaign,
    decode_finding,
    encode_campaign,
    encode_finding,
    finding_from_json,
    finding_to_json,
)
from sekisho.findings.errors import AssetNotTheirs, CampaignConflict, FindingRefused, FindingUnknown, StateRefused
from sekisho.findings.fingerprint import family_of, fingerprint_of
from sekisho.findings.states import REASONS_OF, move
from sekisho.findings.text import clean_path, clean_text
from sekisho.findings.types import (
    Confidence,
    Engine,
    Finding,
    FlowStep,
    Location,
    Outcome,
    Severity,
    State,
    StateReason,
    Verdict,
)

__all__ = [
    "REASONS_OF",
    "AssetNotTheirs",
    "Campaign",
    "CampaignConflict",
    "Confidence",
    "Coverage",
    "Engine",
    "FileRead",
    "Finding",
    "FindingRefused",
    "FindingUnknown",
    "FlowStep",
    "Gap",
    "Location",
    "Mode",
    "NotAnalyzed",
    "OtherFiles",
    "Outcome",
    "Severity",
    "State",
    "StateReason",
    "StateRefused",
    "Verdict",
    "campaign_digest",
    "campaign_from_json",
    "campaign_to_json",
    "check_path",
    "clean_path",
    "clean_text",
    "decode_campaign",
    "decode_finding",
    "encode_campaign",
    "encode_finding",
    "family_of",
    "finding_from_json",
    "finding_to_json",
    "fingerprint_of",
    "move",
]
