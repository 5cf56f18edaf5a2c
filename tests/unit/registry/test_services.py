"""Enrolment: one change, one entry, no names in the log."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from sekisho.core import IdSource, SteadyClock
from sekisho.db import Database
from sekisho.db.outbox import OutboxRow
from sekisho.ledger import Entry, EntryKind, check_commitment, decode_entry
from sekisho.registry import (
    AlreadyEnrolled,
    AssetKind,
    AssetRefused,
    Institution,
    InstitutionKind,
    LeiRefused,
    NotEnrolled,
    PrincipalKind,
    TextRefused,
)
from sekisho.registry import services as registry
from sekisho.registry.tables import PrincipalRow
from sekisho.server.system import RandomIds
from sekisho.tokens import KeyRefused, public_key_of

MUFG = "C3GTMMZIHMY46P4OIX74"
SMBC = "5U0XI89JRFVHWIBS4F54"


def new_jwk() -> dict[str, str]:
    return public_key_of(Ed25519PrivateKey.generate().public_key()).to_jwk()


@pytest.fixture
def enrol(database: Database, ids: IdSource, clock: SteadyClock) -> Callable[..., Institution]:
    """Enrol a bank in a transaction of its own."""

    def act(**changed: Any) -> Institution:
        given = {"lei": MUFG, "kind": InstitutionKind.BANK, "name": "MUFG Bank", "name_ja": "三菱ＵＦＪ銀行"}
        with database.begin() as session:
            return registry.enrol_institution(
                session, **({**given, "country": "JP"} | changed), ids=ids, at=clock.now()
            )

    return act


SALT = bytes(range(32))


def entries(database: Database) -> list[Entry]:
    with database.read() as session:
        return [decode_entry(data) for data in session.scalars(select(OutboxRow.entry).order_by(OutboxRow.id))]


def test_what_is_enrolled_is_read_back(
    database: Database, ids: IdSource, clock: SteadyClock, enrol: Callable[..., Institution]
) -> None:
    """Institution, principal and asset come back as they were returned, and each left one entry."""
    bank = enrol()
    jwk = new_jwk()
    with database.begin() as session:
        person = registry.enrol_principal(
            session,
            institution_id=bank.id,
            kind=PrincipalKind.PERSON,
            name="山田 太郎",
            jwk=jwk,
            salt=SALT,
            ids=ids,
            at=clock.now(),
        )
        asset = registry.declare_asset(
            session,
            institution_id=bank.id,
            kind=AssetKind.PACKAGE,
            name="pkg:pypi/starlette@0.26.1",
            basis="We build and run it.",
            ids=ids,
            at=clock.now(),
        )
    with database.read() as session:
        assert registry.list_institutions(session) == (registry.get_institution(session, bank.id),) == (bank,)
        assert registry.list_principals(session) == (registry.get_principal(session, person.id),) == (person,)
        assert registry.list_assets(session) == (registry.get_asset(session, asset.id),) == (asset,)
    assert person.key.to_jwk() == jwk
    assert (person.id[:4], asset.id[:4]) == ("per_", "ast_")
    assert [entry.kind for entry in entries(database)] == [
        EntryKind.INSTITUTION_ENROLLED,
        EntryKind.PRINCIPAL_ENROLLED_V2,
        EntryKind.ASSET_DECLARED,
    ]


def test_entries_name_no_person_and_no_asset(
    database: Database, ids: IdSource, clock: SteadyClock, enrol: Callable[..., Institution]
) -> None:
    """Nothing is ever deleted from the log, so what could not be published is not written to it."""
    bank = enrol()
    with database.begin() as session:
        registry.enrol_principal(
            session,
            institution_id=bank.id,
            kind=PrincipalKind.PERSON,
            name="Taro Yamada",
            jwk=new_jwk(),
            salt=SALT,
            ids=ids,
            at=clock.now(),
        )
        registry.declare_asset(
            session,
            institution_id=bank.id,
            kind=AssetKind.HOST,
            name="secret.bank.example",
            basis="Ours by contract.",
            ids=ids,
            at=clock.now(),
        )
    text = repr([entry.body for entry in entries(database)])
    assert all(word not in text for word in ("Taro", "secret.bank", "contract"))


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"lei": "7VOTYQBDDXOK2GDJJ7Q3"}, LeiRefused),
        ({"lei": MUFG.lower()}, LeiRefused),
        ({"name": "МUFG"}, TextRefused),
        ({"name_ja": ""}, TextRefused),
        ({"country": "jp"}, TextRefused),
        ({"country": "ＪＰ"}, TextRefused),
    ],
)
def test_bad_input_leaves_neither_row_nor_entry(
    database: Database, enrol: Callable[..., Institution], changed: dict[str, str], refused: type[Exception]
) -> None:
    """A refusal is whole."""
    with pytest.raises(refused):
        enrol(**changed)
    assert entries(database) == []
    with database.read() as session:
        assert registry.list_institutions(session) == ()


def test_an_institution_is_enrolled_once(database: Database, enrol: Callable[..., Institution]) -> None:
    """By its LEI, whatever name is given the second time."""
    enrol()
    with pytest.raises(AlreadyEnrolled):
        enrol(name="Another Bank")
    assert len(entries(database)) == 1


def test_the_log_shows_a_pseudonym_and_a_commitment_and_nothing_that_leads_to_the_person(
    database: Database, ids: IdSource, clock: SteadyClock, enrol: Callable[..., Institution]
) -> None:
    """Not the key, which tokens show and other programmes may know; the office's salt opens what binds to it."""
    bank, jwk = enrol(), new_jwk()
    with database.begin() as session:
        person = registry.enrol_principal(
            session,
            institution_id=bank.id,
            kind=PrincipalKind.PERSON,
            name="Taro Yamada",
            jwk=jwk,
            salt=SALT,
            ids=ids,
            at=clock.now(),
        )
    (entry,) = [entry for entry in entries(database) if entry.kind is EntryKind.PRINCIPAL_ENROLLED_V2]
    assert set(entry.body) == {"principal", "institution", "principal_kind", "key_commitment"}
    for secret in (person.key.thumbprint, jwk["x"], "Yamada"):
        assert secret not in str(entry.body)
    check_commitment(str(entry.body["key_commitment"]), person.key.thumbprint.encode(), SALT)
    with database.read() as session:
        assert session.scalar(select(PrincipalRow.key_salt)) == SALT


def test_one_person_at_two_institutions_has_two_pseudonyms_that_do_not_meet(
    database: Database, clock: SteadyClock, enrol: Callable[..., Institution]
) -> None:
    """Ids are drawn, not derived: from the same name and the same moment come ids with nothing in common."""
    seen = []
    for institution in (enrol(), enrol(lei=SMBC, name="SMBC")):
        with database.begin() as session:
            person = registry.enrol_principal(
                session,
                institution_id=institution.id,
                kind=PrincipalKind.PERSON,
                name="Taro Yamada",
                jwk=new_jwk(),
                salt=bytes([len(seen)]) * 32,
                ids=RandomIds(),
                at=clock.now(),
            )
        seen.append(person.id)
    bodies = [entry.body for entry in entries(database) if entry.kind is EntryKind.PRINCIPAL_ENROLLED_V2]
    assert [body["principal"] for body in bodies] == seen
    assert len({*seen, *(body["key_commitment"] for body in bodies)}) == 4
    assert seen[0][4:12] != seen[1][4:12]


def test_a_key_belongs_to_one_principal_of_the_whole_programme(
    database: Database, ids: IdSource, clock: SteadyClock, enrol: Callable[..., Institution]
) -> None:
    """Also across institutions, and also described in another way."""
    bank, other = enrol(), enrol(lei=SMBC, name="SMBC")
    jwk = new_jwk()

    def act(institution_id: str, key: dict[str, str]) -> None:
        with database.begin() as session:
            registry.enrol_principal(
                session,
                institution_id=institution_id,
                kind=PrincipalKind.WORKLOAD,
                name="scanner",
                jwk=key,
                salt=SALT,
                ids=ids,
                at=clock.now(),
            )

    act(bank.id, jwk)
    for institution_id, key in ((bank.id, jwk), (other.id, {**jwk, "kid": "another name"})):
        with pytest.raises(AlreadyEnrolled):
            act(institution_id, key)
    with pytest.raises(KeyRefused):
        act(bank.id, {**new_jwk(), "d": "AAAA"})


def test_nobody_acts_for_an_institution_that_is_not_enrolled(
    database: Database, ids: IdSource, clock: SteadyClock
) -> None:
    """Principals and assets need their institution."""
    with pytest.raises(NotEnrolled), database.begin() as session:
        registry.enrol_principal(
            session,
            institution_id="ins_none",
            kind=PrincipalKind.PERSON,
            name="x",
            jwk=new_jwk(),
            salt=SALT,
            ids=ids,
            at=clock.now(),
        )
    with pytest.raises(NotEnrolled), database.begin() as session:
        registry.declare_asset(
            session,
            institution_id="ins_none",
            kind=AssetKind.HOST,
            name="a.example",
            basis="x",
            ids=ids,
            at=clock.now(),
        )


def test_an_asset_is_declared_once_by_each_who_controls_it(
    database: Database, ids: IdSource, clock: SteadyClock, enrol: Callable[..., Institution]
) -> None:
    """Two institutions may each run a copy; one does not declare the same copy twice."""
    bank, other = enrol(), enrol(lei=SMBC, name="SMBC")

    def act(institution_id: str, name: str = "pkg:pypi/starlette@0.26.1") -> None:
        with database.begin() as session:
            registry.declare_asset(
                session,
                institution_id=institution_id,
                kind=AssetKind.PACKAGE,
                name=name,
                basis="We run it.",
                ids=ids,
                at=clock.now(),
            )

    act(bank.id)
    act(other.id)
    with pytest.raises(AlreadyEnrolled):
        act(bank.id)
    with pytest.raises(AssetRefused):
        act(bank.id, "starlette")


@pytest.mark.parametrize("look_up", [registry.get_institution, registry.get_principal, registry.get_asset])
def test_what_is_not_there_is_not_enrolled(database: Database, look_up: Callable[..., object]) -> None:
    """A hostile id is text like any other."""
    with database.read() as session, pytest.raises(NotEnrolled):
        look_up(session, "x' OR 1=1 --")
