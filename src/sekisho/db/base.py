"""What all tables share: one registry of them, names for every constraint, and columns that refuse ambiguity."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import Dialect, Enum, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from sekisho.core import format_utc, parse_utc
from sekisho.formats import jcs

_UTC_CHARACTERS = len("2026-11-22T09:00:00.000000Z")

# Room for a longer member to come without altering the column.
_CLOSED_LIST_CHARACTERS = 40


class Base(DeclarativeBase):
    """Base of every table.

    Constraints have names computed from what they bind, since a migration can only alter what it can name, and
    SQLite and PostgreSQL would each invent another name.
    """

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def closed_list(members: type[enum.Enum]) -> Enum:
    """Return the column type for `members`, stored by value; the database itself refuses any other."""
    return Enum(
        members,
        name=members.__name__.lower(),
        values_callable=lambda kind: [member.value for member in kind],
        native_enum=False,  # a type of its own in PostgreSQL could only ever grow
        create_constraint=True,
        length=_CLOSED_LIST_CHARACTERS,
    )


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC, stored as RFC 3339 with six digits of fraction; anything else is refused with BadTime.

    As text of fixed width it sorts as time does, and it means the same in SQLite, which has no time type, and in
    PostgreSQL, whose own would come back in the session's zone.
    """

    impl = String(_UTC_CHARACTERS)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else format_utc(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else parse_utc(value)


class CanonicalJson(TypeDecorator[jcs.Json]):
    """A JSON value, stored as its RFC 8785 text; refused with JsonRefused if it has none, or if it was edited."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: jcs.Json, dialect: Dialect) -> str:
        return jcs.canonical(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> jcs.Json:
        return jcs.parse_canonical(str(value).encode())
