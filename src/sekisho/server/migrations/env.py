"""Run by Alembic for every command. Takes the connection that `migrate` opened; there is no other way in."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from sekisho.server.migrations.schema import METADATA


def run(connection: Connection) -> None:
    """Run the migrations on `connection`, inside its transaction."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,  # SQLite alters a table by copying it; Alembic then writes for both
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write our column types as what they are stored as: a migration must not change when the code does."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


run(context.config.attributes["connection"])
