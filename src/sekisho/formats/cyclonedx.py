"""CycloneDX SBOMs (ECMA-424), JSON of versions 1.2 to 1.7, read into the components they list.

Strict where a reader that looks away would call a bank safe: duplicate names, sizes, nesting, the version of the
format, the shape of every component. What a matcher does not need (hashes, licences, services) is not looked at. A
component whose purl cannot be read is kept without one and counted: it can never be matched as safe by it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

from sekisho.core.errors import SekishoError
from sekisho.formats import purl
from sekisho.formats.purl import Purl, PurlRefused

# A core-banking SBOM of 20,000 components with licences and hashes is about 20 MB.
MAX_SIZE_BYTES = 32 * 1_048_576
MAX_COMPONENTS = 100_000
# Assemblies nest a few levels; deeper is an attack on recursion.
MAX_NESTING = 32
MAX_TEXT = 1_024
SPEC_VERSIONS: Final = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
# CycloneDX compositions: whatever does not say "complete" leaves open that something is missing.
_INCOMPLETE: Final = frozenset(
    {
        "incomplete",
        "incomplete_first_party_only",
        "incomplete_first_party_proprietary_only",
        "incomplete_first_party_opensource_only",
        "incomplete_third_party_only",
        "incomplete_third_party_proprietary_only",
        "incomplete_third_party_opensource_only",
        "unknown",
    }
)

_Object: TypeAlias = Mapping[str, object]


class SbomRefused(SekishoError):
    """The bytes are not a CycloneDX JSON document of a version and size that is read here."""

    code: ClassVar[str] = "SKS-FORMATS-021"
    hint = "Export CycloneDX JSON, version 1.2 to 1.7, with the package URL and version of each component."


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component: its name, its version and its package URL, the last two None where not given or not readable."""

    name: str
    version: str | None
    purl: Purl | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sbom:
    """An SBOM: nested components flattened in document order, the described application itself first if named.

    `is_incomplete`: the document says itself that its list may lack something.
    """

    spec_version: str
    components: tuple[Component, ...]
    is_incomplete: bool

    @property
    def without_purl(self) -> int:
        """How many components carry no readable package URL."""
        return sum(component.purl is None for component in self.components)


def parse(data: bytes) -> Sbom:
    """Return the SBOM in `data` (UTF-8 JSON, with or without a byte order mark), or raise SbomRefused.

    Steps: (1) size; (2) JSON, no name twice in an object; (3) the format and its version; (4) every component,
    bounded in number and nesting; (5) what the document says of its own completeness.
    """
    # (1)
    if len(data) > MAX_SIZE_BYTES:
        raise SbomRefused(f"{len(data)} bytes, more than {MAX_SIZE_BYTES}")
    # (2)
    document = _object(_load(data))
    # (3)
    if document.get("bomFormat") != "CycloneDX":
        raise SbomRefused("bomFormat is not CycloneDX")
    version = document.get("specVersion")
    if version not in SPEC_VERSIONS:
        raise SbomRefused(f"specVersion is none of {', '.join(SPEC_VERSIONS)}")
    # (4)
    components = tuple(_component(item) for item in _bounded(_walk(document)))
    # (5)
    return Sbom(spec_version=str(version), components=components, is_incomplete=_is_incomplete(document))


def _load(data: bytes) -> object:
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_unique)
    except SbomRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise SbomRefused(f"not JSON: {type(error).__name__}") from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise SbomRefused("a name appears twice in one object")
    return made


def _walk(document: _Object) -> Iterator[_Object]:
    """Yield the described application (metadata.component) and every component below it and the document."""
    metadata = _object(document.get("metadata", {}))
    if "component" in metadata:
        yield from _tree(_object(metadata["component"]), nesting=1)
    for item in _items(document.get("components", [])):
        yield from _tree(item, nesting=1)


def _tree(component: _Object, *, nesting: int) -> Iterator[_Object]:
    if nesting > MAX_NESTING:
        raise SbomRefused(f"components nested deeper than {MAX_NESTING}")
    yield component
    for item in _items(component.get("components", [])):
        yield from _tree(item, nesting=nesting + 1)


def _bounded(components: Iterator[_Object]) -> Iterator[_Object]:
    for count, component in enumerate(components, start=1):
        if count > MAX_COMPONENTS:
            raise SbomRefused(f"more than {MAX_COMPONENTS} components")
        yield component


def _component(fields: _Object) -> Component:
    name, version = _text(fields.get("name")), _text(fields.get("version"))
    if name is None:
        raise SbomRefused("a component has no name")
    return Component(name=name, version=version, purl=_purl(_text(fields.get("purl"))))


def _purl(text: str | None) -> Purl | None:
    try:
        return None if text is None else purl.parse(text)
    except PurlRefused:
        return None


def _is_incomplete(document: _Object) -> bool:
    compositions = _items(document.get("compositions", []))
    return any(_text(item.get("aggregate")) in _INCOMPLETE for item in compositions)


def _object(value: object) -> _Object:
    if not isinstance(value, dict):
        raise SbomRefused("expected an object")
    return value


def _items(value: object) -> Iterator[_Object]:
    if not isinstance(value, list):
        raise SbomRefused("expected a list")
    return map(_object, value)


def _text(value: object) -> str | None:
    """Return `value` if it is text with something in it, None if it is absent or blank; anything else is refused."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise SbomRefused(f"expected text of at most {MAX_TEXT} characters")
    return value.strip() or None
