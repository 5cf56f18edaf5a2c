"""The outbox: ledger entries that a change owes, kept in the same transaction as the change itself.

Database and ledger are two stores, and a crash can fall between them. So a service never writes to the ledger: it
records the entry here with its change, and after the commit the control plane drains the outbox, before anything is
answered or pushed to gates. What a crash left behind is drained at the next start; the key lets the ledger
recognise an entry that it already has.
"""

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import ClassVar, TypeAlias

from sqlalchemy import LargeBinary, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from sekisho.core import SekishoError
from sekisho.db.base import Base
from sekisho.db.session import Database

# (canonical entry bytes, idempotency key) → index in the log, once the entry is durable there.
Append: TypeAlias = Callable[[bytes, str], int]

# A kind, a slash, and an id or two digests.
_MAX_KEY_CHARACTERS = 200
# The entries of one ruling are a handful; a backlog after a long outage is taken in pieces.
_BATCH = 500


class OutboxRefused(SekishoError):
    """The entry cannot be recorded under this key."""

    code: ClassVar[str] = "SKS-DB-004"
    hint = "This is a defect: report it with the command that led here."


class HistoryDiffers(SekishoError):
    """The database and the ledger do not tell one history: one of the two was put back from an older copy."""

    code: ClassVar[str] = "SKS-DB-005"
    hint = "Put back the newest copies of both. Going on would bring back what was revoked, held or changed since."


class OutboxRow(Base):
    """An entry that the ledger is owed. `entry_index`: where the ledger has it; None until then."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(_MAX_KEY_CHARACTERS), unique=True)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    entry_index: Mapped[int | None] = mapped_column(index=True)


def record(session: Session, entry: bytes, *, key: str) -> None:
    """Owe the ledger `entry` (canonical bytes) as part of the caller's transaction.

    `key` names the event for all time, such as `grant-issued/grt_…`; a second entry under it is a Conflict. It is not
    the row's number: a database restored from a backup counts again from there, and the ledger would take a new event
    for an old one.
    """
    if not 1 <= len(key) <= _MAX_KEY_CHARACTERS:
        raise OutboxRefused("the key of an entry is empty or too long")
    session.add(OutboxRow(key=key, entry=entry))
    session.flush()


def is_recorded(session: Session, key: str) -> bool:
    """Say whether an entry under `key` was recorded, drained or not."""
    return session.scalar(select(OutboxRow.id).where(OutboxRow.key == key)) is not None


def drain(database: Database, append: Append) -> tuple[int, ...]:
    """Append what the ledger is owed, in the order it was recorded; return the indexes.

    `append` returns when the entry is durable, and gives an entry whose key it knows the index that it has.
    Steps: (1) read what is owed; (2) append it, outside any transaction, since a disk may be slow; (3) store where it
    lies. A crash after (2) repeats (2) and changes nothing. Whatever `append` raises passes through, and what it
    did not take stays owed. Safe to call from several threads.
    """
    drained: list[int] = []
    while owed := _owed(database):
        # (2)
        placed = [(number, append(entry, key)) for number, entry, key in owed]
        # (3)
        with database.begin() as session:
            for number, index in placed:
                session.execute(update(OutboxRow).where(OutboxRow.id == number).values(entry_index=index))
        drained.extend(index for _, index in placed)
    return tuple(drained)


def check_history(database: Database, logged: Iterable[int]) -> None:
    """Raise HistoryDiffers unless `logged` are exactly the indexes of what was drained here.

    `logged`: the index of every entry in the ledger that came through an outbox, rising. The caller MUST have drained
    this one, and MUST NOT serve after a refusal: a database from before a revocation knows the grant as good.
    """
    with database.read() as session:
        indexes = select(OutboxRow.entry_index).where(OutboxRow.entry_index.is_not(None))
        drained = session.scalars(indexes.order_by(OutboxRow.entry_index))
        for ours, theirs in zip_longest(drained, logged):
            if theirs is None or (ours is not None and ours < theirs):
                raise HistoryDiffers(f"the ledger has lost entry {ours}, which the database knows")
            if ours != theirs:
                raise HistoryDiffers(f"the database does not know entry {theirs} of the ledger")


def _owed(database: Database) -> list[tuple[int, bytes, str]]:
    columns = (OutboxRow.id, OutboxRow.entry, OutboxRow.key)
    with database.read() as session:
        owed = select(*columns).where(OutboxRow.entry_index.is_(None)).order_by(OutboxRow.id).limit(_BATCH)
        return [(number, entry, key) for number, entry, key in session.execute(owed)]
