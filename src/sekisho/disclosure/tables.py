"""The tables of this room, private to it. A finding's detail is in `preimage` alone, which stays in this database."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.db import Base, CanonicalJson, UtcDateTime


class CaseRow(Base):
    """One case. `told`: affected versions, mitigation and basis as JSON; `preimage` opens the commitment."""

    __tablename__ = "disclosure_cases"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    finding_id: Mapped[str] = mapped_column(String(40), unique=True)
    owner: Mapped[str] = mapped_column(String(40), index=True)
    told: Mapped[Any] = mapped_column(CanonicalJson)
    embargo_state: Mapped[str] = mapped_column(String(1))
    lifts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    commitment: Mapped[str] = mapped_column(String(128))
    preimage: Mapped[bytes] = mapped_column(LargeBinary)


class NoticeRow(Base):
    """One notice, with its files as they were issued. `salt` opens the ledger's commitment to their manifest."""

    __tablename__ = "disclosure_notices"
    __table_args__ = (UniqueConstraint("case_id", "institution"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("disclosure_cases.id"))
    institution: Mapped[str] = mapped_column(String(40))
    tlp: Mapped[str] = mapped_column(String(20))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    salt: Mapped[bytes] = mapped_column(LargeBinary)


class NoticeFileRow(Base):
    """One file of a notice."""

    __tablename__ = "disclosure_notice_files"

    notice_id: Mapped[str] = mapped_column(ForeignKey("disclosure_notices.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    data: Mapped[bytes] = mapped_column(LargeBinary)
