"""The office's acts on content: on record first, then done, and done again whenever a gate connects."""

from collections.abc import Mapping
from typing import Any

import pytest

from sekisho.core import SekishoError
from sekisho.ledger import Entry, EntryKind
from sekisho.registry.errors import TextRefused
from sekisho.server.gate_link import GateSilent
from sekisho.server.transcripts import CallNotOver, CallUnknown, ContentAbsent, TranscriptOffice

ONE, TWO = (f"req_{number:026d}" for number in (1, 2))


class Gates:
    """Gates that know calls; `silent` ones do not answer, `failing` ones cannot destroy."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[str, Any]] = {"gate-0": {}, "gate-1": {}}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.silent: set[str] = set()
        self.failing: set[str] = set()

    def add(self, request_id: str, slot: str = "gate-0", **changed: Any) -> None:
        call = {"request_id": request_id, "intent_index": 7, "is_over": True, "sealed_sha256": "ab" * 32}
        self.calls[slot][request_id] = call | changed

    def slots(self) -> tuple[str, ...]:
        return tuple(self.calls)

    def ask(self, slot: str, what: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        self.asked.append((slot, what))
        if slot in self.silent:
            raise GateSilent("no answer")
        if "erase" in what:
            return {"erased": slot not in self.failing}
        return {"calls": [call for one, call in self.calls[slot].items() if one in what["locate"]]}


@pytest.fixture
def gates() -> Gates:
    return Gates()


@pytest.fixture
def desk(opened: Any, gates: Gates) -> TranscriptOffice:
    """The acts over a real office and its log."""
    office = opened.office
    office.transcripts = TranscriptOffice(gates, record=office._record_on_content)
    return office.transcripts


def erased(world: Any) -> list[Entry]:
    return [entry for entry in world.entries() if entry.kind is EntryKind.TRANSCRIPT_ERASED]


def test_an_erasure_is_on_record_before_anything_is_destroyed(opened: Any, gates: Gates, desk: Any) -> None:
    """Who, what, why, and where the call is."""
    gates.add(ONE)
    seen: list[int] = []
    ask = gates.ask
    gates.ask = lambda slot, what, **kw: seen.append(len(erased(opened))) or ask(slot, what, **kw)  # type: ignore[method-assign,func-returns-value]
    (call,) = desk.erase([ONE], basis="Article 30.")
    assert seen == [0, 0, 1]
    assert (call.log, call.is_destroyed) == ("calls/gate-0", True)
    (entry,) = erased(opened)
    assert opened.entries()[call.index] is not None
    assert entry.body == {
        "request_id": ONE,
        "log": "calls/gate-0",
        "intent_index": 7,
        "sealed_sha256": "ab" * 32,
        "erased_by": "office",
        "basis": "Article 30.",
    }


def test_calls_of_several_gates_are_erased_at_their_own(gates: Gates, desk: Any) -> None:
    """Each gate is asked for what it has."""
    gates.add(ONE)
    gates.add(TWO, slot="gate-1", sealed_sha256=None)
    calls = desk.erase([ONE, TWO], basis="Over.")
    assert [(call.request_id, call.log) for call in calls] == [(ONE, "calls/gate-0"), (TWO, "calls/gate-1")]
    assert [(slot, what["erase"]) for slot, what in gates.asked if "erase" in what] == [
        ("gate-0", [ONE]),
        ("gate-1", [TWO]),
    ]
    assert (desk.erased_at("gate-0"), desk.erased_at("gate-1")) == ((ONE,), (TWO,))


def test_an_erasure_happens_once_and_can_be_asked_for_again(opened: Any, gates: Gates, desk: Any) -> None:
    """The first entry stays the entry; the gate is asked again, since it may not have done it."""
    gates.add(ONE)
    gates.failing.add("gate-0")
    (first,) = desk.erase([ONE], basis="First.")
    gates.failing.clear()
    (second,) = desk.erase([ONE], basis="Second.")
    assert (first.is_destroyed, second.is_destroyed) == (False, True)
    assert first.index == second.index
    assert [entry.body["basis"] for entry in erased(opened)] == ["First."]


@pytest.mark.parametrize("basis", ["", " ", "\x00", "a\nb", "x" * 2_000])
def test_nothing_is_erased_or_handed_out_without_a_basis(opened: Any, gates: Gates, desk: Any, basis: str) -> None:
    """A reason is text that a person can read."""
    gates.add(ONE)
    with pytest.raises(TextRefused):
        desk.erase([ONE], basis=basis)
    with pytest.raises(TextRefused):
        desk.release(ONE, requested_by="auditor-a", basis=basis)
    with pytest.raises(TextRefused):
        desk.release(ONE, requested_by=basis, basis="A reason.")
    assert gates.asked == []
    assert not erased(opened)


def test_a_call_that_is_not_over_or_not_known_is_refused_and_nothing_recorded(
    opened: Any, gates: Gates, desk: Any
) -> None:
    """Nor is any other call of the same request: all or none."""
    gates.add(ONE)
    before = opened.kinds()
    with pytest.raises(CallUnknown):
        desk.erase([ONE, TWO], basis="Over.")
    gates.add(TWO, is_over=False)
    with pytest.raises(CallNotOver):
        desk.erase([ONE, TWO], basis="Over.")
    gates.silent.add("gate-0")
    with pytest.raises(GateSilent):
        desk.erase([ONE], basis="Over.")
    gates.calls.clear()
    with pytest.raises(CallUnknown):
        desk.erase([ONE], basis="Over.")
    assert opened.kinds() == before


def test_a_gate_that_cannot_look_is_no_gate_without_the_call(gates: Gates, desk: Any) -> None:
    """An answer that is none is an error of ours."""
    gates.ask = lambda *_, **__: {"error": "SKS-LEDGER-802"}  # type: ignore[method-assign]
    with pytest.raises(SekishoError):
        desk.erase([ONE], basis="Over.")


def test_a_gate_has_no_say_about_calls_that_nobody_asked_of(opened: Any, gates: Gates, desk: Any) -> None:
    """Else a gate could have the office erase what it likes."""
    gates.add(ONE)
    gates.add(TWO)
    told = {"calls": list(gates.calls["gate-0"].values())}
    gates.ask = lambda _, what, **__: {"erased": True} if "erase" in what else told  # type: ignore[method-assign]
    assert [call.request_id for call in desk.erase([ONE], basis="Over.")] == [ONE]
    assert [entry.body["request_id"] for entry in erased(opened)] == [ONE]


@pytest.mark.parametrize(
    "call",
    [
        None,
        [],
        {},
        {"request_id": 1, "intent_index": 0, "sealed_sha256": None, "is_over": True},
        {"request_id": ONE, "intent_index": True, "sealed_sha256": None, "is_over": True},
        {"request_id": ONE, "intent_index": "0", "sealed_sha256": None, "is_over": True},
        {"request_id": ONE, "intent_index": 0, "sealed_sha256": 1, "is_over": True},
        {"request_id": ONE, "intent_index": 0, "sealed_sha256": "not a digest", "is_over": True},
        {"request_id": ONE, "intent_index": 0, "sealed_sha256": None},
    ],
)
def test_an_answer_that_is_none_is_refused(opened: Any, gates: Gates, desk: Any, call: Any) -> None:
    """With an error of ours, and nothing on record."""
    gates.ask = lambda *_, **__: {"calls": [call]}  # type: ignore[method-assign]
    with pytest.raises(SekishoError):
        desk.erase([ONE], basis="Over.")
    assert not erased(opened)


def test_a_release_is_an_entry_each_time(opened: Any, gates: Gates, desk: Any) -> None:
    """Who asked, and why; asking twice is on record twice."""
    gates.add(ONE)
    for _ in range(2):
        released = desk.release(ONE, requested_by="auditor-a", basis="Case 7.")
    entries = [entry for entry in opened.entries() if entry.kind is EntryKind.TRANSCRIPT_UNSEALED]
    assert len(entries) == 2
    assert (released.slot, released.sealed_sha256) == ("gate-0", "ab" * 32)
    assert entries[0].body["requested_by"] == "auditor-a"


def test_what_was_not_kept_or_was_erased_is_not_handed_out(gates: Gates, desk: Any) -> None:
    """There is nothing to hand out, and no entry that says there was."""
    gates.add(ONE)
    gates.add(TWO, sealed_sha256=None)
    desk.erase([ONE], basis="Over.")
    for request_id in (ONE, TWO):
        with pytest.raises(ContentAbsent):
            desk.release(request_id, requested_by="auditor-a", basis="Case 7.")


def test_after_a_restart_the_office_knows_what_is_erased(world: Any) -> None:
    """From the decisions log alone; so a gate that was put back from a backup is told again."""
    gates = Gates()
    gates.add(ONE)
    with world.open() as office:
        office.transcripts = TranscriptOffice(gates, record=office._record_on_content)
        office.transcripts.erase([ONE], basis="Over.")
    with world.open() as office:
        assert office.transcripts.erased_at("gate-0") == (ONE,)
        assert office.transcripts.erased_at("gate-1") == ()
