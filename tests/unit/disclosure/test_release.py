"""Invariant 7: technical detail never reaches an audience ring before its time, whatever happens in between."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sekisho.core.ids import CaseId, FindingId, InstitutionId
from sekisho.disclosure import (
    WIDEST,
    Case,
    Embargo,
    EmbargoRefused,
    EmbargoState,
    Level,
    Mitigation,
    MitigationKind,
    Phase,
    ReleaseRefused,
    Ring,
    Text,
    accept,
    learn_public,
    lift,
    may_release,
    phase_of,
    propose,
    reject,
    require_release,
)
from sekisho.exposure import Affected

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PAGE = Path(__file__).parents[3] / "docs" / "disclosure.md"
days = st.integers(-10, 200).map(lambda n: timedelta(days=n))


def _case(embargo: Embargo) -> Case:
    return Case(
        id=CaseId("cas_" + "0" * 26),
        finding_id=FindingId("fnd_" + "0" * 26),
        owner=InstitutionId("ins_finder"),
        affected=Affected(package="pkg:pypi/starlette", versions=("0.26.1",)),
        fixed_version=None,
        mitigation=Mitigation(kind=MitigationKind.WORKAROUND, text=Text(en="x", ja="x")),
        basis=Text(en="x", ja="x"),
        embargo=embargo,
        opened_at=START,
        commitment="0" * 128,
    )


class EmbargoSequences(RuleBasedStateMachine):
    """Every sequence of what parties and the world can do to an embargo, time passing in between."""

    @initialize()
    def begin(self) -> None:
        self.embargo = Embargo()
        self.at = START
        self.has_ended = False

    @rule(span=days)
    def somebody_proposes(self, span: timedelta) -> None:
        before = self.embargo
        try:
            self.embargo = propose(before, self.at + span, at=self.at)
        except EmbargoRefused:
            assert self.has_ended or not timedelta() < span <= timedelta(days=180) or len(before.proposals) == 32
            return
        assert not self.has_ended
        assert self.embargo.lifts_at == before.lifts_at, "a proposal alone changes no end"

    @rule()
    def the_parties_accept(self) -> None:
        before = self.embargo
        try:
            self.embargo = accept(before, at=self.at)
        except EmbargoRefused:
            assert not before.proposals or min(before.proposals) <= self.at
            return
        assert self.embargo.lifts_at == min(before.proposals), "the shortest proposal wins"
        assert self.embargo.state is EmbargoState.ACTIVE

    @rule()
    def the_parties_reject(self) -> None:
        before = self.embargo
        try:
            self.embargo = reject(before)
        except EmbargoRefused:
            assert not before.proposals
            return
        assert self.embargo.lifts_at == before.lifts_at, "a refused revision leaves the embargo standing"

    @rule()
    def the_embargo_is_lifted(self) -> None:
        try:
            self.embargo = lift(self.embargo)
        except EmbargoRefused:
            assert not self.embargo.state.is_in_force
            return
        self.has_ended = True

    @rule()
    def it_becomes_public(self) -> None:
        self.embargo = learn_public(self.embargo)
        self.has_ended = True
        assert self.embargo.state is EmbargoState.EXITED, "public information ends an embargo at once"

    @rule(span=days)
    def time_passes(self, span: timedelta) -> None:
        self.at += abs(span)

    @invariant()
    def no_detail_before_the_end(self) -> None:
        case = _case(self.embargo)
        for ring in (Ring.AFFECTED, Ring.MEMBERS, Ring.PUBLIC):
            for level in (Level.TECHNICAL, Level.REPRODUCER):
                assert not may_release(level, ring, case) or self.has_ended

    @invariant()
    def the_end_is_final_and_one_embargo_is_active(self) -> None:
        assert (self.embargo.state is EmbargoState.EXITED) is self.has_ended
        assert self.embargo.state.is_in_force is (self.embargo.lifts_at is not None)

    @invariant()
    def a_wider_ring_never_knows_more(self) -> None:
        case = _case(self.embargo)
        for level in Level:
            allowed = [may_release(level, ring, case) for ring in (Ring.AFFECTED, Ring.MEMBERS, Ring.PUBLIC)]
            assert allowed == sorted(allowed, reverse=True)

    @invariant()
    def who_may_know_more_may_know_less(self) -> None:
        case = _case(self.embargo)
        for ring in Ring:
            allowed = [may_release(level, ring, case) for level in Level]
            assert allowed == sorted(allowed, reverse=True)


TestEmbargoSequences = EmbargoSequences.TestCase
TestEmbargoSequences.settings = settings(deadline=None, max_examples=150, stateful_step_count=25)


@pytest.mark.parametrize("state", list(EmbargoState))
def test_the_second_lock_holds_though_the_table_were_wrong(
    state: EmbargoState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 1 stands apart from the table: a slip in it opens nothing."""
    everything = {ring: dict.fromkeys(Phase, Level.REPRODUCER) for ring in Ring}
    monkeypatch.setattr("sekisho.disclosure.release.WIDEST", everything)
    case = _case(_embargo(state))
    wide = [r for r in Ring if r >= Ring.AFFECTED and may_release(Level.TECHNICAL, r, case)]
    assert bool(wide) is (state is EmbargoState.EXITED)


def test_the_affected_get_mitigation_and_fix_under_embargo_and_only_then() -> None:
    """What this project is for: the small bank is told what to do, once silence is agreed on."""
    active = _case(_embargo(EmbargoState.ACTIVE))
    assert may_release(Level.MITIGATION, Ring.AFFECTED, active)
    assert may_release(Level.FIX, Ring.AFFECTED, active)
    assert not may_release(Level.MITIGATION, Ring.MEMBERS, active)
    before = replace(active, embargo=Embargo())
    with pytest.raises(ReleaseRefused, match="mitigation may not reach ring affected"):
        require_release(Level.MITIGATION, Ring.AFFECTED, before)


def test_an_embargo_past_its_time_still_binds_until_its_end_is_recorded() -> None:
    """A clock opens nothing."""
    past = Embargo(state=EmbargoState.ACTIVE, lifts_at=START - timedelta(days=1))
    assert not may_release(Level.TECHNICAL, Ring.PUBLIC, _case(past))


@pytest.mark.parametrize(
    "fields",
    [
        {"state": EmbargoState.ACTIVE},
        {"state": EmbargoState.NONE, "lifts_at": START},
        {"state": EmbargoState.PROPOSED},
        {"state": EmbargoState.ACTIVE, "lifts_at": START, "proposals": (START,)},
        {"state": EmbargoState.EXITED, "lifts_at": START},
        {"state": EmbargoState.PROPOSED, "proposals": (datetime(2026, 1, 1),)},  # noqa: DTZ001
    ],
)
def test_an_embargo_that_contradicts_itself_does_not_exist(fields: dict) -> None:
    """States carry exactly what belongs to them."""
    with pytest.raises(EmbargoRefused):
        Embargo(**fields)


def test_the_page_shows_the_table_that_the_code_applies() -> None:
    """docs/disclosure.md, ring by ring and phase by phase."""
    rows = re.findall(r"^\| R(\d) \w+ \| L(\d) \| L(\d) \| L(\d) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {Ring(int(ring)): dict(zip(Phase, (Level(int(n)) for n in levels), strict=True)) for ring, *levels in rows}
    assert shown == {ring: dict(phases) for ring, phases in WIDEST.items()}


def test_every_state_has_its_phase() -> None:
    """N and P come before, A and R during, X after."""
    assert [phase_of(state).value for state in EmbargoState] == ["before", "before", "during", "during", "after"]


def _embargo(state: EmbargoState) -> Embargo:
    end = START + timedelta(days=90)
    is_proposed = state in {EmbargoState.PROPOSED, EmbargoState.REVISE}
    return Embargo(state=state, lifts_at=end if state.is_in_force else None, proposals=(end,) if is_proposed else ())
