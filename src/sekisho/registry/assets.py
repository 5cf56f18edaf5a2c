"""How assets are named: one spelling each, so that a scope that lists an asset means that asset and no other."""

import re

from sekisho.registry.errors import AssetRefused
from sekisho.registry.models import AssetKind

# RFC 1035 2.3.4 for hosts; the longest purl in use is far shorter.
MAX_ASSET_NAME_CHARACTERS = 500
_MAX_HOST_CHARACTERS = 253

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})+"
# No user, port, query, fragment or percent sign: each would be a second spelling of the same place.
_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+"
_FORMS = {
    AssetKind.HOST: re.compile(_HOST),
    AssetKind.REPOSITORY: re.compile(rf"https://{_HOST}(?:/{_SEGMENT})+"),
    # purl-spec: type, namespace, name and version; qualifiers and subpath would narrow what is declared.
    AssetKind.PACKAGE: re.compile(r"pkg:[a-z][a-z0-9.-]+(?:/[A-Za-z0-9._~%-]+)+(?:@[A-Za-z0-9._~%+-]+)?"),
    # <system>:<account>, such as aws:123456789012 or github:example-bank.
    AssetKind.ACCOUNT: re.compile(r"[a-z][a-z0-9-]{0,40}:[A-Za-z0-9][A-Za-z0-9._@-]{0,120}"),
}


def check_asset_name(kind: AssetKind, name: str) -> str:
    """Return `name` if it is the one spelling of an asset of `kind`, else raise AssetRefused."""
    if len(name) > MAX_ASSET_NAME_CHARACTERS or not _FORMS[kind].fullmatch(name):
        raise AssetRefused(f"not the name of a {kind.value}: {name[:80]!r}")
    if kind is AssetKind.HOST and len(name) > _MAX_HOST_CHARACTERS:
        raise AssetRefused(f"a host name has at most {_MAX_HOST_CHARACTERS} characters")
    return name
