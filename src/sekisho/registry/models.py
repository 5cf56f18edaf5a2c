"""What the registry knows: institutions, their principals, and the assets that they declare."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sekisho.core.ids import AssetId, InstitutionId, PrincipalId
from sekisho.registry.lei import Lei
from sekisho.tokens import PublicKey


class InstitutionKind(Enum):
    """What an institution is; an accord says which kinds it is for."""

    BANK = "bank"
    JOINT_CENTRE = "joint-centre"
    FINTECH = "fintech"
    VENDOR = "vendor"
    LAB = "lab"
    AUTHORITY = "authority"


class PrincipalKind(Enum):
    """Who acts: a human being, or a program that holds a key of its own."""

    PERSON = "person"
    WORKLOAD = "workload"

    @property
    def id_prefix(self) -> str:
        return "per" if self is PrincipalKind.PERSON else "wkl"


class AssetKind(Enum):
    """What is hunted; `assets.py` says how each kind is named."""

    REPOSITORY = "repository"
    PACKAGE = "package"
    HOST = "host"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """A legal entity. `country`: ISO 3166-1 alpha-2; `name` in Latin script, `name_ja` in Japanese or None."""

    id: InstitutionId
    lei: Lei
    kind: InstitutionKind
    name: str
    name_ja: str | None
    country: str
    enrolled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person or workload of one institution, known by the one key that it holds."""

    id: PrincipalId
    institution_id: InstitutionId
    kind: PrincipalKind
    name: str
    key: PublicKey
    enrolled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What an institution says it controls. `basis`: the grounds for that, in its own words."""

    id: AssetId
    institution_id: InstitutionId
    kind: AssetKind
    name: str
    basis: str
    declared_at: datetime
