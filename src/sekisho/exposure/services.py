"""Inventories in the database, and the matching of all of them. The ledger learns that one came, not what it lists."""

from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from sekisho.core import Clock, IdSource
from sekisho.core.ids import InstitutionId
from sekisho.db import record
from sekisho.exposure.matching import expose
from sekisho.exposure.tables import ComponentRow, InventoryRow
from sekisho.exposure.types import Affected, Exposure, Inventory, ReceivedSbom
from sekisho.formats import purl
from sekisho.formats.cyclonedx import Component
from sekisho.ledger.commitment import commit
from sekisho.ledger.entries import Entry, EntryKind, encode_entry


def record_inventory(
    session: Session, *, institution: InstitutionId, sbom: ReceivedSbom, salt: bytes, clock: Clock, ids: IdSource
) -> Inventory:
    """Keep `sbom` as the institution's newest inventory. Recording the newest document once more changes nothing.

    `sbom` comes from `read_sbom`, which the caller runs outside the transaction: reading a hostile one takes seconds,
    in which no hold could be placed. `salt`: 32 random bytes, new for every document.
    Steps: (1) return what is there if it is the same; (2) keep it; (3) owe the ledger its entry.
    """
    # (1)
    newest = _newest(session, institution)
    if newest is not None and newest.sbom_sha256 == sbom.sha256:
        return _inventory(session, newest)
    # (2)
    row = InventoryRow(
        id=ids.new("inv"),
        institution=institution,
        sbom_sha256=sbom.sha256,
        salt=salt,
        recorded_at=clock.now(),
        is_incomplete=sbom.document.is_incomplete,
    )
    session.add(row)
    session.flush()
    _keep_components(session, row.number, sbom.document.components)
    # (3)
    entry = Entry(
        kind=EntryKind.INVENTORY_RECORDED,
        at=row.recorded_at,
        id=row.id,
        body={
            "institution": institution,
            "commitment": commit(sbom.data, salt),
            "components": len(sbom.document.components),
        },
    )
    record(session, encode_entry(entry), key=f"inventory-recorded/{row.id}")
    return _inventory(session, row)


def newest_inventory(session: Session, institution: InstitutionId) -> Inventory | None:
    """Return the inventory that `institution` sent last, None if it sent none."""
    row = _newest(session, institution)
    return None if row is None else _inventory(session, row)


def match_all(
    session: Session, affected: Affected, *, institutions: Iterable[InstitutionId]
) -> tuple[tuple[InstitutionId, Exposure], ...]:
    """Return the exposure of each of `institutions` by its newest inventory, in order of id; without one, unknown."""
    return tuple(
        (institution, expose(newest_inventory(session, institution), affected))
        for institution in sorted(set(institutions))
    )


def _newest(session: Session, institution: InstitutionId) -> InventoryRow | None:
    rows = select(InventoryRow).where(InventoryRow.institution == institution)
    return session.scalar(rows.order_by(InventoryRow.number.desc()).limit(1))


def _keep_components(session: Session, number: int, components: tuple[Component, ...]) -> None:
    rows = [
        {
            "inventory_number": number,
            "position": position,
            "name": component.name,
            "version": component.version,
            "purl": None if component.purl is None else purl.write(component.purl),
        }
        for position, component in enumerate(components)
    ]
    if rows:
        session.execute(insert(ComponentRow), rows)


def _inventory(session: Session, row: InventoryRow) -> Inventory:
    rows = select(ComponentRow).where(ComponentRow.inventory_number == row.number).order_by(ComponentRow.position)
    return Inventory(
        institution=InstitutionId(row.institution),
        sbom_sha256=row.sbom_sha256,
        recorded_at=row.recorded_at,
        components=tuple(_component(item) for item in session.scalars(rows)),
        is_incomplete=row.is_incomplete,
    )


def _component(row: ComponentRow) -> Component:
    return Component(name=row.name, version=row.version, purl=None if row.purl is None else purl.parse(row.purl))
