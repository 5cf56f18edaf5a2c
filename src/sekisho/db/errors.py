"""What can go wrong with a database. No error of the driver leaves this room."""

from typing import ClassVar

from sekisho.core import SekishoError


class DatabaseRefused(SekishoError):
    """The database cannot be opened, or not with the guarantees that we need."""

    code: ClassVar[str] = "SKS-DB-001"
    hint = "Use a file on a local disk that this user owns; network file systems and memory have no durable WAL."


class DatabaseFailed(SekishoError):
    """The database did not do what was asked; nothing of the unit of work was kept."""

    code: ClassVar[str] = "SKS-DB-002"
    hint = "Check that the disk has room and works, then try again: the unit of work left no trace."


class Conflict(SekishoError):
    """The change contradicts what is stored: a key twice, or a reference to nothing."""

    code: ClassVar[str] = "SKS-DB-003"
    hint = "Read the current state and try again; somebody else may have been faster."
