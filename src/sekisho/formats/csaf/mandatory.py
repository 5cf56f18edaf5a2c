"""The mandatory tests of CSAF 2.0 (chapter 6.1) that concern what this house emits.

Each is written for any CSAF 2.0 document, so that the OASIS test files judge it; a document without the part that a
test is about passes it. The tests left out concern what `structure` refuses: relationships, groups, scores,
weaknesses, flags, hashes, other profiles.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

from sekisho.formats import jcs, purl
from sekisho.formats.csaf.errors import CsafRefused
from sekisho.formats.csaf.structure import check_structure

# A version's parts for ordering, and whether it names a pre-release.
_Number: TypeAlias = tuple[tuple[int, ...], bool]
_Object: TypeAlias = Mapping[str, jcs.Json]

_STATUS_GROUPS = (
    frozenset({"first_affected", "known_affected", "last_affected"}),
    frozenset({"known_not_affected"}),
    frozenset({"first_fixed", "fixed"}),
    frozenset({"under_investigation"}),
)
_REFERENCES = frozenset(
    {
        *("first_affected", "known_affected", "last_affected", "known_not_affected", "first_fixed", "fixed"),
        *("under_investigation", "recommended", "products", "product_ids"),
        *("product_reference", "relates_to_product_reference"),
    }
)
# 6.1.31: signs and words that make a range of a version's name.
_RANGE = re.compile(r"[<>]|(?<!\S)(after|all|before|earlier|later|prior|versions)(?!\S)", re.IGNORECASE)
_PROFILES_WITH_PRODUCTS = frozenset({"csaf_security_advisory", "csaf_vex"})


def check_csaf(value: jcs.Json) -> None:
    """Raise CsafRefused unless `value` is an advisory of ours that passes every test of MANDATORY_TESTS.

    Steps: (1) one reading as JSON; (2) the narrowed structure; (3) each mandatory test, named in the refusal.
    """
    # (1)
    jcs.canonical(value)
    # (2)
    check_structure(value)
    # (3)
    for number, run in MANDATORY_TESTS.items():
        for fault in run(_object(value)):
            raise CsafRefused(f"test {number}: {fault}")


def _defined_once(document: _Object) -> Iterator[str]:
    for product_id, count in Counter(_defined(document)).items():
        if count > 1:
            yield f"product {product_id} is defined {count} times"


def _defined_at_all(document: _Object) -> Iterator[str]:
    for product_id in sorted(set(_referred(document)) - set(_defined(document))):
        yield f"product {product_id} is not defined"


def _status_agrees(document: _Object) -> Iterator[str]:
    for vulnerability in _vulnerabilities(document):
        status = _object(vulnerability.get("product_status"))
        groups = [{str(p) for name in names for p in _list(status.get(name))} for names in _STATUS_GROUPS]
        for product_id, count in Counter(p for group in groups for p in group).items():
            if count > 1:
                yield f"product {product_id} has contradicting statuses"


def _purls_read(document: _Object) -> Iterator[str]:
    for name, value in _walk(document):
        if name == "purl" and not _is_purl(value):
            yield "a purl cannot be read"


def _history_sorted(document: _Object) -> Iterator[str]:
    numbers = [number for _, number in sorted(_history(document))]
    if numbers != sorted(numbers):
        yield "the numbers do not rise with the dates"


def _version_is_latest(document: _Object) -> Iterator[str]:
    tracking = _tracking(document)
    latest = max(_history(document))[1]
    version = _number(tracking.get("version"))
    is_draft = tracking.get("status") == "draft"
    if version != latest and not (is_draft and version[0] == latest[0]):
        yield "the version is not the newest of the revision history"


def _draft_is_called_draft(document: _Object) -> Iterator[str]:
    tracking = _tracking(document)
    parts, is_pre_release = _number(tracking.get("version"))
    if (parts[0] == 0 or is_pre_release) and tracking.get("status") != "draft":
        yield "a version 0 or pre-release has status draft"


def _released_history(document: _Object) -> Iterator[str]:
    is_released = _tracking(document).get("status") in {"final", "interim"}
    if is_released and any(number[0][0] == 0 for _, number in _history(document)):
        yield "a released document has no version 0 in its history"


def _history_without_pre_releases(document: _Object) -> Iterator[str]:
    if any(is_pre_release for _, (_, is_pre_release) in _history(document)):
        yield "a revision is a pre-release"


def _released_is_no_pre_release(document: _Object) -> Iterator[str]:
    tracking = _tracking(document)
    if tracking.get("status") in {"final", "interim"} and _number(tracking.get("version"))[1]:
        yield "a released document has no pre-release version"


def _history_whole(document: _Object) -> Iterator[str]:
    majors = sorted({number[0][0] for _, number in _history(document)})
    if majors[0] > 1 or majors != list(range(majors[0], majors[-1] + 1)):
        yield "a revision is missing"


def _revisions_once(document: _Object) -> Iterator[str]:
    if len({str(item.get("number")) for item in _revisions(document)}) != len(_revisions(document)):
        yield "a revision number is used twice"


def _tree_present(document: _Object) -> Iterator[str]:
    if _category(document) in _PROFILES_WITH_PRODUCTS and "product_tree" not in document:
        yield "the profile asks for a product tree"


def _notes_present(document: _Object) -> Iterator[str]:
    if _category(document) in _PROFILES_WITH_PRODUCTS:
        yield from ("a vulnerability has no note" for v in _vulnerabilities(document) if "notes" not in v)


def _status_present(document: _Object) -> Iterator[str]:
    if _category(document) == "csaf_security_advisory":
        yield from ("a vulnerability has no status" for v in _vulnerabilities(document) if "product_status" not in v)


def _vulnerabilities_present(document: _Object) -> Iterator[str]:
    if _category(document) in _PROFILES_WITH_PRODUCTS and "vulnerabilities" not in document:
        yield "the profile asks for a vulnerability"


def _remediations_refer(document: _Object) -> Iterator[str]:
    for vulnerability in _vulnerabilities(document):
        for remediation in map(_object, _list(vulnerability.get("remediations"))):
            if not {"product_ids", "group_ids"} & set(remediation):
                yield "a remediation names no product"


def _one_numbering(document: _Object) -> Iterator[str]:
    numbers = [_tracking(document).get("version"), *(item.get("number") for item in _revisions(document))]
    if len({str(number).isdigit() for number in numbers}) > 1:
        yield "integer and semantic versions are mixed"


def _versions_are_no_ranges(document: _Object) -> Iterator[str]:
    for _, value in _walk(document):
        branch = _object(value)
        if branch.get("category") == "product_version" and _RANGE.search(str(branch.get("name"))):
            yield "a product version names a range"


Test: TypeAlias = Callable[[_Object], Iterator[str]]

# Each yields what is wrong, nothing if all is well. The names are CSAF 2.0's test numbers.
MANDATORY_TESTS: Mapping[str, Test] = MappingProxyType(
    {
        "6.1.1": _defined_at_all,
        "6.1.2": _defined_once,
        "6.1.6": _status_agrees,
        "6.1.13": _purls_read,
        "6.1.14": _history_sorted,
        "6.1.16": _version_is_latest,
        "6.1.17": _draft_is_called_draft,
        "6.1.18": _released_history,
        "6.1.19": _history_without_pre_releases,
        "6.1.20": _released_is_no_pre_release,
        "6.1.21": _history_whole,
        "6.1.22": _revisions_once,
        "6.1.27.4": _tree_present,
        "6.1.27.5": _notes_present,
        "6.1.27.6": _status_present,
        "6.1.27.11": _vulnerabilities_present,
        "6.1.29": _remediations_refer,
        "6.1.30": _one_numbering,
        "6.1.31": _versions_are_no_ranges,
    }
)


def _walk(value: jcs.Json, name: str = "") -> Iterator[tuple[str, jcs.Json]]:
    """Yield every value below `value` with the name it stands under; a list's entries stand under the list's."""
    yield name, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(item, key)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _walk(item, name)


def _defined(document: _Object) -> Iterator[str]:
    return (str(value) for name, value in _walk(document.get("product_tree")) if name == "product_id")


def _referred(document: _Object) -> Iterator[str]:
    return (value for name, value in _walk(document) if name in _REFERENCES and isinstance(value, str))


def _history(document: _Object) -> list[tuple[datetime, _Number]]:
    return [(_moment(item.get("date")), _number(item.get("number"))) for item in _revisions(document)]


def _moment(value: jcs.Json) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise CsafRefused("a revision has no readable date") from error


def _number(value: jcs.Json) -> _Number:
    """Return `value` ready for ordering; an integer n is n.0.0, build metadata is left out (CSAF 2.0 3.1.11)."""
    core, _, pre_release = str(value).partition("+")[0].partition("-")
    try:
        parts = tuple(int(part) for part in core.split("."))
    except ValueError as error:
        raise CsafRefused("a version is a number or a semantic version") from error
    return (*parts, 0, 0)[:3], bool(pre_release)


def _is_purl(value: jcs.Json) -> bool:
    try:
        return isinstance(value, str) and purl.parse(value) is not None
    except purl.PurlRefused:
        return False


def _category(document: _Object) -> jcs.Json:
    return _object(document.get("document")).get("category")


def _tracking(document: _Object) -> _Object:
    return _object(_object(document.get("document")).get("tracking"))


def _revisions(document: _Object) -> list[_Object]:
    return [_object(item) for item in _list(_tracking(document).get("revision_history"))]


def _vulnerabilities(document: _Object) -> list[_Object]:
    return [_object(item) for item in _list(document.get("vulnerabilities"))]


def _object(value: jcs.Json) -> _Object:
    return value if isinstance(value, Mapping) else {}


def _list(value: jcs.Json) -> Sequence[jcs.Json]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
