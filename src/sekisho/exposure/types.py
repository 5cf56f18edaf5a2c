"""What is affected, what an institution runs, and what follows: values that cannot be malformed."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sekisho.core.ids import InstitutionId
from sekisho.exposure.errors import AffectedRefused, InventoryRefused
from sekisho.formats import cyclonedx, purl, vers
from sekisho.formats.cyclonedx import Component, Sbom

# A package with more affected releases than this is better said by a range.
MAX_VERSIONS = 2_000
MAX_RANGES = 50
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Verdict(Enum):
    """Whether an institution runs an affected component. Whatever cannot be told is UNKNOWN."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not-affected"
    UNKNOWN = "unknown"


class Why(Enum):
    """Why the verdict is what it is: a closed list, each with its sentence in docs/exposure.md."""

    VERSION_LISTED = "version-listed"
    VERSION_IN_RANGE = "version-in-range"
    VERSION_OUTSIDE = "version-outside"
    COMPONENT_ABSENT = "component-absent"
    NO_INVENTORY = "no-inventory"
    INVENTORY_INCOMPLETE = "inventory-incomplete"
    INVENTORY_EMPTY = "inventory-empty"
    VERSION_MISSING = "version-missing"
    VERSION_UNREADABLE = "version-unreadable"
    SCHEME_UNKNOWN = "scheme-unknown"
    LOOK_ALIKE = "look-alike"

    @property
    def verdict(self) -> Verdict:
        """The verdict that this reason leads to."""
        if self in {Why.VERSION_LISTED, Why.VERSION_IN_RANGE}:
            return Verdict.AFFECTED
        if self in {Why.VERSION_OUTSIDE, Why.COMPONENT_ABSENT}:
            return Verdict.NOT_AFFECTED
        return Verdict.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSbom:
    """An SBOM as it came, and what it says. `sha256`: of its bytes, 64 hex digits."""

    data: bytes
    document: Sbom

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def read_sbom(data: bytes) -> ReceivedSbom:
    """Return the SBOM in `data` (CycloneDX JSON), or raise SbomRefused."""
    return ReceivedSbom(data=data, document=cyclonedx.parse(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """The affected versions of one package: `package` is a purl without version; ranges are `vers:` texts.

    A range's scheme is the package's type: a range in another ecosystem's order would give false answers.
    """

    package: str
    ranges: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        package = purl.parse_package(self.package)
        if not self.ranges and not self.versions:
            raise AffectedRefused("name at least one affected range or version")
        if len(self.ranges) > MAX_RANGES or len(self.versions) > MAX_VERSIONS:
            raise AffectedRefused(f"at most {MAX_RANGES} ranges and {MAX_VERSIONS} versions")
        if any(vers.parse(text).scheme != package.type for text in self.ranges):
            raise AffectedRefused(f"a range of {self.package} is written in scheme {package.type}")
        if not all(map(vers.is_version_text, self.versions)):
            raise AffectedRefused("an affected version is one printable word with a digit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one institution said it runs. `sbom_sha256`: 64 hex digits over the document as it was received."""

    institution: InstitutionId
    sbom_sha256: str
    recorded_at: datetime
    components: tuple[Component, ...]
    is_incomplete: bool = False

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.sbom_sha256):
            raise InventoryRefused("a digest is 64 hex digits")
        if self.recorded_at.utcoffset() != timedelta(0):
            raise InventoryRefused("times are aware UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The verdict, why, and the components that it rests on (none where nothing was found)."""

    why: Why
    components: tuple[Component, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether the institution is affected."""
        return self.why.verdict
