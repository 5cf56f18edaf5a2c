"""A programme of five parties whose documents the trust tests sign, forge and bend."""

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.core import Window
from sekisho.core.ids import AccordId, AssetId, GrantId, HoldId, InstitutionId, PrincipalId
from sekisho.formats import dsse
from sekisho.trust import (
    Accord,
    AllOf,
    AnyOf,
    AnyOfRole,
    Budget,
    Charter,
    Grant,
    Hold,
    LabModels,
    LabOfAccord,
    LogKey,
    Model,
    Party,
    PartyKey,
    Revocation,
    Role,
    Target,
    TargetKind,
    charter_payload,
    raw_key,
)

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
YEAR = Window(opens=AT - timedelta(days=10), closes=AT + timedelta(days=355))
ROLES = {
    "lab-a": Role.LAB,
    "lab-b": Role.LAB,
    "home-gov": Role.HOME,
    "partner-gov": Role.PARTNER,
    "working-group": Role.GROUP,
}
ORIGIN = "sekisho.example/decisions"


def key_of(name: str) -> Ed25519PrivateKey:
    """A fixed key by name, so that failures repeat."""
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b".")[:32])


def listed(name: str, window: Window = YEAR) -> PartyKey:
    return PartyKey(raw=raw_key(key_of(name).public_key()), window=window)


@dataclass(frozen=True, kw_only=True)
class Programme:
    """A charter and a document of each kind, all sound, all under `charter`."""

    charter: Charter
    accord: Accord
    grant: Grant
    hold: Hold
    revocation: Revocation

    def sign(self, kind, payload, *parties):
        """Seal `payload` and have each party sign with its first key."""
        envelope = dsse.seal(kind, payload)
        for party in parties:
            envelope = dsse.sign(envelope, party=party, key=key_of(party))
        return envelope

    def signed_charter(self, *parties, charter=None):
        return self.sign("charter", charter_payload(charter or self.charter), *parties)

    def with_parties(self, *parties):
        return replace(self.charter, parties=tuple(parties))


# C2SP signed-note: algorithm 1 (Ed25519) and the key; the id is over the name and both.
_NOTE_KEY = b"\x01" + raw_key(key_of("ledger").public_key())
_NOTE_ID = hashlib.sha256(ORIGIN.encode() + b"\n" + _NOTE_KEY).hexdigest()[:8]


def make_charter() -> Charter:
    return Charter(
        programme="sekisho.example",
        version=1,
        previous=None,
        # The keys are older than the charter, as they are in life.
        valid=Window(opens=YEAR.opens + timedelta(days=1), closes=YEAR.closes),
        parties=tuple(Party(name=name, role=role, keys=(listed(name),)) for name, role in ROLES.items()),
        grant_rule=AllOf(
            rules=(
                LabOfAccord(),
                AnyOfRole(role=Role.HOME),
                AnyOf(rules=(AnyOfRole(role=Role.PARTNER), AnyOfRole(role=Role.GROUP))),
            )
        ),
        decisions=LogKey(origin=ORIGIN, vkey=f"{ORIGIN}+{_NOTE_ID}+{base64.b64encode(_NOTE_KEY).decode()}"),
        labs=(LabModels(party="lab-a", models=("cyber-1", "cyber-2")), LabModels(party="lab-b", models=("myth-1",))),
        hold_term=timedelta(days=3),
    )


@pytest.fixture(scope="session")
def programme() -> Programme:
    window = Window(opens=AT - timedelta(days=1), closes=AT + timedelta(days=29))
    accord = Accord(
        id=AccordId("acc_00000000000000000000000001"),
        programme="sekisho.example",
        lab="lab-a",
        models=(
            Model(name="cyber-1", tier="blue"),
            Model(name="cyber-1", tier="red"),
            Model(name="cyber-2", tier="red"),
        ),
        kinds=("bank", "joint-centre"),
        techniques=("find", "verify"),
        conditions=("Only code that the institution owns.",),
        valid=window,
    )
    grant = Grant(
        id=GrantId("grt_00000000000000000000000002"),
        accord_id=accord.id,
        institution_id=InstitutionId("ins_353800zzzzzzzzzzzz00"),
        principals=(PrincipalId("per_00000000000000000000000003"), PrincipalId("wkl_00000000000000000000000004")),
        lab="lab-a",
        models=("cyber-1",),
        tier="blue",
        assets=(AssetId("ast_00000000000000000000000005"),),
        techniques=("find",),
        budget=Budget(tokens=100_000, calls=200),
        window=window,
    )
    return Programme(
        charter=make_charter(),
        accord=accord,
        grant=grant,
        hold=Hold(
            id=HoldId("hld_00000000000000000000000006"),
            programme="sekisho.example",
            placed_by="partner-gov",
            target=Target(kind=TargetKind.LAB, id="lab-a"),
            basis="A key of the lab was seen in public.",
            placed_at=AT,
            lapses_at=AT + timedelta(days=3),
        ),
        revocation=Revocation(
            grant_id=grant.id,
            accord_id=accord.id,
            lab="lab-a",
            basis="The institution withdrew.",
            revoked_at=AT,
        ),
    )


@pytest.fixture
def at() -> datetime:
    return AT
