"""Enrolling and looking up. Each act is one change and one ledger entry, in the caller's transaction.

Entries name people by id alone, a pseudonym that is drawn anew for each enrolment and means nothing elsewhere; name and
key stay in this room. A name in a log that nothing is deleted from could never be forgotten.
"""

import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sekisho.core import IdSource
from sekisho.core.ids import AssetId, InstitutionId, PrincipalId
from sekisho.db import record
from sekisho.formats import jcs
from sekisho.ledger import Entry, EntryKind, commit, encode_entry
from sekisho.registry.assets import check_asset_name
from sekisho.registry.errors import AlreadyEnrolled, NotEnrolled, TextRefused
from sekisho.registry.lei import Lei, institution_id_of, parse_lei
from sekisho.registry.models import Asset, AssetKind, Institution, InstitutionKind, Principal, PrincipalKind
from sekisho.registry.tables import AssetRow, InstitutionRow, PrincipalRow
from sekisho.registry.text import check_name, check_statement
from sekisho.tokens import PublicKey, parse_jwk

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


def enrol_institution(
    session: Session,
    *,
    lei: str,
    kind: InstitutionKind,
    name: str,
    name_ja: str | None,
    country: str,
    ids: IdSource,
    at: datetime,
) -> Institution:
    """Enrol the institution with `lei`; its id follows from it. `country`: ISO 3166-1 alpha-2.

    Raises LeiRefused, TextRefused or AlreadyEnrolled.
    """
    checked = parse_lei(lei)
    institution_id = institution_id_of(checked)
    if not _COUNTRY.fullmatch(country):
        raise TextRefused("a country is two letters A-Z", hint="Use ISO 3166-1 alpha-2, such as JP.")
    if session.get(InstitutionRow, institution_id) is not None:
        raise AlreadyEnrolled(f"the institution with LEI {checked} is enrolled")
    row = InstitutionRow(
        id=institution_id,
        lei=checked,
        kind=kind,
        name=check_name(name),
        name_ja=None if name_ja is None else check_name(name_ja),
        country=country,
        enrolled_at=at,
    )
    session.add(row)
    body: dict[str, jcs.Json] = {"institution": row.id, "lei": row.lei, "institution_kind": kind.value}
    _record(session, EntryKind.INSTITUTION_ENROLLED, row.id, body, ids=ids, at=at)
    return _institution(row)


def enrol_principal(
    session: Session,
    *,
    institution_id: str,
    kind: PrincipalKind,
    name: str,
    jwk: jcs.Json,
    salt: bytes,
    ids: IdSource,
    at: datetime,
) -> Principal:
    """Enrol a person or workload of an institution with `jwk`, its public key (RFC 7517). `salt`: 32 random bytes.

    Raises tokens.KeyRefused, TextRefused, NotEnrolled or AlreadyEnrolled. The caller MUST have
    seen the principal prove that it holds the key, or have the key from the institution.
    """
    key = parse_jwk(jwk)
    get_institution(session, institution_id)
    if session.scalar(select(PrincipalRow.id).where(PrincipalRow.jkt == key.thumbprint)) is not None:
        raise AlreadyEnrolled("this key is enrolled", hint="Make a new key: each principal has one of its own.")
    row = PrincipalRow(
        id=ids.new(kind.id_prefix),
        institution_id=institution_id,
        kind=kind,
        name=check_name(name),
        jwk=key.to_jwk(),
        jkt=key.thumbprint,
        enrolled_at=at,
        key_salt=salt,
    )
    session.add(row)
    body: dict[str, jcs.Json] = {
        "principal": row.id,
        "institution": institution_id,
        "principal_kind": kind.value,
        "key_commitment": commit(key.thumbprint.encode(), salt),
    }
    _record(session, EntryKind.PRINCIPAL_ENROLLED_V2, row.id, body, ids=ids, at=at)
    return _principal(row)


def declare_asset(
    session: Session,
    *,
    institution_id: str,
    kind: AssetKind,
    name: str,
    basis: str,
    ids: IdSource,
    at: datetime,
) -> Asset:
    """Record that an institution says that it controls an asset, and on what `basis`.

    Raises AssetRefused, TextRefused, NotEnrolled or AlreadyEnrolled. The entry leaves name and basis out: a bank's
    hosts are no public list. The snapshot, whose digest is logged, binds the name.
    """
    get_institution(session, institution_id)
    same = select(AssetRow.id).where(
        AssetRow.institution_id == institution_id, AssetRow.kind == kind, AssetRow.name == check_asset_name(kind, name)
    )
    if (known := session.scalar(same)) is not None:
        raise AlreadyEnrolled(f"the institution declared this asset before, as {known}")
    row = AssetRow(
        id=ids.new("ast"),
        institution_id=institution_id,
        kind=kind,
        name=name,
        basis=check_statement(basis),
        declared_at=at,
    )
    session.add(row)
    body: dict[str, jcs.Json] = {"asset": row.id, "institution": institution_id, "asset_kind": kind.value}
    _record(session, EntryKind.ASSET_DECLARED, row.id, body, ids=ids, at=at)
    return _asset(row)


def get_institution(session: Session, institution_id: str) -> Institution:
    """Return the institution, or raise NotEnrolled."""
    row = session.get(InstitutionRow, institution_id)
    if row is None:
        raise NotEnrolled(f"no institution {institution_id[:80]!r}")
    return _institution(row)


def get_principal(session: Session, principal_id: str) -> Principal:
    """Return the principal, or raise NotEnrolled."""
    row = session.get(PrincipalRow, principal_id)
    if row is None:
        raise NotEnrolled(f"no principal {principal_id[:80]!r}")
    return _principal(row)


def find_principal_key(session: Session, principal_id: str) -> PublicKey | None:
    """Return the key that the principal enrolled with, or None."""
    jwk = session.scalar(select(PrincipalRow.jwk).where(PrincipalRow.id == principal_id))
    return None if jwk is None else parse_jwk(jwk)


def get_asset(session: Session, asset_id: str) -> Asset:
    """Return the asset, or raise NotEnrolled."""
    row = session.get(AssetRow, asset_id)
    if row is None:
        raise NotEnrolled(f"no asset {asset_id[:80]!r}")
    return _asset(row)


def list_institutions(session: Session) -> tuple[Institution, ...]:
    """Return every institution, in order of id."""
    return tuple(_institution(row) for row in session.scalars(select(InstitutionRow).order_by(InstitutionRow.id)))


def list_principals(session: Session) -> tuple[Principal, ...]:
    """Return every principal, in order of id."""
    return tuple(_principal(row) for row in session.scalars(select(PrincipalRow).order_by(PrincipalRow.id)))


def list_assets(session: Session) -> tuple[Asset, ...]:
    """Return every asset, in order of id."""
    return tuple(_asset(row) for row in session.scalars(select(AssetRow).order_by(AssetRow.id)))


def _record(
    session: Session, kind: EntryKind, subject_id: str, body: dict[str, jcs.Json], *, ids: IdSource, at: datetime
) -> None:
    # The entry's key names the event: a thing is enrolled once.
    entry = Entry(kind=kind, at=at, id=ids.new("ent"), body=body)
    record(session, encode_entry(entry), key=f"{kind.value}/{subject_id}")


def _institution(row: InstitutionRow) -> Institution:
    return Institution(
        id=InstitutionId(row.id),
        lei=Lei(row.lei),
        kind=row.kind,
        name=row.name,
        name_ja=row.name_ja,
        country=row.country,
        enrolled_at=row.enrolled_at,
    )


def _principal(row: PrincipalRow) -> Principal:
    return Principal(
        id=PrincipalId(row.id),
        institution_id=InstitutionId(row.institution_id),
        kind=row.kind,
        name=row.name,
        key=parse_jwk(row.jwk),
        enrolled_at=row.enrolled_at,
    )


def _asset(row: AssetRow) -> Asset:
    return Asset(
        id=AssetId(row.id),
        institution_id=InstitutionId(row.institution_id),
        kind=row.kind,
        name=row.name,
        basis=row.basis,
        declared_at=row.declared_at,
    )
