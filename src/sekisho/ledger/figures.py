"""Monthly figures for those who may not read the calls logs: delayed, and of five institutions or more in each cell.

When and how much an institution calls tells that it found something. So a figure is published only if it sums at
least MIN_INSTITUTIONS institutions, and so does whatever can be got by subtracting published figures from each
other. Pure: entries in, tables out. docs/ledger-audiences.md says what this does not prevent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from sekisho.core.reasons import REASONS, Reason
from sekisho.ledger.entries import Entry, EntryKind

# From five on, one that knows its own share does not know another's.
MIN_INSTITUTIONS: Final = 5
# After the end of the month: longer than a finding takes to be reported to its vendor.
MIN_AGE: Final = timedelta(days=30)
# A class of reasons is the step of a call that said no; step 2 has no institution and is never here.
_CLASSES: Final[Mapping[int, str]] = {
    1: "request",
    3: "standing",
    4: "scope",
    5: "policy",
    6: "screening",
    7: "budget",
    8: "ledger",
    9: "lab",
    10: "lab",
}
_OTHER_CLASS: Final = "other"

# Year and month.
Month: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A count, and the institutions that it sums."""

    count: int
    institutions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A total with its parts, as far as they may be shown. All None and empty if the total may not be.

    `rest`: what the parts leave of the total, of MIN_INSTITUTIONS institutions or more; None if they leave nothing.
    """

    total: int | None
    institutions: int | None
    parts: tuple[tuple[str, int], ...]
    rest: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """The figures of one calendar month in UTC: calls by model, and denials by class of reason."""

    month: Month
    calls: Table
    denials: Table


@dataclass(slots=True)
class _Count:
    count: int = 0
    institutions: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Counts:
    """What the logs say of one month, by the name of the part."""

    calls: dict[str, _Count] = field(default_factory=dict)
    denials: dict[str, _Count] = field(default_factory=dict)


def figures(logs: Iterable[Iterable[Entry]], *, at: datetime) -> tuple[MonthFigures, ...]:
    """Return the figures of every month that is old enough at `at` (now, aware UTC), from the first with an entry on.

    `logs`: the entries of each calls log, in order. An entry counts in its own month or in the latest month before
    it in its log, whichever is later: a clock that is set back must not change a month that was published.
    """
    months: dict[Month, _Counts] = {}
    for log in logs:
        latest: Month = (0, 0)
        for entry in log:
            # A time that is not yet is a clock's fault; it must not hold up all that follows.
            if entry.at <= at:
                latest = max(latest, (entry.at.year, entry.at.month))
            _count(months.setdefault(latest, _Counts()), entry)
    first = min((month for month in months if month != (0, 0)), default=None)
    if first is None:
        return ()
    made = (_publish(month, months.get(month, _Counts())) for month in _months(first, at=at))
    return tuple(made)


def publish_table(cells: Mapping[str, Cell]) -> Table:
    """Return what of `cells` may be shown together with their total.

    Steps: (1) the total, if it has enough institutions; (2) each cell that has; (3) what they leave of the total is a
    figure too: if it has too few institutions, the cell with the fewest goes into it, until it has enough.
    """
    # (1)
    everyone = _institutions(cells.values())
    if len(everyone) < MIN_INSTITUTIONS:
        return Table(total=None, institutions=None, parts=(), rest=None)
    # (2)
    shown = {name: cell for name, cell in cells.items() if len(cell.institutions) >= MIN_INSTITUTIONS}
    # (3)
    hidden = [cell for name, cell in cells.items() if name not in shown]
    while hidden and len(_institutions(hidden)) < MIN_INSTITUTIONS:
        fewest = min(shown, key=lambda name: (len(shown[name].institutions), shown[name].count, name))
        hidden.append(shown.pop(fewest))
    return Table(
        total=sum(cell.count for cell in cells.values()),
        institutions=len(everyone),
        parts=tuple(sorted((name, cell.count) for name, cell in shown.items())),
        rest=sum(cell.count for cell in hidden) if hidden else None,
    )


def to_dict(published: Iterable[MonthFigures]) -> dict[str, Any]:
    """Return what `sekisho ledger figures --json` prints."""
    return {
        "rules": {
            "institutions_at_least": MIN_INSTITUTIONS,
            "days_after_the_month": MIN_AGE.days,
            "months": "calendar months in UTC",
        },
        "withheld": list(WITHHELD),
        "months": [
            {
                "month": "{:04d}-{:02d}".format(*figure.month),
                "calls": _table_to_dict(figure.calls),
                "denials": _table_to_dict(figure.denials),
            }
            for figure in published
        ],
    }


# What no table has, whatever it holds; said with every publication.
WITHHELD: Final = (
    "every figure that sums fewer than five institutions, and every one that would show such a figure by subtraction",
    "which models, reasons and institutions are behind a figure that is withheld, and whether there is one",
    "figures by institution, person, grant, asset or gate",
    "months that ended less than 30 days ago",
    "denials of callers who were not authenticated, or of no institution",
)


def _count(counts: _Counts, entry: Entry) -> None:
    institution = entry.body.get("institution")
    if not isinstance(institution, str):
        return
    if entry.kind is EntryKind.CALL_INTENDED:
        _add(counts.calls, str(entry.body["model"]), institution)
    elif entry.kind is EntryKind.CALL_DENIED:
        _add(counts.denials, _class_of(str(entry.body["reason"])), institution)


def _add(counts: dict[str, _Count], name: str, institution: str) -> None:
    counted = counts.setdefault(name, _Count())
    counted.count += 1
    counted.institutions.add(institution)


def _class_of(code: str) -> str:
    try:
        return _CLASSES.get(REASONS[Reason(code)].step, _OTHER_CLASS)
    except ValueError:
        # A reason of another release.
        return _OTHER_CLASS


def _publish(month: Month, counts: _Counts) -> MonthFigures:
    return MonthFigures(
        month=month, calls=publish_table(_cells(counts.calls)), denials=publish_table(_cells(counts.denials))
    )


def _cells(counts: Mapping[str, _Count]) -> dict[str, Cell]:
    return {
        name: Cell(count=counted.count, institutions=frozenset(counted.institutions))
        for name, counted in counts.items()
    }


def _institutions(cells: Iterable[Cell]) -> frozenset[str]:
    return frozenset().union(*(cell.institutions for cell in cells))


def _months(first: Month, *, at: datetime) -> Iterable[Month]:
    """Yield every month from `first` on that ended MIN_AGE or longer before `at`."""
    month = first
    while _end_of(month) + MIN_AGE <= at:
        yield month
        month = _after(month)


def _after(month: Month) -> Month:
    return (month[0] + 1, 1) if month[1] == 12 else (month[0], month[1] + 1)


def _end_of(month: Month) -> datetime:
    year, number = _after(month)
    return datetime(year, number, 1, tzinfo=UTC)


def _table_to_dict(table: Table) -> dict[str, Any]:
    return {
        "total": table.total,
        "institutions": table.institutions,
        "parts": dict(table.parts),
        "rest": table.rest,
    }
