"""A ledger to audit, written with the logs' own keys: by an honest office and gate, or by a dishonest one."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sekisho.core.ids import HoldId
from sekisho.ledger import Entry, EntryKind
from sekisho.ledger.audit import Audit, ClauseKind, Ruling, audit_ledger

QUORUM = ("lab-a", "home-gov")
ACCORD = "acc_1"
CONDITION = "Only code that the institution owns; no <b>bold</b> claims | 画面."


class Rig:
    """Writes a ledger entry by entry; `settle` closes it, `audit` audits it."""

    def __init__(self, office: Any) -> None:
        self.office = office
        self.programme = office.programme
        self.office.accord = replace(office.accord, conditions=(CONDITION,))
        self.decisions = self.programme.log("decisions")
        self.calls = self.programme.log("calls/gate-0")
        self.requests = 0
        self._is_opened = False

    @property
    def ledger(self) -> Path:
        return Path(self.programme.ledger)

    def decide(self, *entries: Entry) -> None:
        for entry in entries:
            self.decisions.append(entry).result()

    def enrolment(self, kind: str = "bank") -> Entry:
        return self.programme.entry(
            EntryKind.INSTITUTION_ENROLLED, institution="ins_1", lei="0" * 20, institution_kind=kind
        )

    def belongings(self, owner: str = "ins_1") -> tuple[Entry, Entry]:
        return (
            self.programme.entry(
                EntryKind.PRINCIPAL_ENROLLED, principal="per_1", institution=owner, principal_kind="person", jkt="j"
            ),
            self.programme.entry(EntryKind.ASSET_DECLARED, asset="ast_1", institution="ins_1", asset_kind="repository"),
        )

    def accord(self, *parties: str) -> Entry:
        return self.office.bringing(*(parties or QUORUM))

    def grant(self, *parties: str, **changed: Any) -> Entry:
        return self.office.issuing(*(parties or QUORUM), **changed)

    def snapshot(self, version: int = 1) -> Entry:
        return self.programme.snapshot(version)

    def opening(self) -> Entry:
        self._is_opened = True
        return self.programme.opening()

    def begin(self) -> "Rig":
        """Everything that a call needs, in an honest office's order."""
        self.decide(self.office.pinning(), self.accord(), self.enrolment(), *self.belongings(), self.grant())
        self.decide(self.opening(), self.snapshot())
        return self

    def intend(self, *, later: timedelta = timedelta(0), **changed: Any) -> int:
        """A call that the gate let through; `later`: than the clock."""
        self.requests += 1
        ids = {"institution": "ins_1", "principal": "per_1", "grant": "grt_1", "asset": "ast_1"}
        intent = self.programme.intent(self.decisions.head(), f"req-{self.requests}", **(ids | changed))
        return int(self.calls.append(replace(intent, at=intent.at + later)).result())

    def answer(self, index: int, **changed: Any) -> int:
        return int(self.calls.append(self.programme.answer(index, f"req-{self.requests}", **changed)).result())

    def call(self, *, later: timedelta = timedelta(0), **changed: Any) -> int:
        """An intent and its outcome; return the index of the intent."""
        index = self.intend(later=later, **changed)
        self.answer(index)
        return index

    def deny(self, reason: str) -> int:
        body = {"request_id": "req-denied", "reason": reason, "institution": "ins_1", "principal": "per_1"}
        return int(self.calls.append(self.programme.entry(EntryKind.CALL_DENIED, **body, grant="grt_1")).result())

    def hold(self, *, term: timedelta = timedelta(days=1), name: str = "hld_1") -> Entry:
        return self.office.holding("lab-b", id=HoldId(name), lapses_at=self.office.at + term)

    def settle(self) -> "Rig":
        """Put everything on disk, the calls log anchored."""
        self.calls.close()
        if self._is_opened:
            self.decide(self.programme.anchor(self.calls.head()))
        else:
            shutil.rmtree(self.ledger / "calls")
        self.decisions.close()
        return self

    def audit(self, accord: str = ACCORD) -> Audit:
        return audit_ledger(self.ledger, accord, self.office.pinned())

    def ruling(self, kind: ClauseKind) -> Ruling:
        """Settle, audit, and return the ruling on `kind`."""
        return next(r for r in self.settle().audit().rulings if r.clause.kind is kind)


@pytest.fixture
def rig(office: Any) -> Rig:
    """An empty ledger, its logs open."""
    return Rig(office)
