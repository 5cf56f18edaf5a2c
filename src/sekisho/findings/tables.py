"""The tables of this room, private to it: campaigns and findings as they were recorded, none ever replaced."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.db import Base, UtcDateTime, closed_list
from sekisho.findings.types import Severity, State, StateReason

_ID_CHARACTERS = 80


class CampaignRow(Base):
    """A report. `salt` opens the ledger's commitment to the canonical JSON whose digest `report_sha256` is."""

    __tablename__ = "findings_campaign"

    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), primary_key=True)
    institution_id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), index=True)
    asset_id: Mapped[str] = mapped_column(String(_ID_CHARACTERS))
    report_sha256: Mapped[str] = mapped_column(String(64))
    report: Mapped[bytes] = mapped_column(LargeBinary)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FindingRow(Base):
    """A finding. `document`: its canonical JSON as recorded, which `salt` opens; its state moves beside it."""

    __tablename__ = "findings_finding"
    __table_args__ = (UniqueConstraint("institution_id", "asset_id", "fingerprint"),)

    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), primary_key=True)
    institution_id: Mapped[str] = mapped_column(String(_ID_CHARACTERS))
    asset_id: Mapped[str] = mapped_column(String(_ID_CHARACTERS))
    campaign_id: Mapped[str] = mapped_column(ForeignKey(CampaignRow.id), index=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    severity: Mapped[Severity] = mapped_column(closed_list(Severity))
    state: Mapped[State] = mapped_column(closed_list(State))
    state_reason: Mapped[StateReason | None] = mapped_column(closed_list(StateReason))
    document: Mapped[bytes] = mapped_column(LargeBinary)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
