"""From an accord to its clauses: pure, and in the order of the document."""

from collections.abc import Iterator

from sekisho.core import format_utc
from sekisho.ledger.audit.types import Clause, ClauseKind
from sekisho.trust import Accord, Charter
from sekisho.trust.threshold import bind_rule, describe_need


def clauses_of(accord: Accord, charter: Charter) -> tuple[Clause, ...]:
    """Return what `accord` asks, and what `charter` asks of everything under it. A condition is one clause each."""
    return tuple(_clauses(accord, charter))


def _clauses(accord: Accord, charter: Charter) -> Iterator[Clause]:
    need = describe_need(bind_rule(charter.grant_rule, charter.parties, lab=accord.lab))
    hold_term = f"{int(charter.hold_term.total_seconds())} s"
    # What the accord itself says.
    yield Clause(kind=ClauseKind.QUORUM, terms=(need,))
    yield Clause(kind=ClauseKind.LAB, terms=(accord.lab,))
    yield Clause(kind=ClauseKind.MODELS, terms=tuple(f"{model.name} ({model.tier})" for model in accord.models))
    yield Clause(kind=ClauseKind.KINDS, terms=accord.kinds)
    yield Clause(kind=ClauseKind.TECHNIQUES, terms=accord.techniques)
    yield Clause(kind=ClauseKind.VALID, terms=(format_utc(accord.valid.opens), format_utc(accord.valid.closes)))
    for condition in accord.conditions:
        yield Clause(kind=ClauseKind.CONDITION, terms=(condition,))
    # What follows from it for everything under it.
    yield Clause(kind=ClauseKind.GRANTS, terms=(need,))
    for kind in (ClauseKind.BELONGING, ClauseKind.SCOPE, ClauseKind.BUDGETS, ClauseKind.REVOCATIONS):
        yield Clause(kind=kind, terms=())
    yield Clause(kind=ClauseKind.HOLDS, terms=(hold_term,))
    for kind in (ClauseKind.JUDGED, ClauseKind.RECORD):
        yield Clause(kind=kind, terms=())
