"""Columns that refuse ambiguity."""

import enum
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.dialects import sqlite

from sekisho.core import SekishoError
from sekisho.db import CanonicalJson, Conflict, Database, UtcDateTime, closed_list
from sekisho.formats.jcs import JsonRefused

_DIALECT = sqlite.dialect()


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


_TABLE = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime),
    Column("value", CanonicalJson),
    Column("colour", closed_list(Colour)),
)


@given(at=st.datetimes(timezones=st.just(UTC)), other=st.datetimes(timezones=st.just(UTC)))
def test_times_come_back_as_they_were_and_sort_as_text(at: datetime, other: datetime) -> None:
    """What is stored is the same moment to the microsecond, and text order is time order."""
    stored, stored_other = (UtcDateTime().process_bind_param(t, _DIALECT) for t in (at, other))
    assert UtcDateTime().process_result_value(stored, _DIALECT) == at
    assert (str(stored) < str(stored_other)) == (at < other)


@pytest.mark.parametrize(
    "at",
    [datetime(2026, 11, 22, 9, 0), datetime(2026, 11, 22, 18, 0, tzinfo=timezone(timedelta(hours=9)))],  # noqa: DTZ001
)
def test_times_that_are_not_utc_are_refused(at: datetime) -> None:
    """A naive time means another moment on another machine."""
    with pytest.raises(SekishoError):
        UtcDateTime().process_bind_param(at, _DIALECT)


def test_json_that_was_edited_is_refused(database: Database) -> None:
    """Only the canonical text is read back: an edit by hand, or by another program, does not pass unseen."""
    with database.begin() as session:
        _TABLE.create(session.connection())
        session.execute(insert(_TABLE).values(id=1, value={"b": 1, "a": [None, "ü"]}))
        assert session.scalar(select(_TABLE.c.value)) == {"a": [None, "ü"], "b": 1}
        session.execute(text("""UPDATE things SET value = '{"b": 1}'"""))
        with pytest.raises(JsonRefused):
            session.scalar(select(_TABLE.c.value))


def test_a_value_outside_a_closed_list_is_refused_by_the_database(database: Database) -> None:
    """Also one that is written past our code."""
    with database.begin() as session:
        _TABLE.create(session.connection())
        session.execute(insert(_TABLE).values(id=1, colour=Colour.RED))
        assert session.scalar(select(_TABLE.c.colour)) is Colour.RED
    with pytest.raises(Conflict), database.begin() as session:
        session.execute(text("INSERT INTO things (id, colour) VALUES (2, 'blue')"))
