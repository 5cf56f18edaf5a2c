"""An audit as a page: headings, paragraphs and tables, in one language, for the writers of Markdown and HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sekisho.core import format_utc
from sekisho.ledger.audit import words
from sekisho.ledger.audit.types import Audit, Evidence, Limit, Mark, Ruling
from sekisho.ledger.audit.words import Language, Text, control_text


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `level` 1 is the page's title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of plain texts."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of plain text: as many cells in each row as names."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block: TypeAlias = Heading | Paragraph | Bullets | Table


def page_of(audit: Audit, language: Language) -> tuple[Block, ...]:
    """Return `audit` as the blocks of a page: the whole first, then each clause, then what no log proves."""
    return tuple(_blocks(audit, language))


def summary_rows(audit: Audit, language: Language) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield number and name, terms, controls, count of entries on each side, and result of each clause."""
    for number, ruling in enumerate(audit.rulings, 1):
        yield (
            f"{number}. {words.CLAUSES[ruling.clause.kind].in_(language)}",
            _terms(ruling),
            ", ".join(dict.fromkeys(control.file for control in ruling.controls)) or words.NONE.in_(language),
            f"{ruling.shows.count} / {ruling.against.count} / {ruling.open.count}",
            words.RESULTS[ruling.result].in_(language),
        )


def summary_names(language: Language) -> tuple[str, str, str, str, str]:
    """Return the names of the columns of `summary_rows`."""
    columns = (words.CLAUSE, words.TERMS, words.CONTROL, words.SIDES, words.RESULT)
    clause, terms, control, sides, result = (column.in_(language) for column in columns)
    return clause, terms, control, sides, result


def limits_of(audit: Audit) -> tuple[Limit, ...]:
    """Return what the log cannot prove of any clause of `audit`, each once, in the order of the list."""
    named = {limit for ruling in audit.rulings for limit in ruling.limits}
    return tuple(limit for limit in Limit if limit in named)


def entry_name(mark: Mark) -> str:
    """Return where the entry of `mark` is: `calls/gate-0 12`."""
    return f"{mark.log} {mark.index}"


def why_of(mark: Mark, language: Language) -> str:
    """Return why the entry of `mark` does not speak for its clause; nothing if it does."""
    return "" if mark.ground is None else words.GROUNDS[mark.ground].in_(language)


def _blocks(audit: Audit, language: Language) -> Iterator[Block]:
    def say(text: Text) -> str:
        return text.in_(language)

    yield Heading(1, f"{say(words.TITLE)}: {audit.accord}")
    yield Table(
        (say(words.PROGRAMME), say(words.LAB), say(words.ACCORD_SHA256), say(words.CHARTER_SHA256), say(words.RESULT)),
        ((audit.programme, audit.lab, audit.accord_sha256, audit.charter_sha256, say(words.RESULTS[audit.result])),),
    )
    yield Paragraph(say(words.READING))
    yield Heading(2, say(words.READ))
    yield Paragraph(say(words.VERIFIED))
    yield Table(
        (say(words.LOG), say(words.SIZE), say(words.ROOT)),
        tuple((log.log, str(log.size), log.root.hex()) for log in audit.logs),
    )
    if audit.faults:
        yield Paragraph(f"{say(words.FAULTS)}: {', '.join(f'{code} × {count}' for code, count in audit.faults)}")
    yield Heading(2, say(words.CLAUSES_HEADING))
    yield Table(summary_names(language), tuple(summary_rows(audit, language)))
    for number, ruling in enumerate(audit.rulings, 1):
        yield from _ruling_blocks(number, ruling, language)
    yield Heading(2, say(words.LIMIT))
    yield Bullets(tuple(say(words.LIMITS[limit]) for limit in limits_of(audit)))


def _ruling_blocks(number: int, ruling: Ruling, language: Language) -> Iterator[Block]:
    result = words.RESULTS[ruling.result].in_(language)
    yield Heading(3, f"{number}. {words.CLAUSES[ruling.clause.kind].in_(language)}: {result}")
    if ruling.clause.terms:
        yield Paragraph(_terms(ruling))
    controls = (f"{control_text(control).in_(language)} ({control.file})" for control in ruling.controls)
    yield Bullets(tuple(controls) or (words.ENFORCED_BY_NONE.in_(language),))
    for title, evidence in ((words.AGAINST, ruling.against), (words.OPEN, ruling.open), (words.EVIDENCE, ruling.shows)):
        if evidence.count:
            yield Paragraph(f"{title.in_(language)}: {_counted(evidence, language)}")
            yield _evidence_table(evidence, language)
    yield Bullets(tuple(words.LIMITS[limit].in_(language) for limit in ruling.limits))


def _counted(evidence: Evidence, language: Language) -> str:
    kinds = ", ".join(f"{kind} × {count}" for kind, count in evidence.kinds)
    if evidence.count == len(evidence.listed):
        return kinds
    said = words.FIRST_OF.in_(language).format(listed=len(evidence.listed), count=evidence.count)
    last = f"; {words.LAST.in_(language)}: {entry_name(evidence.last)}" if evidence.last else ""
    return f"{kinds} ({said}{last})"


def _evidence_table(evidence: Evidence, language: Language) -> Table:
    names = tuple(text.in_(language) for text in (words.ENTRY, words.KIND, words.TIME, words.WHY))
    rows = tuple((*_cells(mark), why_of(mark, language)) for mark in evidence.listed)
    if any(row[3] for row in rows):
        return Table(names, rows)
    return Table(names[:3], tuple(row[:3] for row in rows))


def _cells(mark: Mark) -> tuple[str, str, str]:
    return entry_name(mark), mark.kind, format_utc(mark.at)


def _terms(ruling: Ruling) -> str:
    return ", ".join(ruling.clause.terms)
