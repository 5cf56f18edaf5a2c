"""The registry's tables; private to this room. Rows are only ever added: what ends, ends by a ruling or a hold."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.db import Base, CanonicalJson, UtcDateTime, closed_list
from sekisho.registry.models import AssetKind, InstitutionKind, PrincipalKind

_ID_CHARACTERS = 80


class InstitutionRow(Base):
    __tablename__ = "registry_institutions"

    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), primary_key=True)
    lei: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[InstitutionKind] = mapped_column(closed_list(InstitutionKind))
    name: Mapped[str]
    name_ja: Mapped[str | None]
    country: Mapped[str] = mapped_column(String(2))
    enrolled_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PrincipalRow(Base):
    """One principal. This row is the only place where the id, a pseudonym in the ledger, meets name and key."""

    __tablename__ = "registry_principals"

    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), primary_key=True)
    institution_id: Mapped[str] = mapped_column(ForeignKey(InstitutionRow.id), index=True)
    kind: Mapped[PrincipalKind] = mapped_column(closed_list(PrincipalKind))
    name: Mapped[str]
    # SQLAlchemy cannot resolve a recursive alias such as jcs.Json; the column's type checks the value.
    jwk: Mapped[Any] = mapped_column(CanonicalJson)
    # One key, one principal, in the whole programme: else one could act as the other.
    jkt: Mapped[str] = mapped_column(String(43), unique=True)
    enrolled_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Opens the ledger's commitment to `jkt`; None for those whose entry, of version 1, shows it.
    key_salt: Mapped[bytes | None] = mapped_column(LargeBinary)


class AssetRow(Base):
    __tablename__ = "registry_assets"
    __table_args__ = (UniqueConstraint("institution_id", "kind", "name"),)

    id: Mapped[str] = mapped_column(String(_ID_CHARACTERS), primary_key=True)
    institution_id: Mapped[str] = mapped_column(ForeignKey(InstitutionRow.id))
    kind: Mapped[AssetKind] = mapped_column(closed_list(AssetKind))
    name: Mapped[str]
    basis: Mapped[str]
    declared_at: Mapped[datetime] = mapped_column(UtcDateTime)
