"""The values of an audit: clauses, what the log shows of each, and what that comes to.

Three values and no more. A clause is *met* if an entry shows it and none speaks against it, *not met* if one entry
speaks against it, and *not shown* otherwise. Over several clauses this is Kleene's strong conjunction: one that is not
met decides; else one that is not shown does.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

from sekisho.core import format_utc

# Of each clause's entries so many are listed, and the last one; all are counted.
MAX_LISTED: Final = 20


class Result(Enum):
    """What the log says of a clause."""

    MET = "met"
    NOT_MET = "not-met"
    NOT_SHOWN = "not-shown"


class ClauseKind(Enum):
    """The closed list of what an accord can ask, with what the charter asks of everything under it."""

    QUORUM = "quorum"
    LAB = "lab"
    MODELS = "models"
    KINDS = "kinds"
    TECHNIQUES = "techniques"
    VALID = "valid"
    CONDITION = "condition"
    GRANTS = "grants"
    BELONGING = "belonging"
    SCOPE = "scope"
    BUDGETS = "budgets"
    REVOCATIONS = "revocations"
    HOLDS = "holds"
    JUDGED = "judged"
    RECORD = "record"


class Ground(Enum):
    """The closed list of why an entry speaks against a clause, or leaves it open."""

    DOCUMENT_MISSING = "document-missing"
    DOCUMENT_REFUSED = "document-refused"
    DOCUMENT_DIFFERS = "document-differs"
    GRANT_UNKNOWN = "grant-unknown"
    GRANT_REFUSED = "grant-refused"
    OTHER_LAB = "other-lab"
    OTHER_MODEL = "other-model"
    OTHER_KIND = "other-kind"
    OTHER_TECHNIQUE = "other-technique"
    OTHER_TIME = "other-time"
    OTHER_OWNER = "other-owner"
    OUT_OF_SCOPE = "out-of-scope"
    TOKENS_OVER = "tokens-over"
    CALLS_OVER = "calls-over"
    AFTER_REVOCATION = "after-revocation"
    ON_HOLD = "on-hold"
    SNAPSHOT_UNKNOWN = "snapshot-unknown"
    SNAPSHOT_STALE = "snapshot-stale"
    REQUEST_REPEATED = "request-repeated"
    ANSWER_WITHOUT_INTENT = "answer-without-intent"
    # These leave a clause open.
    NO_OUTCOME = "no-outcome"
    NOT_ENROLLED = "not-enrolled"


class Limit(Enum):
    """The closed list of what no ledger can prove."""

    UNGATED = "ungated"
    LOGS_NOT_GIVEN = "logs-not-given"
    IDENTITY = "identity"
    LAB_CONDUCT = "lab-conduct"
    CONTENT = "content"
    USAGE = "usage"
    TIMES = "times"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One thing that the accord asks. `terms`: its own values; for a condition the one sentence."""

    kind: ClauseKind
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One entry, and, where it does not speak for the clause, why. `at`: by its writer's clock."""

    log: str
    index: int
    kind: str
    at: datetime
    ground: Ground | None = None

    def to_dict(self) -> dict[str, Any]:
        said = {"log": self.log, "index": self.index, "kind": self.kind, "at": format_utc(self.at)}
        return said if self.ground is None else {**said, "ground": self.ground.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Entries on one side of a clause: all counted, the first MAX_LISTED listed, in the order of reading."""

    count: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    listed: tuple[Mark, ...] = ()
    last: Mark | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "kinds": dict(self.kinds),
            "first": self.listed[0].to_dict() if self.listed else None,
            "last": self.last.to_dict() if self.last else None,
            "listed": [mark.to_dict() for mark in self.listed],
        }


@dataclass(slots=True)
class Tally:
    """Collects evidence while the log is read; its size does not follow the log's."""

    _kinds: Counter[str] = field(default_factory=Counter)
    _listed: list[Mark] = field(default_factory=list)
    _last: Mark | None = None

    def add(self, mark: Mark) -> None:
        self._kinds[mark.kind] += 1
        self._last = mark
        if len(self._listed) < MAX_LISTED:
            self._listed.append(mark)

    def close(self) -> Evidence:
        return Evidence(
            count=self._kinds.total(),
            kinds=tuple(sorted(self._kinds.items())),
            listed=tuple(self._listed),
            last=self._last,
        )


@dataclass(slots=True)
class Sheet:
    """The three sides of one clause while the log is read. `open`: entries that leave it open."""

    shows: Tally = field(default_factory=Tally)
    against: Tally = field(default_factory=Tally)
    open: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What enforces a clause: where in a call's path or in the office, and in which file of this package.

    `step`: DESIGN's number of the step of a call; 0 where it is not a step of a call.
    """

    step: int
    en: str
    ja: str
    file: str

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step or None, "en": self.en, "ja": self.ja, "file": self.file}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One clause with everything that is said of it."""

    clause: Clause
    controls: tuple[Control, ...]
    shows: Evidence
    against: Evidence
    open: Evidence
    limits: tuple[Limit, ...]
    result: Result

    def to_dict(self) -> dict[str, Any]:
        return {
            "clause": self.clause.kind.value,
            "terms": list(self.clause.terms),
            "controls": [control.to_dict() for control in self.controls],
            "result": self.result.value,
            "shows": self.shows.to_dict(),
            "against": self.against.to_dict(),
            "open": self.open.to_dict(),
            "limits": [limit.value for limit in self.limits],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedLog:
    """A log that was read: its name, size and root, so that two auditors can tell that they read the same."""

    log: str
    size: int
    root: bytes

    def to_dict(self) -> dict[str, Any]:
        return {"log": self.log, "size": self.size, "root": self.root.hex()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """An accord held against a verified ledger.

    `faults`: everything that verification found in what entries say, of this accord or another.
    """

    programme: str
    charter_sha256: str
    accord: str
    accord_sha256: str
    lab: str
    logs: tuple[AuditedLog, ...]
    rulings: tuple[Ruling, ...]
    faults: tuple[tuple[str, int], ...]

    @property
    def result(self) -> Result:
        """The result over all clauses."""
        return conjunction(ruling.result for ruling in self.rulings)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as the JSON that `sekisho ledger audit --json` prints."""
        return {
            "programme": self.programme,
            "charter_sha256": self.charter_sha256,
            "accord": self.accord,
            "accord_sha256": self.accord_sha256,
            "lab": self.lab,
            "result": self.result.value,
            "logs": [log.to_dict() for log in self.logs],
            "clauses": [ruling.to_dict() for ruling in self.rulings],
            "faults": dict(self.faults),
        }


def conjunction(results: Iterable[Result]) -> Result:
    """Return Kleene's strong conjunction of `results`: not met if any is, else not shown if any is, else met."""
    seen = set(results)
    return next((result for result in (Result.NOT_MET, Result.NOT_SHOWN) if result in seen), Result.MET)
