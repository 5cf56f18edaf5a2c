"""What an analysis gives back: findings with the flow that proves them, and what was not analysed."""

from dataclasses import dataclass
from enum import Enum


class Mode(Enum):
    """Who is taken for the stranger: callers of the public API, or those who reach a framework's entry points."""

    LIBRARY = "library"
    APPLICATION = "application"
    BOTH = "both"


class Severity(Enum):
    """How bad the flow is if its preconditions hold; ordered from worst."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Confidence(Enum):
    """How much of the flow was seen rather than assumed; ordered from surest."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in the source. `line` counts from 1, `column` from 1 in bytes; `function` is qualified in its module."""

    path: str
    line: int
    column: int
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step of a flow: where, which expression (shortened source, spelled from the IR), and why it carries on."""

    location: Location
    expression: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSeen:
    """A check that the flow passes, and why it does not hold."""

    location: Location
    expression: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaintFinding:
    """A flow from a source to a sink that no guard on the way stops.

    `cwe` is the number alone. `location` is the sink; `flow` runs from the source to the sink. `fingerprint`
    (32 hex digits) holds no line number, so that it survives edits elsewhere. `preconditions` say what must be
    true for the severity to be deserved.
    """

    rule_id: str
    cwe: int
    message: str
    severity: Severity
    confidence: Confidence
    mode: Mode
    location: Location
    preconditions: tuple[str, ...]
    flow: tuple[FlowStep, ...]
    guards: tuple[GuardSeen, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnalyzed:
    """A file, or a part of one, that was not analysed, and why. Never silent: a gap is a result."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The result: findings ordered by path, line, column and rule; gaps ordered by path; what was read."""

    findings: tuple[TaintFinding, ...]
    not_analyzed: tuple[NotAnalyzed, ...]
    files: int
    lines: int
