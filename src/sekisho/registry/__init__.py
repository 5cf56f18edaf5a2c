"""Who takes part: institutions known by their LEI, the people and workloads that act for them, what they own.

This door has values, errors and checks and needs no database; `registry.services` is the other one.
"""

from sekisho.registry.assets import check_asset_name
from sekisho.registry.errors import (
    AlreadyEnrolled,
    AssetRefused,
    LeiRefused,
    NotEnrolled,
    TextRefused,
)
from sekisho.registry.lei import Lei, institution_id_of, parse_lei
from sekisho.registry.models import Asset, AssetKind, Institution, InstitutionKind, Principal, PrincipalKind
from sekisho.registry.text import check_name, check_statement

__all__ = [
    "AlreadyEnrolled",
    "Asset",
    "AssetKind",
    "AssetRefused",
    "Institution",
    "InstitutionKind",
    "Lei",
    "LeiRefused",
    "NotEnrolled",
    "Principal",
    "PrincipalKind",
    "TextRefused",
    "check_asset_name",
    "check_name",
    "check_statement",
    "institution_id_of",
    "parse_lei",
]
