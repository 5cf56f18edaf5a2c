"""The campaign: one hunt, what it found, and what it did not look at."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sekisho.core.ids import AssetId, CampaignId
from sekisho.findings.checks import (
    check_digest,
    check_owner,
    check_path,
    check_position,
    check_text,
    check_time,
    require,
)
from sekisho.findings.types import Engine, Finding

# GitHub takes 25,000 results a run; a campaign above that is a broken rule, not a report.
MAX_FINDINGS = 25_000
# CPython, its tests included, has about 2,500 files.
MAX_FILES = 50_000

_SUFFIX = re.compile(r"\.[a-z0-9_+-]{1,20}", re.ASCII)


class Mode(Enum):
    """Which inputs a campaign held to be an attacker's."""

    LIBRARY = "library"
    APPLICATION = "application"
    BOTH = "both"


class Gap(Enum):
    """Why a file, or a part of one, was not looked at."""

    EXCLUDED = "excluded"
    LINK = "link"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    NAME_UNUSABLE = "name-unusable"
    NOT_PARSED = "not-parsed"
    ENGINE_FAILED = "engine-failed"
    ENGINE_LIMIT = "engine-limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRead:
    """A file that was analysed, and the SHA-256 (64 hex digits) of the bytes that were."""

    path: str
    sha256: str

    def __post_init__(self) -> None:
        check_path(self.path)
        check_digest(self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnalyzed:
    """A file or folder (its path ends in `/`), or a part of a file, that was not looked at, and why."""

    path: str
    gap: Gap
    detail: str

    def __post_init__(self) -> None:
        check_path(self.path.removesuffix("/"))
        check_text(self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherFiles:
    """How many files with this suffix (such as `.js`) lay there that no engine reads."""

    suffix: str
    count: int

    def __post_init__(self) -> None:
        require(_SUFFIX.fullmatch(self.suffix), "a suffix is written .js")
        check_position(self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at and what was not, each list in order of path."""

    analyzed: tuple[FileRead, ...]
    not_analyzed: tuple[NotAnalyzed, ...]
    other_files: tuple[OtherFiles, ...]

    def __post_init__(self) -> None:
        require(len(self.analyzed) <= MAX_FILES, f"a campaign reads at most {MAX_FILES} files")


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One hunt over one target: what ran, what it found, what it did not look at.

    `target` is a name for people (a folder's or a release's), never a path of the machine. Each finding
    belongs to this campaign and no fingerprint occurs twice.
    """

    id: CampaignId
    asset_id: AssetId | None
    target: str
    mode: Mode
    engines: tuple[Engine, ...]
    started_at: datetime
    finished_at: datetime
    coverage: Coverage
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        check_owner(self.id, self.asset_id)
        require(self.target, "a campaign names its target")
        check_text(self.target)
        require(self.engines, "a campaign names its engines")
        check_time(self.started_at)
        check_time(self.finished_at)
        require(self.started_at <= self.finished_at, "a campaign ends after it starts")
        require(len(self.findings) <= MAX_FINDINGS, f"a campaign has at most {MAX_FINDINGS} findings")
        mine = {(finding.campaign_id, finding.asset_id) for finding in self.findings}
        require(mine <= {(self.id, self.asset_id)}, "a finding belongs to another campaign or asset")
        for key in ("id", "fingerprint"):
            seen = {getattr(finding, key) for finding in self.findings}
            require(len(seen) == len(self.findings), f"two findings share their {key}")
