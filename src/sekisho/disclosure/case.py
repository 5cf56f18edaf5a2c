"""A disclosure case: what leaves the finder's house is decided from this value, which holds no technical detail.

The finding itself stays with its owner; the case knows its id, what runs it, what to do, and for how long to be
silent. Texts for recipients are in English and Japanese.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sekisho.core.ids import CaseId, FindingId, InstitutionId
from sekisho.disclosure.embargo import Embargo
from sekisho.disclosure.errors import CaseRefused
from sekisho.exposure import Affected
from sekisho.formats import vers

# A page of instructions; more belongs into a document that the notice points to.
MAX_TEXT = 4_000
_CASE_ID = re.compile(r"cas_[0-9a-z]{26}", re.ASCII)
_COMMITMENT = re.compile(r"[0-9a-f]{128}", re.ASCII)


class MitigationKind(Enum):
    """CSAF 2.0 3.2.3.12.1: a workaround avoids the exposure by configuration, a mitigation lessens it."""

    WORKAROUND = "workaround"
    MITIGATION = "mitigation"


class DeadlineKind(Enum):
    """What a clock of a case counts towards."""

    COORDINATOR = "coordinator"
    PUBLICATION = "publication"


# Anthropic's published policy (2026-03-06), which Project Zero's days agree with: silence for 30 days goes to a
# coordinator, publication after 90.
CLOCKS: tuple[tuple[DeadlineKind, timedelta], ...] = (
    (DeadlineKind.COORDINATOR, timedelta(days=30)),
    (DeadlineKind.PUBLICATION, timedelta(days=90)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One statement in English and in Japanese, for people to read. NFC; line breaks are the only controls."""

    en: str
    ja: str

    def __post_init__(self) -> None:
        for text in (self.en, self.ja):
            _require(text.strip(), "a text is given in English and in Japanese")
            _require(len(text) <= MAX_TEXT, f"a text has at most {MAX_TEXT} characters")
            _require(unicodedata.is_normalized("NFC", text), "text is NFC")
            _require(not any(map(_is_control, text)), "text has no control characters but line breaks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mitigation:
    """What a recipient can do before there is a fix, and which of CSAF's two kinds it is."""

    kind: MitigationKind
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a clock of a case runs out; `at` is aware UTC."""

    kind: DeadlineKind
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One flaw, coordinated outside the institution that found it.

    `fixed_version`: None until a release mends it. `basis`: why affected institutions may be told before
    publication; the Japanese rules (METI, IPA, JPCERT/CC and NCO, 2025-09-09) ask for a good reason, so no case
    opens without it. `commitment`: SHA3-512 of the finding, 128 hex digits.
    """

    id: CaseId
    finding_id: FindingId
    owner: InstitutionId
    affected: Affected
    fixed_version: str | None
    mitigation: Mitigation
    basis: Text
    embargo: Embargo
    opened_at: datetime
    commitment: str

    def __post_init__(self) -> None:
        _require(_CASE_ID.fullmatch(self.id), "a case has an id cas_…")
        _require(self.owner, "a case has an owner")
        _require(self.fixed_version is None or vers.is_version_text(self.fixed_version), "a fixed version is one word")
        _require(self.opened_at.utcoffset() == timedelta(0), "times are aware UTC")
        _require(_COMMITMENT.fullmatch(self.commitment), "a commitment is 128 hex digits")


def deadlines_of(case: Case) -> tuple[Deadline, ...]:
    """Return the deadlines of `case`, earliest first."""
    deadlines = [Deadline(kind=kind, at=case.opened_at + span) for kind, span in CLOCKS]
    return tuple(sorted(deadlines, key=lambda deadline: deadline.at))


def due(case: Case, *, at: datetime) -> tuple[Deadline, ...]:
    """Return the deadlines of `case` that have passed at `at` (aware UTC), earliest first."""
    return tuple(deadline for deadline in deadlines_of(case) if deadline.at <= at)


def _is_control(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _require(fact: object, law: str) -> None:
    if not fact:
        raise CaseRefused(law)
