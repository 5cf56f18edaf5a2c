"""A programme in small: parties with keys, a charter, institutions, and documents that they sign."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from sekisho.access import Snapshot, SnapshotGrant, SnapshotHold, TargetKind
from sekisho.access.services import bring_accord_into_force, build_snapshot, issue_grant, place_hold, revoke_grant
from sekisho.access.snapshot import (
    GrantState,
    SnapshotAsset,
    SnapshotInstitution,
    SnapshotLab,
    SnapshotPrincipal,
)
from sekisho.core import IdSource, SteadyClock, Window
from sekisho.core.ids import AccordId, AssetId, GrantId, HoldId, InstitutionId, PrincipalId
from sekisho.db import Base, Database, sqlite_url
from sekisho.db.outbox import OutboxRow
from sekisho.formats import dsse, jcs
from sekisho.ledger import Entry, decode_entry
from sekisho.registry import AssetKind, Institution, InstitutionKind, Principal, PrincipalKind, parse_lei
from sekisho.registry import services as registry
from sekisho.tokens import PublicKey, public_key_of
from sekisho.trust import (
    Accord,
    AllOf,
    Budget,
    Charter,
    Grant,
    Hold,
    LabModels,
    LabOfAccord,
    LogKey,
    Model,
    OneParty,
    Party,
    PartyKey,
    Revocation,
    Role,
    Target,
    accord_payload,
    grant_payload,
    hold_payload,
    raw_key,
    revocation_payload,
)

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
YEAR = Window(opens=NOW - timedelta(days=30), closes=NOW + timedelta(days=330))
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in ("lab-a", "lab-b", "home")}
MUFG, SMBC = "C3GTMMZIHMY46P4OIX74", "5U0XI89JRFVHWIBS4F54"

CHARTER = Charter(
    programme="sekisho.example",
    version=1,
    previous=None,
    valid=YEAR,
    parties=tuple(
        Party(name=name, role=role, keys=(PartyKey(raw=raw_key(KEYS[name].public_key()), window=YEAR),))
        for name, role in (("lab-a", Role.LAB), ("lab-b", Role.LAB), ("home", Role.HOME))
    ),
    grant_rule=AllOf(rules=(LabOfAccord(), OneParty(name="home"))),
    decisions=LogKey(origin="sekisho.example/decisions", vkey="unused"),
    labs=(LabModels(party="lab-a", models=("red-1", "blue-1")), LabModels(party="lab-b", models=("other-1",))),
    hold_term=timedelta(days=7),
)


def signed(kind: str, payload: jcs.Json, *parties: str) -> bytes:
    """Return a document of `kind` signed by `parties`."""
    envelope = dsse.seal(kind, payload)
    for party in parties:
        envelope = dsse.sign(envelope, party=party, key=KEYS[party])
    return dsse.encode(envelope)


def token_key() -> PublicKey:
    return public_key_of(Ed25519PrivateKey.from_private_bytes(b"t" * 32).public_key())


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """Two banks with a person and an asset each, and an accord of lab-a in force."""

    database: Database
    ids: IdSource
    clock: SteadyClock
    charter: Charter
    accord: Accord
    banks: tuple[Institution, ...]
    people: tuple[Principal, ...]
    assets: tuple[AssetId, ...]

    def grant(self, **changed: Any) -> Grant:
        """Return a draft of the first bank's grant."""
        draft = Grant(
            id=GrantId(self.ids.new("grt")),
            accord_id=self.accord.id,
            institution_id=self.banks[0].id,
            principals=(self.people[0].id,),
            lab="lab-a",
            models=("red-1",),
            tier="red",
            assets=(self.assets[0],),
            techniques=("find",),
            budget=Budget(tokens=1000, calls=10),
            window=Window(opens=NOW, closes=NOW + timedelta(days=30)),
        )
        return replace(draft, **changed)

    def sign(self, kind: str, payload: jcs.Json, *parties: str) -> bytes:
        """Return a document of `kind` signed by `parties`."""
        return signed(kind, payload, *parties)

    def issue(self, grant: Grant, *parties: str) -> Grant:
        data = signed("grant", grant_payload(grant), *(parties or ("lab-a", "home")))
        with self.database.begin() as session:
            return issue_grant(session, data, CHARTER, ids=self.ids, at=self.clock.now())

    def hold(self, kind: TargetKind, target_id: str, **changed: Any) -> Hold:
        """Return a draft of a hold by the home government for a day."""
        now = self.clock.now()
        draft = Hold(
            id=HoldId(self.ids.new("hld")),
            programme="sekisho.example",
            placed_by="home",
            target=Target(kind=kind, id=target_id),
            basis="Reported misuse.",
            placed_at=now,
            lapses_at=now + timedelta(days=1),
        )
        return replace(draft, **changed)

    def place(self, hold: Hold, party: str = "home") -> Hold:
        data = signed("hold", hold_payload(hold), party)
        with self.database.begin() as session:
            return place_hold(session, data, CHARTER, ids=self.ids, at=self.clock.now())

    def revoke(self, data: bytes) -> Revocation:
        with self.database.begin() as session:
            return revoke_grant(session, data, CHARTER, ids=self.ids, at=self.clock.now())

    def entries(self) -> list[Entry]:
        """Return what the ledger is owed so far."""
        with self.database.read() as session:
            return [decode_entry(data) for data in session.scalars(select(OutboxRow.entry).order_by(OutboxRow.id))]

    def revocation(self, grant: Grant, **changed: Any) -> bytes:
        draft = Revocation(
            grant_id=grant.id, accord_id=grant.accord_id, lab="lab-a", basis="It is over.", revoked_at=self.clock.now()
        )
        return signed("revocation", revocation_payload(replace(draft, **changed)), "lab-a", "home")

    def snapshot(self, version: int = 1) -> Snapshot:
        with self.database.read() as session:
            return build_snapshot(
                session,
                version=version,
                made_at=self.clock.now(),
                lease_s=5,
                issuer="https://control.example",
                token_keys=(token_key(),),
                labs=CHARTER.labs,
            )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open database with every table."""
    database = Database.open(sqlite_url(tmp_path / "control.db"))
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def programme(database: Database, ids: IdSource, clock: SteadyClock) -> Programme:
    """A programme with its accord in force and no grant yet."""
    accord = Accord(
        id=AccordId(ids.new("acc")),
        programme="sekisho.example",
        lab="lab-a",
        models=(Model(name="red-1", tier="red"), Model(name="blue-1", tier="blue")),
        kinds=("bank",),
        techniques=("find", "verify"),
        conditions=("Own assets alone.",),
        valid=YEAR,
    )
    banks, people, assets = [], [], []
    with database.begin() as session:
        data = signed("accord", accord_payload(accord), "lab-a", "home")
        bring_accord_into_force(session, data, CHARTER, ids=ids, at=NOW)
        for lei, name in ((MUFG, "MUFG Bank"), (SMBC, "SMBC")):
            bank = registry.enrol_institution(
                session, lei=lei, kind=InstitutionKind.BANK, name=name, name_ja=None, country="JP", ids=ids, at=NOW
            )
            key = public_key_of(Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)).public_key())
            person = registry.enrol_principal(
                session,
                institution_id=bank.id,
                kind=PrincipalKind.PERSON,
                name="A Person",
                jwk=key.to_jwk(),
                salt=b"s" * 32,
                ids=ids,
                at=NOW,
            )
            asset = registry.declare_asset(
                session,
                institution_id=bank.id,
                kind=AssetKind.PACKAGE,
                name="pkg:pypi/starlette@0.26.1",
                basis="We run it.",
                ids=ids,
                at=NOW,
            )
            banks.append(bank)
            people.append(person)
            assets.append(asset.id)
    return Programme(
        database=database,
        ids=ids,
        clock=clock,
        charter=CHARTER,
        accord=accord,
        banks=tuple(banks),
        people=tuple(people),
        assets=tuple(assets),
    )


class Small:
    """Snapshot parts by hand, for pure tests."""

    def grant(self, number: int = 1, **changed: Any) -> SnapshotGrant:
        """Return a grant of bank 1 to its person on its asset, numbered."""
        grant = SnapshotGrant(
            id=GrantId(f"grt_{number}"),
            accord_id=AccordId("acc_1"),
            institution_id=InstitutionId("ins_1"),
            principals=(PrincipalId("per_1"),),
            lab="lab-a",
            models=("red-1",),
            tier="red",
            assets=(AssetId("ast_1"),),
            techniques=("find",),
            budget_tokens=1000,
            budget_calls=10,
            window=Window(opens=NOW - timedelta(hours=1), closes=NOW + timedelta(hours=1)),
            state=GrantState.ACTIVE,
        )
        return replace(grant, **changed)

    def hold(self, kind: TargetKind, target_id: str, **changed: Any) -> SnapshotHold:
        """Return a hold for an hour from now."""
        hold = SnapshotHold(
            id=HoldId(f"hld_{kind.value}_{target_id}"),
            target_kind=kind,
            target_id=target_id,
            placed_by="home",
            placed_at=NOW,
            lapses_at=NOW + timedelta(hours=1),
        )
        return replace(hold, **changed)

    def snapshot(self, **changed: Any) -> Snapshot:
        """Return a snapshot of two banks with a person and an asset each, two labs, and bank 1's grant."""
        snapshot = Snapshot(
            version=7,
            made_at=NOW,
            lease_s=5,
            issuer="https://control.example",
            token_keys=(token_key(),),
            institutions=tuple(
                SnapshotInstitution(id=InstitutionId(f"ins_{n}"), lei=parse_lei(lei), kind=InstitutionKind.BANK)
                for n, lei in ((1, MUFG), (2, SMBC))
            ),
            principals=tuple(
                SnapshotPrincipal(
                    id=PrincipalId(f"per_{n}"),
                    institution_id=InstitutionId(f"ins_{n}"),
                    kind=PrincipalKind.PERSON,
                    jkt=f"key-{n}",
                )
                for n in (1, 2)
            ),
            assets=tuple(
                SnapshotAsset(
                    id=AssetId(f"ast_{n}"),
                    institution_id=InstitutionId("ins_1" if n < 3 else "ins_2"),
                    kind=AssetKind.HOST,
                    name=f"host{n}.example",
                )
                for n in (1, 2, 3)
            ),
            grants=(self.grant(),),
            holds=(),
            labs=(
                SnapshotLab(party="lab-a", models=("red-1", "blue-1")),
                SnapshotLab(party="lab-b", models=("other-1",)),
            ),
        )
        return replace(snapshot, **changed)


@pytest.fixture(scope="session")
def small() -> Small:
    """A maker of small snapshots."""
    return Small()
