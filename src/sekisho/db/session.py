"""The unit of work: all of a change, or nothing of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from sekisho.db.engine import READ_ONLY, open_engine
from sekisho.db.errors import Conflict, DatabaseFailed


class Database:
    """One database. Thread-safe: any number of readers, one writer at a time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writers = sessionmaker(engine, expire_on_commit=False)
        self._readers = sessionmaker(engine.execution_options(**{READ_ONLY: True}))
        # Guards the write transaction. SQLite has one anyway, but its waiters poll; ours are woken.
        self._writing = threading.Lock()

    @classmethod
    def open(cls, url: str) -> "Database":
        """Return the database at `url`, such as `sqlite:////var/lib/sekisho/control/control.db`."""
        return cls(open_engine(url))

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Give a session that commits when the block ends and rolls back when it raises.

        Raises Conflict or DatabaseFailed for what the database refuses. Never call it inside its own block: the
        second waits for the first, forever.
        """
        with self._writing, _foreign_errors_kept(), self._writers.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one moment of the database and cannot change it."""
        with _foreign_errors_kept(), self._readers.begin() as session:
            yield session

    def close(self) -> None:
        """Close every connection; SQLite then folds the write-ahead log into the file."""
        self.engine.dispose()


@contextmanager
def _foreign_errors_kept() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        # The driver's text may quote values of the row, so it stays behind.
        raise Conflict("the change contradicts what is stored") from error
    except SQLAlchemyError as error:
        raise DatabaseFailed(f"the database failed: {type(error).__name__}") from error
