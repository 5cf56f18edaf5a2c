"""What the calls logs show of one accord: each call under it, held against what was decided.

`ledger.claims.Calls` judges each entry as verification does. Here are added the accord's own terms, and the times: a
gate that says it knew of no revocation hours after it was recorded is held to the writers' clocks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from sekisho.core import Reason
from sekisho.ledger.audit.budgets import Budgets
from sekisho.ledger.audit.decided import Decided, weigh
from sekisho.ledger.audit.sheets import drain, mark_of
from sekisho.ledger.audit.types import ClauseKind, Ground, Mark
from sekisho.ledger.claims import Calls, EntryReader
from sekisho.ledger.entries import Entry, EntryKind
from sekisho.ledger.permits import MAX_CLOCK_DIFFERENCE
from sekisho.ledger.report import Notebook
from sekisho.trust import Accord

# A denial under a grant of the accord shows the control at work that gave this reason.
_SHOWN_BY_DENIAL: Final = {
    Reason.PERSON_SUSPENDED: ClauseKind.HOLDS,
    Reason.INSTITUTION_SUSPENDED: ClauseKind.HOLDS,
    Reason.GRANT_ON_HOLD: ClauseKind.HOLDS,
    Reason.LAB_ON_HOLD: ClauseKind.HOLDS,
    Reason.MODEL_ON_HOLD: ClauseKind.HOLDS,
    Reason.CUT_BY_HOLD: ClauseKind.HOLDS,
    Reason.GRANT_REVOKED: ClauseKind.REVOCATIONS,
    Reason.SNAPSHOT_STALE: ClauseKind.JUDGED,
    Reason.ASSET_UNDECLARED: ClauseKind.SCOPE,
    Reason.ASSET_OUT_OF_SCOPE: ClauseKind.SCOPE,
    Reason.WINDOW_CLOSED: ClauseKind.SCOPE,
    Reason.TECHNIQUE_NOT_GRANTED: ClauseKind.TECHNIQUES,
    Reason.BUDGET_SPENT: ClauseKind.BUDGETS,
}
_BY_CODE: Final = {reason.value: clause for reason, clause in _SHOWN_BY_DENIAL.items()}
# What verification objects to in an intent, by the clause that it speaks against.
_CLAUSE_OF: Final = {
    Ground.GRANT_UNKNOWN: ClauseKind.GRANTS,
    Ground.OUT_OF_SCOPE: ClauseKind.SCOPE,
    Ground.AFTER_REVOCATION: ClauseKind.REVOCATIONS,
    Ground.ON_HOLD: ClauseKind.HOLDS,
    Ground.SNAPSHOT_UNKNOWN: ClauseKind.JUDGED,
    Ground.SNAPSHOT_STALE: ClauseKind.JUDGED,
}
# Clauses that every call under the accord shows, unless it speaks against them.
_SHOWN_BY_CALL: Final = (
    ClauseKind.LAB,
    ClauseKind.MODELS,
    ClauseKind.TECHNIQUES,
    ClauseKind.VALID,
    ClauseKind.SCOPE,
    ClauseKind.JUDGED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call under this accord that waits for its outcome."""

    mark: Mark
    grant: str


@dataclass(slots=True)
class Called:
    """Collects what one calls log says of the accord. `take` every entry in order, then `finish`."""

    log: str
    accord: Accord
    decided: Decided
    budgets: Budgets
    decisions_size: int
    _notebook: Notebook = field(default_factory=Notebook)
    _calls: Calls = field(init=False)
    _open: dict[int, _Call] = field(default_factory=dict)
    _carried: bool = False

    def __post_init__(self) -> None:
        reader = EntryReader(self.log, self._notebook, is_calls_log=True)
        self._calls = Calls(reader=reader, decisions=self.decided.decisions, decisions_size=self.decisions_size)

    def take(self, index: int, entry: Entry) -> None:
        """Take the entry at `index` of this log."""
        self._calls.take(index, entry)
        grounds, mark = drain(self._notebook), mark_of(self.log, index, entry)
        match entry.kind:
            case EntryKind.CALL_INTENDED:
                if self._is_ours(entry):
                    self._take_intent(mark, entry, grounds)
            case EntryKind.CALL_ANSWERED:
                self._take_answer(mark, entry, grounds)
            case EntryKind.CALL_DENIED:
                if entry.body["grant"] in self.decided.grants:
                    self._show(mark, str(entry.body["reason"]))
            case _:
                pass

    def suspects(self) -> frozenset[int]:
        """Return what `take_repeated` asks for, or nothing: then no request of this log was intended twice."""
        return self._calls.suspects()

    def take_repeated(self, suspects: frozenset[int], entries: Iterable[tuple[int, Entry]]) -> None:
        """Take all `entries` of this log once more, and write down each request that was intended before."""
        self._calls.note_repeated(suspects, self._watched(entries))

    def _watched(self, entries: Iterable[tuple[int, Entry]]) -> Iterator[tuple[int, Entry]]:
        """Yield the intents, and after each one take what was noted of it."""
        for index, entry in entries:
            if entry.kind is EntryKind.CALL_INTENDED:
                yield index, entry
                if drain(self._notebook) and self._is_ours(entry):
                    mark = mark_of(self.log, index, entry, Ground.REQUEST_REPEATED)
                    self.decided.sheets[ClauseKind.RECORD].against.add(mark)

    def finish(self) -> None:
        """Write down the calls that have no outcome: they may be under way, and what they cost is not known."""
        for call in self._open.values():
            self.decided.sheets[ClauseKind.RECORD].open.add(replace(call.mark, ground=Ground.NO_OUTCOME))

    def _is_ours(self, intent: Entry) -> bool:
        """Say whether a call is under this accord: by its grant; by lab and model, if nobody issued its grant."""
        grant = intent.body["grant"]
        if grant in self.decided.grants or grant in self.decided.foreign_grants:
            return grant in self.decided.grants
        return intent.body["lab"] == self.accord.lab and intent.body["model"] in {m.name for m in self.accord.models}

    def _take_intent(self, mark: Mark, intent: Entry, grounds: frozenset[Ground]) -> None:
        self._carried = True
        grant = str(intent.body["grant"])
        against: dict[ClauseKind, set[Ground]] = {kind: set() for kind in _SHOWN_BY_CALL}
        for ground in grounds:
            against.setdefault(_CLAUSE_OF[ground], set()).add(ground)
        for kind, ground in self._objections(grant, intent):
            against.setdefault(kind, set()).add(ground)
        for kind, found in against.items():
            weigh(self.decided.sheets, kind, mark, found)
        self._open[mark.index] = _Call(mark=mark, grant=grant)
        self.budgets.intend(grant, _count(intent, "reserved_tokens"), mark)

    def _objections(self, grant: str, intent: Entry) -> Iterator[tuple[ClauseKind, Ground]]:
        yield from _terms_against(intent, self.accord, self._tier(grant))
        granted = self.decided.grants.get(grant)
        if granted is not None and not granted.is_good:
            yield ClauseKind.GRANTS, Ground.GRANT_REFUSED
        ended = self.decided.revoked.get(grant)
        if ended is not None and intent.at - ended > MAX_CLOCK_DIFFERENCE:
            yield ClauseKind.REVOCATIONS, Ground.AFTER_REVOCATION
        if self._is_stopped(intent):
            yield ClauseKind.HOLDS, Ground.ON_HOLD

    def _tier(self, grant: str) -> str | None:
        granted = self.decided.grants.get(grant)
        return granted.grant.tier if granted is not None and granted.grant is not None else None

    def _is_stopped(self, intent: Entry) -> bool:
        names = ("principal", "institution", "lab", "model", "grant")
        needed = [(name, str(intent.body[name])) for name in names]
        stops = (
            stop for target in (*needed, ("accord", self.accord.id)) for stop in self.decided.stops.get(target, ())
        )
        return any(intent.at - stop.mark.at > MAX_CLOCK_DIFFERENCE and intent.at < stop.lapses_at for stop in stops)

    def _take_answer(self, mark: Mark, answer: Entry, grounds: frozenset[Ground]) -> None:
        record = self.decided.sheets[ClauseKind.RECORD]
        if grounds:
            # Whose call it would be cannot be told: it speaks against every accord whose calls this log carried.
            if self._carried:
                record.against.add(replace(mark, ground=Ground.ANSWER_WITHOUT_INTENT))
            return
        call = self._open.pop(_count(answer, "intent_index"), None)
        if call is not None:
            record.shows.add(mark)
            self._show(mark, str(answer.body["outcome"]))
            self.budgets.settle(call.grant, call.mark, mark, answer)

    def _show(self, mark: Mark, reason: str) -> None:
        if (kind := _BY_CODE.get(reason)) is not None:
            self.decided.sheets[kind].shows.add(mark)


def _terms_against(intent: Entry, accord: Accord, tier: str | None) -> Iterator[tuple[ClauseKind, Ground]]:
    """Yield which of the accord's own terms the call is outside of. `tier`: its grant's; None if that is not known."""
    body = intent.body
    if body["lab"] != accord.lab:
        yield ClauseKind.LAB, Ground.OTHER_LAB
    if not any(model.name == body["model"] and tier in (None, model.tier) for model in accord.models):
        yield ClauseKind.MODELS, Ground.OTHER_MODEL
    if body["technique"] not in accord.techniques:
        yield ClauseKind.TECHNIQUES, Ground.OTHER_TECHNIQUE
    # Judged a moment before it was written down: the accord may have closed between the two.
    if intent.at < accord.valid.opens or intent.at - accord.valid.closes >= MAX_CLOCK_DIFFERENCE:
        yield ClauseKind.VALID, Ground.OTHER_TIME


def _count(entry: Entry, name: str) -> int:
    # `decode_entry` has checked the shape.
    return int(str(entry.body[name]))
