"""An advisory as plain values, and the CSAF 2.0 document that says the same."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sekisho.core.tlp import Tlp
from sekisho.formats import jcs
from sekisho.formats.csaf.errors import CsafRefused

# CSAF 2.0 3.2.1.5.2 knows TLP 1: CLEAR was WHITE, and AMBER+STRICT did not exist.
_TLP_1 = {
    Tlp.RED: "RED",
    Tlp.AMBER_STRICT: "AMBER",
    Tlp.AMBER: "AMBER",
    Tlp.GREEN: "GREEN",
    Tlp.CLEAR: "WHITE",
}
# CSAF 2.0 5.1: letters, digits, + and - stay; every other run becomes one underscore.
_NOT_IN_FILE_NAMES = re.compile(r"[^+\-a-z0-9]+", re.ASCII)
_VERSION_MARKS = ("<", ">", "!=", "*", "|", "=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who issues the advisory. `category`: coordinator, discoverer, vendor, …; `namespace`: a URI of the publisher."""

    category: str
    name: str
    namespace: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One release of the advisory. `number` counts from 1; `at` is aware UTC."""

    number: int
    at: datetime
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One version of one component. `id` is the document's own; `purl` carries the version."""

    id: str
    name: str
    version: str
    purl: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """What to do about the affected products. `category`: workaround, mitigation, vendor_fix, …"""

    category: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """One advisory over one flaw in one component.

    `tracking_id` is this audience's own; `vulnerability_id` likewise, within the publisher's system. `notice` is
    the one note on the flaw: what is told instead of its description. `distribution` says who may pass it on.
    """

    tracking_id: str
    title: str
    lang: str
    tlp: Tlp
    distribution: str
    publisher: Publisher
    revisions: tuple[Revision, ...]
    summary: str
    vulnerability_id: str
    notice: str
    component: str
    affected: tuple[Product, ...]
    fixed: tuple[Product, ...]
    remediations: tuple[Remediation, ...]


def build(advisory: Advisory) -> dict[str, jcs.Json]:
    """Return `advisory` as a CSAF 2.0 document; the caller MUST pass it through `check_csaf` before it leaves."""
    if not advisory.revisions or not advisory.affected:
        raise CsafRefused("an advisory has a revision and an affected product")
    return {
        "document": _document(advisory),
        "product_tree": {"branches": [_branch(advisory.component, (*advisory.affected, *advisory.fixed))]},
        "vulnerabilities": [_vulnerability(advisory)],
    }


def encode(value: jcs.Json) -> bytes:
    """Return `value` as RFC 8785 bytes: the same document is the same file, wherever it is built."""
    return jcs.canonical(value)


def file_name(tracking_id: str) -> str:
    """Return the file name that CSAF 2.0 5.1 gives to a tracking id."""
    return _NOT_IN_FILE_NAMES.sub("_", tracking_id.lower()) + ".json"


def write_time(at: datetime) -> str:
    """Return `at` (aware) as RFC 3339 in whole seconds, UTC, as advisories print it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _document(advisory: Advisory) -> dict[str, jcs.Json]:
    return {
        "category": "csaf_security_advisory",
        "csaf_version": "2.0",
        "distribution": {
            "text": advisory.distribution,
            "tlp": {"label": _TLP_1[advisory.tlp], "url": "https://www.first.org/tlp/"},
        },
        "lang": advisory.lang,
        "notes": [{"category": "summary", "text": advisory.summary}],
        "publisher": {
            "category": advisory.publisher.category,
            "contact_details": advisory.publisher.contact,
            "name": advisory.publisher.name,
            "namespace": advisory.publisher.namespace,
        },
        "title": advisory.title,
        "tracking": _tracking(advisory),
    }


def _tracking(advisory: Advisory) -> dict[str, jcs.Json]:
    first, latest = advisory.revisions[0], advisory.revisions[-1]
    return {
        "current_release_date": write_time(latest.at),
        "id": advisory.tracking_id,
        "initial_release_date": write_time(first.at),
        "revision_history": [
            {"date": write_time(revision.at), "number": str(revision.number), "summary": revision.summary}
            for revision in advisory.revisions
        ],
        "status": "final",
        "version": str(latest.number),
    }


def _branch(component: str, products: tuple[Product, ...]) -> dict[str, jcs.Json]:
    return {
        "branches": [_version_branch(product) for product in products],
        "category": "product_name",
        "name": component,
    }


def _version_branch(product: Product) -> dict[str, jcs.Json]:
    if any(mark in product.version for mark in _VERSION_MARKS):
        raise CsafRefused("a product version is one version, not a range (6.1.31)")
    return {
        "category": "product_version",
        "name": product.version,
        "product": {
            "name": product.name,
            "product_id": product.id,
            "product_identification_helper": {"purl": product.purl},
        },
    }


def _vulnerability(advisory: Advisory) -> dict[str, jcs.Json]:
    affected = [product.id for product in advisory.affected]
    status: dict[str, jcs.Json] = {"known_affected": affected}
    if advisory.fixed:
        status["fixed"] = [product.id for product in advisory.fixed]
    return {
        "ids": [{"system_name": advisory.publisher.namespace, "text": advisory.vulnerability_id}],
        "notes": [{"category": "general", "text": advisory.notice}],
        "product_status": status,
        "remediations": [
            {"category": remediation.category, "details": remediation.details, "product_ids": affected}
            for remediation in advisory.remediations
        ],
    }
