"""Package URLs (ECMA-427): parsed into parts and compared by them, never as text.

One package has many spellings (`pkg:PYPI/Django_Package`, `pkg:pypi/django-package`), and percent-encoding gives
each part more; equality of text would call a bank safe that is not. packageurl-python does the parsing; the type
rules it does not enforce (letter case of brew, swift and some others) are why `is_look_alike` exists.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from packageurl import PackageURL

from sekisho.core.errors import SekishoError

# The longest in public SBOMs, with several qualifiers, stay below 600.
MAX_LENGTH = 2_048
# Types in which a name with a namespace and the same name without are two packages.
_WITH_OR_WITHOUT: Final = frozenset({"docker", "hex", "npm", "oci"})
_RUNS = re.compile(r"[^a-z0-9]+", re.ASCII)


class PurlRefused(SekishoError):
    """The text is not a package URL, or not one of the shape asked for."""

    code: ClassVar[str] = "SKS-FORMATS-023"
    hint = "Write it as pkg:TYPE/NAMESPACE/NAME@VERSION, for example pkg:pypi/starlette@0.26.1."


@dataclass(frozen=True, slots=True, kw_only=True)
class Purl:
    """The parts of a package URL, decoded and normalised by its type's rules; `qualifiers` sorted by name."""

    type: str
    namespace: str | None
    name: str
    version: str | None
    qualifiers: tuple[tuple[str, str], ...] = ()
    subpath: str | None = None


def parse(text: str) -> Purl:
    """Return the parts of `text`, or raise PurlRefused."""
    if len(text) > MAX_LENGTH:
        raise PurlRefused(f"{len(text)} characters, more than {MAX_LENGTH}")
    try:
        read = PackageURL.from_string(text)
    except ValueError as error:
        raise PurlRefused(f"not a package URL: {text[:80]!r}") from error
    return Purl(
        type=read.type,
        namespace=read.namespace or None,
        name=read.name,
        version=read.version or None,
        qualifiers=tuple(sorted(read.qualifiers.items())),
        subpath=read.subpath or None,
    )


def parse_package(text: str) -> Purl:
    """Return the parts of `text` if it names a package and nothing narrower, or raise PurlRefused."""
    purl = parse(text)
    if purl != package_of(purl):
        raise PurlRefused("a package is named without version, qualifiers and subpath")
    return purl


def write(purl: Purl) -> str:
    """Return the canonical text of `purl`, or raise PurlRefused if its parts make none."""
    try:
        return PackageURL(
            type=purl.type,
            namespace=purl.namespace,
            name=purl.name,
            version=purl.version,
            qualifiers=dict(purl.qualifiers),
            subpath=purl.subpath,
        ).to_string()
    except ValueError as error:
        raise PurlRefused("these parts make no package URL") from error


def package_of(purl: Purl) -> Purl:
    """Return `purl` without version, qualifiers and subpath."""
    return replace(purl, version=None, qualifiers=(), subpath=None)


def is_same_package(one: Purl, other: Purl) -> bool:
    """Say whether both name one package, whatever the version, qualifiers and subpath."""
    return package_of(one) == package_of(other)


def is_look_alike(one: Purl, other: Purl) -> bool:
    """Say whether two purls of one type are perhaps the same package, written carelessly.

    They differ in letter case or separators alone, or one leaves the namespace out (`pkg:maven/log4j-core`), or has one
    where there is none (`pkg:pypi/encode/starlette`); of the types in _WITH_OR_WITHOUT these are two packages.
    """
    if one.type != other.type or is_same_package(one, other) or name_words(one.name) != name_words(other.name):
        return False
    spaces = {name_words(purl.namespace or "") for purl in (one, other)}
    return len(spaces) == 1 or (() in spaces and one.type not in _WITH_OR_WITHOUT)


def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a package's name, lower-case: `python3-Starlette` is ("python3", "starlette").

    Full-width letters are letters, and what cannot be seen (a zero-width space) parts no word.
    """
    seen = "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if unicodedata.category(c) != "Cf")
    return tuple(word for word in _RUNS.split(seen) if word)
