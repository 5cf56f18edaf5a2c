"""Figures for outsiders (src/sekisho/ledger/figures.py): nothing shown, and nothing got by subtraction, is of four."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import Reason
from sekisho.ledger import Entry, EntryKind
from sekisho.ledger.figures import MIN_AGE, MIN_INSTITUTIONS, WITHHELD, Cell, figures, publish_table, to_dict

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
cells = st.dictionaries(
    st.sampled_from("abcdefg"),
    st.builds(
        lambda members, more: Cell(count=len(members) + more, institutions=members),
        st.frozensets(st.integers(0, 8).map(str), min_size=1),
        st.integers(0, 1000),
    ),
)


def call(institution: str, at: datetime = datetime(2026, 9, 10, tzinfo=UTC), model: str = "red") -> Entry:
    return entry(EntryKind.CALL_INTENDED, at, institution=institution, model=model)


def denial(institution: str | None, reason: Reason = Reason.NO_GRANT) -> Entry:
    at = datetime(2026, 9, 10, tzinfo=UTC)
    return entry(EntryKind.CALL_DENIED, at, institution=institution, reason=reason.value)


def entry(kind: EntryKind, at: datetime, **body: Any) -> Entry:
    return Entry(kind=kind, at=at, id="ent_" + "0" * 26, body=body)


def five(**more: Any) -> list[Entry]:
    return [call(f"ins_{number}", **more) for number in range(5)]


def months(*logs: Iterable[Entry], at: datetime = NOW) -> dict[str, Any]:
    return {month["month"]: month for month in to_dict(figures(logs, at=at))["months"]}


@given(cells=cells)
def test_every_figure_and_every_difference_of_figures_sums_five_institutions(cells: dict[str, Cell]) -> None:
    """Whatever sums and differences of a table one makes, what is isolated is of five or more, or of nobody."""
    table = publish_table(cells)
    everyone = frozenset().union(*(cell.institutions for cell in cells.values()))
    if len(everyone) < MIN_INSTITUTIONS:
        assert (table.total, table.institutions, table.parts, table.rest) == (None, None, (), None)
        return
    shown = dict(table.parts)
    assert table.institutions == len(everyone)
    assert table.total == sum(cell.count for cell in cells.values()) == sum(shown.values()) + (table.rest or 0)
    # The figures divide the institutions' calls into atoms: each part, and the rest. A difference is a union of atoms.
    atoms = [[cells[name]] for name in shown]
    hidden = [cell for name, cell in cells.items() if name not in shown]
    assert bool(hidden) == (table.rest is not None)
    atoms += [hidden] if hidden else []
    for size in range(1, len(atoms) + 1):
        for some in combinations(atoms, size):
            members = frozenset().union(*(cell.institutions for atom in some for cell in atom))
            assert len(members) >= MIN_INSTITUTIONS


@given(cells=cells)
def test_no_more_is_hidden_than_must_be(cells: dict[str, Cell]) -> None:
    """If every cell has five, all are shown; a figure that may be shown and protects nobody is not withheld."""
    table = publish_table(cells)
    if cells and all(len(cell.institutions) >= MIN_INSTITUTIONS for cell in cells.values()):
        assert dict(table.parts) == {name: cell.count for name, cell in cells.items()}
        assert table.rest is None
    small = [cell for cell in cells.values() if len(cell.institutions) < MIN_INSTITUTIONS]
    if table.total is not None and len(frozenset().union(*(cell.institutions for cell in small))) >= MIN_INSTITUTIONS:
        assert len(table.parts) == len(cells) - len(small)


def test_a_small_cell_takes_another_with_it() -> None:
    """Complementary suppression: else total minus the shown would be the four's."""
    log = [*five(model="red"), *five(model="blue"), call("ins_5", model="blue"), call("ins_0", model="new")]
    calls = months(log)["2026-09"]["calls"]
    # `new` is of one; `red`, of five, hides it; `blue`, of six, stays.
    assert calls == {"total": 12, "institutions": 6, "parts": {"blue": 6}, "rest": 6}


def test_four_institutions_are_no_figure_and_nobody_learns_whether_there_were_any() -> None:
    """A month of four looks like a month of none."""
    empty: dict[str, Any] = {"total": None, "institutions": None, "parts": {}, "rest": None}
    log = [*five(), *(call(f"ins_{n}", at=datetime(2026, 8, 1, tzinfo=UTC)) for n in range(4))]
    told = months(sorted(log, key=lambda one: one.at))
    assert told["2026-08"]["calls"] == empty
    assert told["2026-08"]["denials"] == told["2026-09"]["denials"] == empty
    assert told["2026-09"]["calls"]["total"] == 5


def test_a_month_is_published_thirty_days_after_its_end_and_not_a_moment_before() -> None:
    """Whole calendar months in UTC."""
    due = datetime(2026, 10, 1, tzinfo=UTC) + MIN_AGE
    assert "2026-09" not in months(five(), at=due - timedelta(microseconds=1))
    assert set(months(five(), at=due)) == {"2026-09"}
    last, first = datetime(2026, 8, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    told = months([*five(at=last), *five(at=first)])
    assert [told[month]["calls"]["total"] for month in ("2026-08", "2026-09")] == [5, 5]
    december = months(five(at=datetime(2025, 12, 31, tzinfo=UTC)), at=datetime(2026, 3, 5, tzinfo=UTC))
    assert set(december) == {"2025-12", "2026-01"}


def test_a_published_month_does_not_change_by_a_clock_that_was_set_back() -> None:
    """The difference of two publications of one month would be one institution's calls."""
    before = [*five(), *five(at=datetime(2026, 10, 2, tzinfo=UTC))]
    after = [*before, call("ins_0", at=datetime(2026, 9, 30, tzinfo=UTC))]
    assert months(before)["2026-09"] == months(after)["2026-09"]


def test_one_wrong_time_ahead_does_not_hold_up_all_that_follows() -> None:
    """A clock that once was years ahead spoils one entry's month and no more."""
    ahead = call("ins_9", at=datetime(2099, 1, 1, tzinfo=UTC))
    told = months([ahead, *five(), ahead, *five(at=datetime(2026, 9, 30, tzinfo=UTC))])
    assert told["2026-09"]["calls"]["total"] == 11
    assert months([ahead]) == {}
    assert months() == {}


def test_institutions_are_counted_across_gates() -> None:
    """In production each gate serves one institution: five logs of one are a figure of five."""
    logs = [[call(f"ins_{number}")] for number in range(5)]
    assert months(*logs)["2026-09"]["calls"]["institutions"] == 5


def test_denials_are_by_class_of_reason_and_only_those_of_an_institution() -> None:
    """A denial that belongs to nobody cannot be of five; a reason of another release has a class too."""
    log = [denial(f"ins_{n}") for n in range(5)]
    log += [denial(f"ins_{n}", Reason.ASSET_OUT_OF_SCOPE) for n in range(6)]
    log += [denial(f"ins_{n}", Reason.WINDOW_CLOSED) for n in range(6)]
    log += [denial(None) for _ in range(9)]
    at = datetime(2026, 9, 10, tzinfo=UTC)
    log += [entry(EntryKind.CALL_DENIED, at, institution=f"ins_{n}", reason="SKS-NEW-1") for n in range(5)]
    log += [entry(EntryKind.DENIALS_COUNTED, at, opens="", closes="", counts={"SKS-GATE-202": 7})]
    denials = months(log)["2026-09"]["denials"]
    assert denials == {
        "total": 22,
        "institutions": 6,
        "parts": {"standing": 5, "scope": 12, "other": 5},
        "rest": None,
    }


def test_nothing_names_an_institution_and_what_is_withheld_is_said() -> None:
    """The rules go with every publication."""
    told = to_dict(figures([five()], at=NOW))
    assert "ins_" not in str(told)
    assert told["withheld"] == list(WITHHELD)
    assert told["rules"]["institutions_at_least"] == 5
    assert str(MIN_AGE.days) in " ".join(WITHHELD)
