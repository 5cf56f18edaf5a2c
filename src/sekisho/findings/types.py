"""The finding and its parts: values that cannot be malformed.

A finding names code, not people: paths are relative to the root that was hunted, so a report tells
nothing of the machine it was made on. Texts are NFC without control characters: they are shown in terminals,
pages and documents, where an escape sequence taken from hostile source code would be an attack.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sekisho.core.ids import AssetId, CampaignId, FindingId
from sekisho.findings.checks import (
    check_digest,
    check_owner,
    check_path,
    check_position,
    check_text,
    check_time,
    require,
)

# A data flow longer than this is not one a person follows. With the limits below and four bytes a character, the
# largest finding stays within the 1 MiB that strict JSON is read up to.
MAX_FLOW_STEPS = 50
MAX_GUARDS = 10
MAX_PRECONDITIONS = 10
MAX_VERDICTS = 10

_FINDING_ID = re.compile(r"fnd_[0-9a-z]{26}", re.ASCII)
_RULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}", re.ASCII)
_CWE = re.compile(r"CWE-[1-9][0-9]{0,4}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", re.ASCII)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What looked: an engine, or a verifier, and its version."""

    name: str
    version: str

    def __post_init__(self) -> None:
        require(_NAME.fullmatch(self.name), "an engine has a name")
        require(_NAME.fullmatch(self.version), "an engine has a version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in the hunted code. `line` and `column` count from 1; `function` is qualified, "" at module level."""

    path: str
    line: int
    column: int
    function: str

    def __post_init__(self) -> None:
        check_path(self.path)
        check_position(self.line)
        check_position(self.column)
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
        check_position(self.line)
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
        check_time(self.at)


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
        require(_FINDING_ID.fullmatch(self.id), "a finding has an id fnd_…")
        check_owner(self.campaign_id, self.asset_id)
        require(_RULE_ID.fullmatch(self.rule_id), "a finding names its rule")
        require(_CWE.fullmatch(self.cwe), "a weakness is written CWE-22")
        require(self.title, "a finding has a title")
        check_text(self.title)
        require(len(self.flow) <= MAX_FLOW_STEPS, f"a flow has at most {MAX_FLOW_STEPS} steps")
        require(len(self.guards) <= MAX_GUARDS, f"a finding has at most {MAX_GUARDS} guards")
        require(len(self.preconditions) <= MAX_PRECONDITIONS, f"at most {MAX_PRECONDITIONS} preconditions")
        for precondition in self.preconditions:
            check_text(precondition)
        require(len(self.verdicts) <= MAX_VERDICTS, f"a finding has at most {MAX_VERDICTS} verdicts")
        check_digest(self.fingerprint)
        check_time(self.found_at)
        require((self.state is State.OPEN) == (self.state_reason is None), "every state but open has its reason")
