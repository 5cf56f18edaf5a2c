"""Bringing a database to this release's schema: Alembic, run by the program itself, without a settings file.

Migrations go forward alone. Going back would drop what a newer release stored, and nothing here is deleted; an
operator who must go back restores the backup that was made before. A migration changes shapes, never states: what is
revoked, held or refused stays so.
"""

from pathlib import Path
from typing import ClassVar

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from sekisho.core import SekishoError

_FOLDER = Path(__file__).parent


class MigrationRefused(SekishoError):
    """The database cannot be brought to this release's schema."""

    code: ClassVar[str] = "SKS-SERVER-201"
    hint = "A newer release wrote this database, or another program did: use that release, or restore the backup."


def migrate(engine: Engine) -> None:
    """Bring the database of `engine` to the newest schema, in one transaction; at the newest already, do nothing."""
    try:
        with engine.begin() as connection:
            config = migration_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (CommandError, SQLAlchemyError) as error:
        raise MigrationRefused(f"the schema could not be brought up to date: {type(error).__name__}") from error


def migration_config() -> Config:
    """Return Alembic's settings: this folder, wherever the package is installed."""
    config = Config()
    # ConfigParser reads % as the start of a reference; a folder may have one in its name.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
