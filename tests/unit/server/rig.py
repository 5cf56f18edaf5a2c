"""A control plane in one folder, on real parts: SQLite, a real log, real keys. Loaded by path: tests are no package.

`World.open()` builds an office over the folder as the process does; opening again is what a restart does.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import SteadyClock, Window
from sekisho.core.ids import AccordId, GrantId, HoldId
from sekisho.db import Database, sqlite_url
from sekisho.formats import dsse, jcs
from sekisho.ledger import Entry, EntryKind, Log
from sekisho.ledger.steps import AtStep, Step, pass_by
from sekisho.registry import AssetKind, InstitutionKind, PrincipalKind
from sekisho.registry import services as registry
from sekisho.server.migrations import migrate
from sekisho.server.office import ControlOffice
from sekisho.server.places import DataDir
from sekisho.server.setup import DEFAULT_SETTINGS, prepare, read_credential, read_key
from sekisho.tokens import SigningKey, public_key_of
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
    TargetKind,
    accord_payload,
    charter_payload,
    grant_payload,
    hold_payload,
    raw_key,
    revocation_payload,
)

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
YEAR = Window(opens=NOW - timedelta(days=30), closes=NOW + timedelta(days=330))
PARTIES = {"lab-a": Role.LAB, "lab-b": Role.LAB, "home": Role.HOME}
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in PARTIES}
QUORUM = ("lab-a", "home")
MUFG = "C3GTMMZIHMY46P4OIX74"
ISSUER = "http://127.0.0.1:8440"
GATE_ORIGIN = "http://127.0.0.1:8441"


class Ids:
    """Ids that count upwards, and go on counting over restarts."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._count):026d}"


class Crash(BaseException):
    """The process dies here: no handler of ours may see it."""


@dataclass
class Broken:
    """A disk that fails on demand: pass `at` to a log, then arm it with the steps that fail."""

    steps: set[Step] = field(default_factory=set)

    def at(self, step: Step) -> None:
        if step in self.steps:
            raise OSError(28, "No space left on device")


@dataclass
class World:
    """One data directory. `office` and `log` are those that `open` made last."""

    places: DataDir
    clock: SteadyClock = field(default_factory=lambda: SteadyClock(NOW))
    ids: Ids = field(default_factory=Ids)
    office: ControlOffice = field(init=False)
    log: Log = field(init=False)
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        prepare(self.places, replace(DEFAULT_SETTINGS, control_port=0, gate_port=0, gate_admin_port=0))

    @contextmanager
    def open(self, *, at_step: AtStep = pass_by, start: bool = True) -> Iterator[ControlOffice]:
        """Run a control plane's office over the folder until the block ends."""
        self.database = _open_database(self.places.control_db)
        self.log = Log.open(
            store=self.places.decisions_store,
            public=self.places.ledger / "decisions",
            origin="sekisho.example/decisions",
            key=read_key(self.places.ledger_key),
            clock=self.clock,
            at_step=at_step,
        )
        try:
            self.office = ControlOffice(
                places=self.places,
                database=self.database,
                log=self.log,
                clock=self.clock,
                ids=self.ids,
                issuer=ISSUER,
                token_key=public_key_of(read_key(self.places.token_key).public_key()),
                gate_secrets={"gate-0": read_credential(self.places.link_token("gate-0"))},
            )
            if start:
                self.office.start()
            yield self.office
        finally:
            self.log.close()
            self.database.close()

    def entries(self) -> list[Entry]:
        return [entry for _, entry in self.log.entries()]

    def kinds(self) -> list[EntryKind]:
        return [entry.kind for entry in self.entries()]

    def counted(self, kind: EntryKind) -> int:
        return self.kinds().count(kind)

    def charter(self, **changed: Any) -> bytes:
        """Return a charter over this ledger, signed by its quorum."""
        charter = Charter(
            programme="sekisho.example",
            version=1,
            previous=None,
            valid=YEAR,
            parties=tuple(
                Party(name=name, role=role, keys=(PartyKey(raw=raw_key(KEYS[name].public_key()), window=YEAR),))
                for name, role in PARTIES.items()
            ),
            grant_rule=AllOf(rules=(LabOfAccord(), OneParty(name="home"))),
            decisions=LogKey(origin="sekisho.example/decisions", vkey=self.log.vkey),
            labs=(LabModels(party="lab-a", models=("red-1",)), LabModels(party="lab-b", models=("other-1",))),
            hold_term=timedelta(days=7),
        )
        return signed("charter", charter_payload(replace(charter, **changed)), *QUORUM)

    def accord(self, *parties: str, **changed: Any) -> bytes:
        accord = Accord(
            id=AccordId("acc_00000000000000000000000001"),
            programme="sekisho.example",
            lab="lab-a",
            models=(Model(name="red-1", tier="red"),),
            kinds=("bank",),
            techniques=("find",),
            conditions=("Own assets alone.",),
            valid=YEAR,
        )
        return signed("accord", accord_payload(replace(accord, **changed)), *(parties or QUORUM))

    def hold(self, *parties: str, target: Target | None = None, **changed: Any) -> bytes:
        hold = Hold(
            id=HoldId(self.ids.new("hld")),
            programme="sekisho.example",
            placed_by="home",
            target=target or Target(kind=TargetKind.LAB, id="lab-a"),
            basis="Reported misuse.",
            placed_at=self.clock.now(),
            lapses_at=self.clock.now() + timedelta(hours=1),
        )
        return signed("hold", hold_payload(replace(hold, **changed)), *(parties or ("home",)))

    def grant(self, bank: "Bank", *parties: str, **changed: Any) -> bytes:
        grant = Grant(
            id=GrantId(self.ids.new("grt")),
            accord_id=AccordId("acc_00000000000000000000000001"),
            institution_id=bank.institution.id,
            principals=(bank.principal.id,),
            lab="lab-a",
            models=("red-1",),
            tier="red",
            assets=(bank.asset.id,),
            techniques=("find",),
            budget=Budget(tokens=1000, calls=10),
            window=Window(opens=NOW, closes=NOW + timedelta(days=30)),
        )
        return signed("grant", grant_payload(replace(grant, **changed)), *(parties or QUORUM))

    def revocation(self, grant_id: str, *parties: str) -> bytes:
        revocation = Revocation(
            grant_id=GrantId(grant_id),
            accord_id=AccordId("acc_00000000000000000000000001"),
            lab="lab-a",
            basis="It is over.",
            revoked_at=self.clock.now(),
        )
        return signed("revocation", revocation_payload(revocation), *(parties or QUORUM))

    def enrol(self) -> "Bank":
        """Enrol a bank with one workload and one asset, through acts."""
        key = SigningKey(Ed25519PrivateKey.from_private_bytes(b"w" * 32))
        common: dict[str, Any] = {"ids": self.ids, "at": NOW}
        institution = self.office.act(
            lambda session: registry.enrol_institution(
                session, lei=MUFG, kind=InstitutionKind.BANK, name="MUFG Bank", name_ja=None, country="JP", **common
            )
        ).value
        principal = self.office.act(
            lambda session: registry.enrol_principal(
                session,
                institution_id=institution.id,
                kind=PrincipalKind.WORKLOAD,
                name="hunter",
                jwk=key.public.to_jwk(),
                salt=b"s" * 32,
                **common,
            )
        ).value
        asset = self.office.act(
            lambda session: registry.declare_asset(
                session,
                institution_id=institution.id,
                kind=AssetKind.HOST,
                name="bank.example",
                basis="It is ours.",
                **common,
            )
        ).value
        return Bank(institution=institution, principal=principal, asset=asset, key=key)


_migrated: list[bytes] = []


def _open_database(path: Path) -> Database:
    """Return the database at `path`, migrated; a new one is a copy, since making the schema is what takes the time."""
    is_new = not path.exists()
    if is_new and _migrated:
        path.write_bytes(_migrated[0])
    database = Database.open(sqlite_url(path))
    if is_new and not _migrated:
        migrate(database.engine)
        database.close()
        _migrated.append(path.read_bytes())
    return database


@dataclass(frozen=True)
class Bank:
    """What `World.enrol` made."""

    institution: Any
    principal: Any
    asset: Any
    key: SigningKey


def signed(kind: str, payload: jcs.Json, *parties: str) -> bytes:
    """Return a document signed by `parties`."""
    envelope = dsse.seal(kind, payload)
    for party in parties:
        envelope = dsse.sign(envelope, party=party, key=KEYS[party])
    return dsse.encode(envelope)


def enrol_anything(world: World, name: str = "Bank") -> Callable[[Any], Any]:
    """Return a change that records one entry: the smallest act."""
    return lambda session: registry.enrol_institution(
        session,
        lei=MUFG,
        kind=InstitutionKind.BANK,
        name=name,
        name_ja=None,
        country="JP",
        ids=world.ids,
        at=world.clock.now(),
    )
