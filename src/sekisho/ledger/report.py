"""What verification found: a value that prints as JSON and holds no content of entries beyond ids."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

# A ledger damaged on purpose may hold a million faults; the first hundred say enough, the count says the rest.
MAX_LISTED: Final = 100


class Trust(Enum):
    """Whose key the ledger was verified with: the charter's, one that the policy lists, or the one beside the log."""

    PINNED = "pinned"
    LISTED = "listed"
    SELF_CONSISTENT = "self-consistent"


class Fault(Enum):
    """The closed list of what can be wrong; the value is the stable code."""

    FILE_UNKNOWN = "file-unknown"
    FILE_MISSING = "file-missing"
    FILE_DIFFERS = "file-differs"
    FILE_AHEAD = "file-ahead"
    KEY_DIFFERS = "key-differs"
    CHECKPOINT_REFUSED = "checkpoint-refused"
    POLICY_UNMET = "policy-unmet"
    ROOT_DIFFERS = "root-differs"
    ENTRY_REFUSED = "entry-refused"
    ENTRY_MISPLACED = "entry-misplaced"
    LOG_UNKNOWN = "log-unknown"
    LOG_MISSING = "log-missing"
    LOG_REOPENED = "log-reopened"
    LOG_SHRANK = "log-shrank"
    ANCHOR_DIFFERS = "anchor-differs"
    DECISIONS_DIFFER = "decisions-differ"
    CHARTER_DIFFERS = "charter-differs"
    DOCUMENT_MISSING = "document-missing"
    DOCUMENT_REFUSED = "document-refused"
    DOCUMENT_DIFFERS = "document-differs"
    SNAPSHOT_UNKNOWN = "snapshot-unknown"
    SNAPSHOT_STALE = "snapshot-stale"
    GRANT_UNKNOWN = "grant-unknown"
    CALLED_AFTER_REVOCATION = "called-after-revocation"
    CALLED_OUT_OF_SCOPE = "called-out-of-scope"
    CALLED_ON_HOLD = "called-on-hold"
    REQUEST_REPEATED = "request-repeated"
    ANSWER_WITHOUT_INTENT = "answer-without-intent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong. `where`: a file or an entry, named from the ledger's folder."""

    fault: Fault
    where: str
    message: str

    def to_dict(self) -> dict[str, str]:
        return {"code": self.fault.value, "where": self.where, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """An intent without an outcome: a call under way, or one whose outcome was lost. Visible, and not a fault."""

    log: str
    index: int
    request_id: str

    def to_dict(self) -> dict[str, Any]:
        return {"log": self.log, "index": self.index, "request_id": self.request_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """One log: what its checkpoint says and how many entries of each kind it holds.

    `anchored_size`: the size of the last checkpoint of this calls log that the decisions log recorded. `cosigned`: the
    witnesses of the policy that cosigned the checkpoint, each with its time in POSIX seconds (0: it said none).
    """

    log: str
    origin: str
    vkey: str
    size: int
    root: bytes
    counts: tuple[tuple[str, int], ...]
    anchored_size: int | None = None
    cosigned: tuple[tuple[str, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "log": self.log,
            "origin": self.origin,
            "vkey": self.vkey,
            "size": self.size,
            "root": base64.b64encode(self.root).decode(),
            "counts": dict(self.counts),
            "anchored_size": self.anchored_size,
            "cosigned": [{"witness": witness, "time_s": time_s} for witness, time_s in self.cosigned],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of one verification. Of problems and gaps the first hundred are listed, all are counted.

    `fault_counts`: how many problems there are of each fault, listed or not.
    """

    trust: Trust
    logs: tuple[LogReport, ...]
    problems: tuple[Problem, ...]
    problem_count: int
    gaps: tuple[Gap, ...]
    gap_count: int
    fault_counts: tuple[tuple[Fault, int], ...] = ()

    @property
    def is_verified(self) -> bool:
        """Whether nothing is wrong. A caller that must not go on otherwise looks at this, and prints the problems."""
        return self.problem_count == 0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as the JSON that `sekisho ledger verify --json` prints."""
        return {
            "verified": self.is_verified,
            "trust": self.trust.value,
            "logs": [log.to_dict() for log in self.logs],
            "problems": [problem.to_dict() for problem in self.problems],
            "problem_count": self.problem_count,
            "fault_counts": {fault.value: count for fault, count in self.fault_counts},
            "gaps": [gap.to_dict() for gap in self.gaps],
            "gap_count": self.gap_count,
        }


@dataclass(slots=True)
class Notebook:
    """Where the checks write down what they find while they go."""

    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    fault_counts: Counter[Fault] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    gap_count: int = 0

    def add(self, fault: Fault, where: str, message: str) -> None:
        self.problem_count += 1
        self.fault_counts[fault] += 1
        if self.problem_count <= MAX_LISTED:
            self.problems.append(Problem(fault=fault, where=printable(where), message=printable(message)))

    def add_gaps(self, log: str, open_intents: Iterator[tuple[int, str]]) -> None:
        for index, request_id in open_intents:
            self.gap_count += 1
            if self.gap_count <= MAX_LISTED:
                self.gaps.append(Gap(log=log, index=index, request_id=printable(request_id)))

    def report(self, trust: Trust, logs: Sequence[LogReport]) -> Report:
        """Return what was noted, with what was read."""
        return Report(
            trust=trust,
            logs=tuple(logs),
            problems=tuple(self.problems),
            problem_count=self.problem_count,
            gaps=tuple(self.gaps),
            gap_count=self.gap_count,
            fault_counts=tuple(sorted(self.fault_counts.items(), key=lambda item: item[0].value)),
        )


def printable(text: str) -> str:
    """Return `text` with what a terminal would obey written out: names and ids may be a stranger's."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
