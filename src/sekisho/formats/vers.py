"""Version ranges (VERS, the `vers:` URI of package-url): read strictly, asked whether they hold a version.

univers knows how each ecosystem orders versions. It repairs texts that VERS refuses (spaces, stray pipes, wrong
order): here they are refused, because a range that two readers read differently calls somebody safe who is not.
An unknown scheme raises SchemeUnknown: that is "cannot tell", never "not affected".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar, Final
from urllib.parse import quote, unquote

from univers.version_range import RANGE_CLASS_BY_SCHEMES
from univers.versions import SemverVersion

from sekisho.core.errors import SekishoError

# A range that lists every release of an old package, one by one, is about 20 kB.
MAX_LENGTH = 65_536
_VERS = re.compile(r"vers:([a-z][a-z0-9.-]*)/([!-~]+)", re.ASCII)
# A version that could be taken for a range, or has no digit, is a slip of the tool that wrote it.
_VERSION = re.compile(r"(?=[^0-9]*[0-9])[!-~]{1,200}", re.ASCII)
_RANGE_MARKS = frozenset("<>=*|")
# What some ecosystem orders: it begins with a number and ends in a letter or digit. Placeholders (`${version}`), ranges
# (`[1.0,2.0)`), addresses and names of builds do not, and univers would order many of them all the same.
_ORDERED = re.compile(r"[vV]?[0-9](?:[0-9A-Za-z.+_:~^!-]*[0-9A-Za-z])?", re.ASCII)
_WILDCARD = re.compile(r"(?:^|[.-])[xX](?:$|[.+-])", re.ASCII)
# univers makes a semantic version of anything that begins with a number: `8.5p1` and `1.2.3.4` lose what follows or
# sort before the release. So these schemes take semantic versions alone, and the others of them plain numbers.
_SEMANTIC: Final = frozenset({"cargo", "golang", "hex", "npm"})
# What follows a plus says how a release was built (SemVer 10; PEP 440, local versions); to univers it is a later one.
_BUILDS: Final = _SEMANTIC | {"pypi"}
_SEMVER = re.compile(
    r"v?[0-9]+(?:\.[0-9]+){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_NUMBERS = re.compile(r"[vV]?[0-9]+(?:\.[0-9]+){0,2}", re.ASCII)
_CONSTRAINT = re.compile(r"(>=|<=|!=|<|>|)([^|<>=!*]+)", re.ASCII)
# What VERS leaves unencoded in a version; `quote` leaves letters, digits and _.-~ alone by itself.
_UNENCODED = ":+"
# `all` and `none` hold everything or nothing, whatever the version: there is no ordering to ask.
_CLASSES: Final[Mapping[str, Any]] = {
    scheme: made for scheme, made in RANGE_CLASS_BY_SCHEMES.items() if scheme not in {"all", "none"}
}


class RangeRefused(SekishoError):
    """The text is not a version range in VERS's one spelling."""

    code: ClassVar[str] = "SKS-FORMATS-024"
    hint = "Write ranges as vers:pypi/>=0.13.5|<0.27.0: sorted, no spaces, one pipe between constraints."


class SchemeUnknown(SekishoError):
    """Nobody here knows how versions of this scheme are ordered."""

    code: ClassVar[str] = "SKS-FORMATS-025"
    hint = "List the affected versions one by one, or use a scheme that docs/exposure.md names."


class VersionUnreadable(SekishoError):
    """The version is not one of its scheme."""

    code: ClassVar[str] = "SKS-FORMATS-026"
    hint = "Correct the version in the inventory; until then exposure stays unknown."


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range as it was written, and the scheme it is written in."""

    scheme: str
    text: str


@lru_cache(maxsize=64)
def parse(text: str) -> Range:
    """Return the range that `text` says, or raise RangeRefused. A scheme nobody knows is not refused here.

    Steps: (1) size; (2) the shape of the URI; (3) each constraint's shape; (4) bounds that open and close in turn; (5)
    versions that can be read, each once, in order, if the scheme is known.
    """
    # (1)
    if len(text) > MAX_LENGTH:
        raise RangeRefused(f"{len(text)} characters, more than {MAX_LENGTH}")
    # (2)
    match = _VERS.fullmatch(text)
    if match is None or match[1] in {"all", "none"}:
        raise RangeRefused(f"not a version range: {text[:80]!r}")
    scheme, constraints = match[1], match[2]
    if constraints != "*":
        # (3)
        comparators = tuple(_comparator(constraint) for constraint in constraints.split("|"))
        # (4)
        _check_bounds(comparators)
        # (5)
        if is_known_scheme(scheme):
            _check_order(scheme, text)
    return Range(scheme=scheme, text=text)


def is_known_scheme(scheme: str) -> bool:
    """Say whether versions of `scheme` can be ordered here."""
    return scheme in _CLASSES


def is_version_text(text: str) -> bool:
    """Say whether `text` is one printable word with a digit and no sign of a range: what a version looks like."""
    return _VERSION.fullmatch(text) is not None and not _RANGE_MARKS & set(text)


def holds(span: Range, version: str) -> bool:
    """Say whether `version` lies in `span`, or raise SchemeUnknown or VersionUnreadable: never guess."""
    read = read_version(span.scheme, version)
    try:
        return bool(_constraints(span).contains(read))
    except Exception as error:  # as in read_version
        raise VersionUnreadable(f"{version[:40]!r} cannot be compared in scheme {span.scheme}") from error


def is_same_version(scheme: str, one: str, other: str) -> bool:
    """Say whether two texts name one version (`1.0` and `1.0.0` in pypi), or raise as `holds` does."""
    return bool(read_version(scheme, one) == read_version(scheme, other))


# A case of 2,000 versions meets an inventory of 100,000 components: each text is read once, not once a pair.
@lru_cache(maxsize=8_192)
def read_version(scheme: str, version: str) -> Any:
    """Return univers's version, or raise SchemeUnknown or VersionUnreadable."""
    if not is_known_scheme(scheme):
        raise SchemeUnknown(f"no ordering for scheme {scheme[:40]!r}")
    if not _is_ordered(scheme, version):
        raise VersionUnreadable(f"not a version of scheme {scheme}: {version[:40]!r}")
    try:
        return _CLASSES[scheme].version_class(version.partition("+")[0] if scheme in _BUILDS else version)
    # univers raises its own InvalidVersion, or whatever the scheme's parser ran into, over a version it cannot read.
    except Exception as error:
        raise VersionUnreadable(f"{version[:40]!r} is not a version of scheme {scheme}") from error


@lru_cache(maxsize=64)
def _constraints(span: Range) -> Any:
    return _CLASSES[span.scheme].from_string(span.text)


def _is_ordered(scheme: str, version: str) -> bool:
    if not is_version_text(version) or not _ORDERED.fullmatch(version) or _WILDCARD.search(version):
        return False
    if scheme in _SEMANTIC:
        return _SEMVER.fullmatch(version) is not None
    if issubclass(_CLASSES[scheme].version_class, SemverVersion):
        return _NUMBERS.fullmatch(version) is not None
    # Gem::Version takes what follows a hyphen for a preview; in an inventory it is the platform.
    return scheme != "gem" or "-" not in version


def _comparator(constraint: str) -> str:
    """Return the comparator of a well-formed constraint, "" for equality."""
    match = _CONSTRAINT.fullmatch(constraint)
    if match is None:
        raise RangeRefused(f"not a constraint: {constraint[:40]!r}")
    if quote(unquote(match[2]), safe=_UNENCODED) != match[2]:
        raise RangeRefused(f"percent-encoding is not canonical: {constraint[:40]!r}")
    return match[1]


def _check_bounds(comparators: tuple[str, ...]) -> None:
    """Refuse what univers would answer wrongly or not at all (measured against plain intervals).

    Two openings or two closings in a row contradict each other or say one thing twice. Exclusions without a bound
    are everything but these; with more than one of them, or an equality beside, univers says nothing is inside.
    """
    bounds = [comparator[0] for comparator in comparators if comparator not in {"", "!="}]
    if any(one == other for one, other in pairwise(bounds)):
        raise RangeRefused("bounds open and close in turn: leave out those that say nothing")
    if "!=" in comparators and not bounds and len(comparators) > 1:
        raise RangeRefused("exclusions stand alone or within bounds")


def _check_order(scheme: str, text: str) -> None:
    try:
        written = [read_version(scheme, _bound(scheme, item)) for item in text.partition("/")[2].split("|")]
        in_order = all(one < other for one, other in pairwise(written))
    except Exception as error:  # as in read_version
        raise RangeRefused(f"a version in it is not one of scheme {scheme}") from error
    if not in_order:
        raise RangeRefused("versions are listed in rising order, each once")


def _bound(scheme: str, constraint: str) -> str:
    version = unquote(constraint.lstrip("<>=!"))
    if scheme in _BUILDS and "+" in version:
        raise RangeRefused("build metadata has no order")
    return version
