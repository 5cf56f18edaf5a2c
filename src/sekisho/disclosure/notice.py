"""The notice for one affected institution: a CSAF 2.0 advisory for its tools and a page for its people. Pure.

It is built from the case, which holds no technical detail, and only through `require_release`. Its id is its own:
neither the case's nor the finding's id is in it.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime

from sekisho.core import Tlp
from sekisho.core.ids import InstitutionId
from sekisho.disclosure.case import Case, Text
from sekisho.disclosure.embargo import Embargo
from sekisho.disclosure.errors import CaseRefused
from sekisho.disclosure.page import Page, at_jst_en, render
from sekisho.disclosure.release import may_release, require_release
from sekisho.disclosure.rings import Level, Ring
from sekisho.formats import csaf, jcs, purl, vers
from sekisho.formats.cyclonedx import Component
from sekisho.formats.purl import Purl

_NOTICE_ID = re.compile(r"ntc_[0-9a-z]{26}", re.ASCII)
_WITHHELD = "No description of the flaw is given before the embargo ends. Please do not try to find it out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who issues notices: its name, a URI of its own, and how to reach it (shown as it is)."""

    name: Text
    namespace: str
    contact: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An affected institution, its name, and the components by which it is affected."""

    institution: InstitutionId
    name: Text
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFile:
    """One file of a notice, ready to be published."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one institution receives. `id`: ntc_…, the office's and the ledger's; recipients see a tracking id."""

    id: str
    institution: InstitutionId
    tlp: Tlp
    files: tuple[NoticeFile, ...]

    @property
    def manifest(self) -> bytes:
        """The names and SHA-256 digests of the files as canonical JSON: what the ledger holds a commitment to."""
        return jcs.canonical(
            {"files": [{"name": f.name, "sha256": hashlib.sha256(f.data).hexdigest()} for f in self.files]}
        )


def build_notice(case: Case, *, notice_id: str, recipient: Recipient, issuer: Issuer, at: datetime) -> Notice:
    """Return the notice of `case` for `recipient`, issued at `at` (aware UTC), or raise ReleaseRefused.

    Steps: (1) a mitigation may reach the affected now; (2) the fix, if there is one and it may; (3) the versions the
    recipient runs, and nobody else's; (4) the advisory, checked; (5) the page.
    """
    # (1)
    require_release(Level.MITIGATION, Ring.AFFECTED, case)
    # (2)
    is_fix_told = case.fixed_version is not None and may_release(Level.FIX, Ring.AFFECTED, case)
    told = case if is_fix_told else replace(case, fixed_version=None)
    # (3)
    versions = _versions(recipient.components, told)
    # (4)
    tracking_id = tracking_id_of(notice_id, at=at)
    advisory = csaf.build(_advisory(told, tracking_id, versions, issuer, at))
    csaf.check_csaf(advisory)
    csaf_name = csaf.file_name(tracking_id)
    # (5)
    page = _page(told, tracking_id, versions, recipient, issuer, at)
    return Notice(
        id=notice_id,
        institution=recipient.institution,
        tlp=tlp_of(case.embargo),
        files=(
            NoticeFile(name=csaf_name, media_type="application/json", data=csaf.encode(advisory)),
            NoticeFile(name=csaf_name.removesuffix("json") + "html", media_type="text/html", data=render(page)),
        ),
    )


def tracking_id_of(notice_id: str, *, at: datetime) -> str:
    """Return the id that recipients see. The caller MUST NOT publish `notice_id`: told to this audience alone."""
    if not _NOTICE_ID.fullmatch(notice_id):
        raise CaseRefused("a notice has an id ntc_…")
    return f"SEKISHO-{at.year}-{notice_id.removeprefix('ntc_').upper()}"


def tlp_of(embargo: Embargo) -> Tlp:
    """Return the marking of a notice: AMBER under embargo, CLEAR once that has ended."""
    return Tlp.AMBER if embargo.state.is_in_force else Tlp.CLEAR


def _versions(components: tuple[Component, ...], case: Case) -> tuple[str, ...]:
    stated = {v for c in components for v in (c.version, c.purl.version if c.purl else None) if v is not None}
    # A document that contradicts itself may state a second version that is none, or the fixed one.
    versions = tuple(sorted(v for v in stated if vers.is_version_text(v) and v != case.fixed_version))
    if not versions:
        raise CaseRefused("a notice names a version that the recipient runs")
    return versions


def _advisory(case: Case, tracking_id: str, versions: tuple[str, ...], issuer: Issuer, at: datetime) -> csaf.Advisory:
    package = purl.parse_package(case.affected.package)
    fixed = () if case.fixed_version is None else (_product(package, case.fixed_version, "FIXED-1"),)
    return csaf.Advisory(
        tracking_id=tracking_id,
        title=f"Advance notice on {package.name}",
        lang="en",
        tlp=tlp_of(case.embargo),
        distribution=_distribution(case),
        publisher=csaf.Publisher(
            category="coordinator",
            name=issuer.name.en,
            namespace=issuer.namespace,
            contact=issuer.contact.en,
        ),
        revisions=(csaf.Revision(number=1, at=at, summary="First release."),),
        summary=f"You run {package.name} {', '.join(versions)}, which has a flaw. Apply the remediation below.",
        vulnerability_id=tracking_id,
        notice=_WITHHELD,
        component=package.name,
        affected=tuple(_product(package, version, f"AFFECTED-{n}") for n, version in enumerate(versions, start=1)),
        fixed=fixed,
        remediations=_remediations(case),
    )


def _distribution(case: Case) -> str:
    if case.embargo.lifts_at is None:
        return "TLP:CLEAR. The embargo has ended."
    until = at_jst_en(case.embargo.lifts_at)
    return f"TLP:AMBER. Within your organisation and its clients, need-to-know. Under embargo until {until}."


def _remediations(case: Case) -> tuple[csaf.Remediation, ...]:
    first = csaf.Remediation(category=case.mitigation.kind.value, details=case.mitigation.text.en)
    if case.fixed_version is None:
        return (first,)
    return (first, csaf.Remediation(category="vendor_fix", details=f"Update to version {case.fixed_version}."))


def _product(package: Purl, version: str, name: str) -> csaf.Product:
    return csaf.Product(
        id=f"SEKISHO-{name}",
        name=f"{package.name} {version}",
        version=version,
        purl=purl.write(replace(package, version=version)),
    )


def _page(
    case: Case, tracking_id: str, versions: tuple[str, ...], recipient: Recipient, issuer: Issuer, at: datetime
) -> Page:
    return Page(
        tracking_id=tracking_id,
        tlp=tlp_of(case.embargo),
        recipient=recipient.name,
        # The ecosystem too: there is a package of that name in more than one.
        component=f"{purl.parse_package(case.affected.package).name} ({case.affected.package})",
        versions=versions,
        fixed_version=case.fixed_version,
        mitigation=case.mitigation.text,
        basis=case.basis,
        issuer=issuer.name,
        contact=issuer.contact,
        issued_at=at,
        lifts_at=case.embargo.lifts_at,
    )
