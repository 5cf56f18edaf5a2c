"""Coordinated disclosure: cases, embargoes, what may reach whom, commitments, notices, publishers.

Values, errors and pure decisions; what touches the database is `sekisho.disclosure.services`.
"""

from sekisho.disclosure.case import (
    CLOCKS,
    Case,
    Deadline,
    DeadlineKind,
    Mitigation,
    MitigationKind,
    Text,
    deadlines_of,
    due,
)
from sekisho.disclosure.commitment import Commitment, commit, verify_commitment
from sekisho.disclosure.embargo import Embargo, EmbargoState, accept, learn_public, lift, propose, reject
from sekisho.disclosure.errors import (
    CaseRefused,
    CaseUnknown,
    CommitmentRefused,
    DetailLeaks,
    EmbargoRefused,
    NotTheOwner,
    PublishRefused,
    ReleaseRefused,
)
from sekisho.disclosure.notice import Issuer, Notice, NoticeFile, Recipient, build_notice
from sekisho.disclosure.publisher import DirectoryPublisher, Publisher
from sekisho.disclosure.release import WIDEST, Phase, may_release, phase_of, require_release
from sekisho.disclosure.rings import Level, Ring

__all__ = [
    "CLOCKS",
    "WIDEST",
    "Case",
    "CaseRefused",
    "CaseUnknown",
    "Commitment",
    "CommitmentRefused",
    "Deadline",
    "DeadlineKind",
    "DetailLeaks",
    "DirectoryPublisher",
    "Embargo",
    "EmbargoRefused",
    "EmbargoState",
    "Issuer",
    "Level",
    "Mitigation",
    "MitigationKind",
    "NotTheOwner",
    "Notice",
    "NoticeFile",
    "Phase",
    "PublishRefused",
    "Publisher",
    "Recipient",
    "ReleaseRefused",
    "Ring",
    "Text",
    "accept",
    "build_notice",
    "commit",
    "deadlines_of",
    "due",
    "learn_public",
    "lift",
    "may_release",
    "phase_of",
    "propose",
    "reject",
    "require_release",
    "verify_commitment",
]
