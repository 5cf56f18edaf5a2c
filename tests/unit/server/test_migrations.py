"""The migrations make the schema that the code expects, and never take anything away."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from sekisho.db import sqlite_url
from sekisho.db.engine import open_engine
from sekisho.server import migrations
from sekisho.server.migrations import MigrationRefused, migrate, migration_config
from sekisho.server.migrations.schema import METADATA

VERSIONS = sorted((Path(migrations.__file__).parent / "versions").glob("*.py"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    engine = open_engine(sqlite_url(tmp_path / "control.db"))
    yield engine
    engine.dispose()


def _shape(engine: Engine) -> dict[str, object]:
    """Return all that the database says of its tables, but the order of constraints."""
    seen = inspect(engine)
    shape: dict[str, object] = {}
    for name in set(seen.get_table_names()) - {"alembic_version"}:
        columns = [{**column, "type": str(column["type"])} for column in seen.get_columns(name)]
        constraints = (
            seen.get_unique_constraints(name),
            seen.get_check_constraints(name),
            seen.get_foreign_keys(name),
            seen.get_indexes(name),
        )
        shape[name] = (columns, seen.get_pk_constraint(name), [sorted(map(str, some)) for some in constraints])
    return shape


def test_a_migrated_database_is_what_the_code_expects(engine: Engine, tmp_path: Path) -> None:
    """Table by table and constraint by constraint the same as one made from the tables in code."""
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    made = open_engine(sqlite_url(tmp_path / "made.db"))
    METADATA.create_all(made)
    assert _shape(engine) == _shape(made)
    made.dispose()


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    """Every start of the control plane migrates."""
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO outbox (key, entry) VALUES ('k', x'00')"))
    before = _shape(engine)
    migrate(engine)
    assert _shape(engine) == before
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM outbox")) == 1


def test_a_database_of_a_newer_release_is_refused(engine: Engine) -> None:
    """An older program must not write what it does not understand."""
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationRefused):
        migrate(engine)


def test_another_programs_database_is_refused_and_left_as_it_is(engine: Engine) -> None:
    """A table of the same name is in the way: nothing is made beside it, since all is one transaction."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE registry_principals (x)"))
    with pytest.raises(MigrationRefused):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["registry_principals"]


def test_there_is_no_way_back(engine: Engine) -> None:
    """Going back would drop what was stored."""
    migrate(engine)
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        with pytest.raises(AttributeError):
            command.downgrade(config, "base")
    assert "outbox" in inspect(engine).get_table_names()


def test_the_migrations_are_one_line() -> None:
    """Two heads would mean two schemas."""
    assert len(ScriptDirectory.from_config(migration_config()).get_heads()) == 1


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.name)
def test_a_migration_stands_alone_and_sets_no_state(path: Path) -> None:
    """It imports nothing of ours, which changes, and writes no rows: states move by acts, with an entry each."""
    tree = ast.parse(path.read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not [name for name in imported if name and name.startswith("sekisho")]
    called = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "attr")}
    assert not called & {"execute", "bulk_insert", "drop_table", "drop_column"}
    assert not any(isinstance(node, ast.FunctionDef) and node.name == "downgrade" for node in ast.walk(tree))
