"""The matching of one inventory against one affected package. Pure.

The law: what cannot be told is UNKNOWN, never NOT_AFFECTED. A bank that is wrongly told it is safe does nothing; a
bank whose exposure is unknown gets asked.
"""

from collections.abc import Iterator

from sekisho.exposure.types import Affected, Exposure, Inventory, Verdict, Why
from sekisho.formats import purl, vers
from sekisho.formats.cyclonedx import Component
from sekisho.formats.purl import Purl


def expose(inventory: Inventory | None, affected: Affected) -> Exposure:
    """Return whether whoever runs `inventory` runs what is affected, and why.

    Steps: (1) an inventory that lists something; (2) each component that is the package, its version judged; (3) one
    affected version decides, then one that cannot be told; (4) components that may be the package under another
    name; (5) a list that says it is incomplete clears nobody, for it may lack a second copy; (6) else versions
    outside, or the absence of the component, do.
    """
    # (1)
    if inventory is None:
        return Exposure(why=Why.NO_INVENTORY)
    if not inventory.components:
        return Exposure(why=Why.INVENTORY_EMPTY)
    package = purl.parse_package(affected.package)
    # (2)
    judged = tuple((item, _judge(item, affected)) for item in inventory.components if _is_package(item, package))
    # (3)
    for verdict in (Verdict.AFFECTED, Verdict.UNKNOWN):
        found = tuple((item, why) for item, why in judged if why.verdict is verdict)
        if found:
            return Exposure(why=found[0][1], components=tuple(item for item, _ in found))
    # (4)
    similar = tuple(item for item in inventory.components if _may_be(item, package))
    if similar:
        return Exposure(why=Why.LOOK_ALIKE, components=similar)
    # (5)
    if inventory.is_incomplete:
        return Exposure(why=Why.INVENTORY_INCOMPLETE, components=tuple(item for item, _ in judged))
    # (6)
    if judged:
        return Exposure(why=Why.VERSION_OUTSIDE, components=tuple(item for item, _ in judged))
    return Exposure(why=Why.COMPONENT_ABSENT)


def _is_package(component: Component, package: Purl) -> bool:
    return component.purl is not None and purl.is_same_package(component.purl, package)


def _may_be(component: Component, package: Purl) -> bool:
    """Say whether `component` may be `package` though it does not say so.

    It may be where it differs in letter case alone, or where it has no purl or one of another type (a distribution's
    `python3-starlette`) and its name holds the package's name, word for word.
    """
    if component.purl is not None and component.purl.type == package.type:
        return purl.is_look_alike(component.purl, package)
    names = {component.name} | ({component.purl.name} if component.purl else set())
    return any(_holds_words(purl.name_words(name), purl.name_words(package.name)) for name in names)


def _holds_words(words: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    width = len(wanted)
    return width > 0 and any(words[at : at + width] == wanted for at in range(len(words) - width + 1))


def _judge(component: Component, affected: Affected) -> Why:
    """Return the verdict's reason for one component: of the versions it states, the gravest."""
    stated = tuple(_versions(component))
    if not stated:
        return Why.VERSION_MISSING
    return min((_judge_version(version, affected) for version in stated), key=_gravity)


def _versions(component: Component) -> Iterator[str]:
    """Yield the version in the purl and the one beside it: where a document contradicts itself, both count."""
    if component.purl is not None and component.purl.version is not None:
        yield component.purl.version
    if component.version is not None:
        yield component.version


def _judge_version(version: str, affected: Affected) -> Why:
    if version in affected.versions:
        return Why.VERSION_LISTED
    scheme = purl.parse_package(affected.package).type
    try:
        if any(vers.is_same_version(scheme, version, listed) for listed in affected.versions):
            return Why.VERSION_LISTED
        inside = any(vers.holds(vers.parse(text), version) for text in affected.ranges)
    except vers.SchemeUnknown:
        return Why.SCHEME_UNKNOWN
    except vers.VersionUnreadable:
        return Why.VERSION_UNREADABLE
    return Why.VERSION_IN_RANGE if inside else Why.VERSION_OUTSIDE


def _gravity(why: Why) -> int:
    return (Verdict.AFFECTED, Verdict.UNKNOWN, Verdict.NOT_AFFECTED).index(why.verdict)
