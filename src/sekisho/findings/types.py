"""The finding, the campaign that made it, and what the campaign did not look at: values that cannot be malformed.

A finding names code, not people: paths are relative to the root that was hunted, so a report tells
nothing of the machine it was made on. Texts are NFC without control characters: they are shown in terminals,
pages and documents, where an escape sequence taken from hostile source code would be an attack.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sekisho.core.ids import AssetId, CampaignId, FindingId
from sekisho.findings.errors import FindingRefused

# A sink's expression, a sentence or a path; an engine's adapter cuts what is longer.
MAX_TEXT = 1_000
# A data flow longer than this is not one a person follows. With the limits below and four bytes a character, the
# largest finding stays within the 1 MiB that strict JSON is read up to.
MAX_FLOW_STEPS = 50
MAX_GUARDS = 10
MAX_PRECONDITIONS = 10
MAX_VERDICTS = 10
# GitHub takes 25,000 results a run; a campaign above that is a broken rule, not a report.
MAX_FINDINGS = 25_000
# CPython, its tests included, has about 2,500 files.
MAX_FILES = 50_000

_ID_BODY = r"[0-9a-z]{26}"
_ASSET_ID = re.compile(rf"ast_{_ID_BODY}", re.ASCII)
_CAMPAIGN_ID = re.compile(rf"cmp_{_ID_BODY}", re.ASCII)
_FINDING_ID = re.compile(rf"fnd_{_ID_BODY}", re.ASCII)
_RULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}", re.ASCII)
_CWE = re.compile(r"CWE-[1-9][0-9]{0,4}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SUFFIX = re.compile(r"\.[a-z0-9_+-]{1,20}", re.ASCII)


class Severity(Enum):
    """How bad it is if the finding is true, before anything is known of the place it runs in."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low up to 3 for critical, for ordering and thresholds."""
        return list(Severity).index(self)


class Confidence(Enum):
    """How sure the engine is that the flow exists."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low up to 2 for high."""
        return list(Confidence).index(self)


class State(Enum):
    """Where a finding stands; `findings.states` says which steps there are."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    FIXED = "fixed"


class StateReason(Enum):
    """Why a finding left the open state. Each belongs to exactly one state."""

    REPRODUCED = "reproduced"
    REVIEWED = "reviewed"
    PUBLISHED = "published"
    FALSE_POSITIVE = "false-positive"
    NOT_REACHABLE = "not-reachable"
    RISK_ACCEPTED = "risk-accepted"
    PATCHED = "patched"
    UPGRADED = "upgraded"


class Outcome(Enum):
    """What a verifier says of a finding it was shown."""

    UPHELD = "upheld"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


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
class Engine:
    """What looked: an engine, or a verifier, and its version."""

    name: str
    version: str

    def __post_init__(self) -> None:
        _require(_NAME.fullmatch(self.name), "an engine has a name")
        _require(_NAME.fullmatch(self.version), "an engine has a version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in the hunted code. `line` and `column` count from 1; `function` is qualified, "" at module level."""

    path: str
    line: int
    column: int
    function: str

    def __post_init__(self) -> None:
        check_path(self.path)
        _check_position(self.line)
        _check_position(self.column)
        check_text(self.function)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step from source to sink: where, the code there in one line, and why the engine went on."""

    path: str
    line: int
    expression: str
    why: str

    def __post_init__(self) -> None:
        check_path(self.path)
        _check_position(self.line)
        check_text(self.expression)
        check_text(self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A verifier's outcome on a finding: it saw the claim and the code, never the finder's reasoning."""

    judge: Engine
    outcome: Outcome
    reason: str
    at: datetime

    def __post_init__(self) -> None:
        check_text(self.reason)
        _check_time(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A claim that code is vulnerable. `fingerprint` survives edits elsewhere in the file: 64 hex digits.

    `flow` runs from source to sink; `guards` are checks that it passes, each with why it does not hold;
    `preconditions` say what must be true for the severity to be deserved.
    """

    id: FindingId
    campaign_id: CampaignId
    asset_id: AssetId | None
    rule_id: str
    cwe: str
    title: str
    severity: Severity
    confidence: Confidence
    location: Location
    flow: tuple[FlowStep, ...]
    engine: Engine
    fingerprint: str
    found_at: datetime
    guards: tuple[FlowStep, ...] = ()
    preconditions: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    state: State = State.OPEN
    state_reason: StateReason | None = None

    def __post_init__(self) -> None:
        _require(_FINDING_ID.fullmatch(self.id), "a finding has an id fnd_…")
        _check_owner(self.campaign_id, self.asset_id)
        _require(_RULE_ID.fullmatch(self.rule_id), "a finding names its rule")
        _require(_CWE.fullmatch(self.cwe), "a weakness is written CWE-22")
        _require(self.title, "a finding has a title")
        check_text(self.title)
        _require(len(self.flow) <= MAX_FLOW_STEPS, f"a flow has at most {MAX_FLOW_STEPS} steps")
        _require(len(self.guards) <= MAX_GUARDS, f"a finding has at most {MAX_GUARDS} guards")
        _require(len(self.preconditions) <= MAX_PRECONDITIONS, f"at most {MAX_PRECONDITIONS} preconditions")
        for precondition in self.preconditions:
            check_text(precondition)
        _require(len(self.verdicts) <= MAX_VERDICTS, f"a finding has at most {MAX_VERDICTS} verdicts")
        check_digest(self.fingerprint)
        _check_time(self.found_at)
        _require((self.state is State.OPEN) == (self.state_reason is None), "every state but open has its reason")


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
        _require(_SUFFIX.fullmatch(self.suffix), "a suffix is written .js")
        _check_position(self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at and what was not, each list in order of path."""

    analyzed: tuple[FileRead, ...]
    not_analyzed: tuple[NotAnalyzed, ...]
    other_files: tuple[OtherFiles, ...]

    def __post_init__(self) -> None:
        _require(len(self.analyzed) <= MAX_FILES, f"a campaign reads at most {MAX_FILES} files")


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
        _check_owner(self.id, self.asset_id)
        _require(self.target, "a campaign names its target")
        check_text(self.target)
        _require(self.engines, "a campaign names its engines")
        _check_time(self.started_at)
        _check_time(self.finished_at)
        _require(self.started_at <= self.finished_at, "a campaign ends after it starts")
        _require(len(self.findings) <= MAX_FINDINGS, f"a campaign has at most {MAX_FINDINGS} findings")
        mine = {(finding.campaign_id, finding.asset_id) for finding in self.findings}
        _require(mine <= {(self.id, self.asset_id)}, "a finding belongs to another campaign or asset")
        for key in ("id", "fingerprint"):
            seen = {getattr(finding, key) for finding in self.findings}
            _require(len(seen) == len(self.findings), f"two findings share their {key}")


def check_text(text: str) -> None:
    """Raise FindingRefused unless `text` is NFC, of at most MAX_TEXT characters, none of them a control."""
    _require(len(text) <= MAX_TEXT, f"a text has at most {MAX_TEXT} characters")
    _require(unicodedata.is_normalized("NFC", text), "text is NFC")
    _require(not has_controls(text), "text has no control characters")


def has_controls(text: str) -> bool:
    """Say whether `text` holds control, format, surrogate or line-separator characters (Cc, Cf, Cs, Zl, Zp).

    Cf covers the bidirectional overrides, with which a line of code reads otherwise than it runs.
    """
    return any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text)


def check_path(path: str) -> None:
    """Raise FindingRefused unless `path` is relative, in POSIX form, and stays below its root."""
    check_text(path)
    parts = path.split("/")
    _require("" not in parts and "." not in parts and ".." not in parts, "a path is relative and plain")
    _require("\\" not in path, "a path has no backslash")


def check_digest(text: str) -> None:
    """Raise FindingRefused unless `text` is 64 lower-case hex digits."""
    _require(_DIGEST.fullmatch(text), "a digest is 64 hex digits")


def _check_owner(campaign_id: str, asset_id: str | None) -> None:
    _require(_CAMPAIGN_ID.fullmatch(campaign_id), "a campaign has an id cmp_…")
    _require(asset_id is None or _ASSET_ID.fullmatch(asset_id), "an asset has an id ast_…")


def _check_position(number: int) -> None:
    _require(1 <= number < 2**31, "lines, columns and counts start at 1")


def _check_time(at: datetime) -> None:
    _require(at.utcoffset() == timedelta(0), "times are aware UTC")


def _require(fact: object, law: str) -> None:
    if not fact:
        raise FindingRefused(law)
