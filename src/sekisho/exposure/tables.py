"""The tables of this room, private to it: inventories as they were recorded, none ever replaced."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.db import Base, UtcDateTime
from sekisho.formats.cyclonedx import MAX_TEXT
from sekisho.formats.purl import MAX_LENGTH


class InventoryRow(Base):
    """One SBOM of one institution. `salt` opens the ledger's commitment to the document."""

    __tablename__ = "exposure_inventories"

    # Rising, so that the newest of an institution is the one with the highest number.
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    institution: Mapped[str] = mapped_column(String(40), index=True)
    sbom_sha256: Mapped[str] = mapped_column(String(64))
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_incomplete: Mapped[bool]


class ComponentRow(Base):
    """One component of an inventory, in the document's order. `purl` is canonical."""

    __tablename__ = "exposure_components"

    inventory_number: Mapped[int] = mapped_column(ForeignKey("exposure_inventories.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_TEXT))
    version: Mapped[str | None] = mapped_column(String(MAX_TEXT))
    purl: Mapped[str | None] = mapped_column(String(3 * MAX_LENGTH))  # each octet may be percent-encoded
