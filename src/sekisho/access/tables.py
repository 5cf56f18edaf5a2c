"""Documents in force; private to this room.

The signed document is the record, and is kept as it came; the columns beside it are what we look it up by, and what
happened to it since. Nothing is updated but a grant's state, and that once, from active to revoked. Ids of other rooms
are no foreign keys: their tables are their own, and `services.py` asks them.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.access.snapshot import GrantState
from sekisho.db import Base, UtcDateTime, closed_list
from sekisho.trust import TargetKind

_ID_CHARACTERS = 80
# A model's name is the longest thing that a hold can stop.
_TARGET_CHARACTERS = 128
_SHA256_HEX_CHARACTERS = 64


class AccordRow(Base):
    __tablename__ = "access_accords"

    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), primary_key=True)
    document_sha256: Mapped[str] = mapped_column(String(_SHA256_HEX_CHARACTERS))
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
    in_force_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GrantRow(Base):
    __tablename__ = "access_grants"

    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), primary_key=True)
    accord_id: Mapped[str] = mapped_column(ForeignKey(AccordRow.id), index=True)
    institution_id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), index=True)
    state: Mapped[GrantState] = mapped_column(closed_list(GrantState))
    document_sha256: Mapped[str] = mapped_column(String(_SHA256_HEX_CHARACTERS))
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RevocationRow(Base):
    __tablename__ = "access_revocations"

    # A grant ends once.
    grant_id: Mapped[str] = mapped_column(ForeignKey(GrantRow.id), primary_key=True)
    document_sha256: Mapped[str] = mapped_column(String(_SHA256_HEX_CHARACTERS))
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
    revoked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HoldRow(Base):
    __tablename__ = "access_holds"
    __table_args__ = (Index(None, "placed_by", "target_kind", "target_id"),)

    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), primary_key=True)
    placed_by: Mapped[str] = mapped_column(String(_ID_CHARACTERS))
    target_kind: Mapped[TargetKind] = mapped_column(closed_list(TargetKind))
    target_id: Mapped[str] = mapped_column(String(_TARGET_CHARACTERS))
    document_sha256: Mapped[str] = mapped_column(String(_SHA256_HEX_CHARACTERS))
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lapses_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
