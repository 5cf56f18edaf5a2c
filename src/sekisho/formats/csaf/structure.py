"""The structure of the CSAF 2.0 documents this house emits: every name known, every value of its kind.

The OASIS schema allows more; here it is narrowed to one profile, so that a name nobody meant to write (a score, a
weakness, a reference) cannot leave unseen.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from urllib.parse import urlsplit

from sekisho.formats import jcs
from sekisho.formats.csaf.errors import CsafRefused

Check: TypeAlias = Callable[[jcs.Json, str], None]

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def check_structure(value: jcs.Json) -> None:
    """Raise CsafRefused unless `value` has the structure of an advisory of ours; the message names the place."""
    _ADVISORY(value, "")


def _text(value: jcs.Json, at: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise CsafRefused(f"{at}: expected text")


def _one_of(*allowed: str) -> Check:
    def check(value: jcs.Json, at: str) -> None:
        if value not in allowed:
            raise CsafRefused(f"{at}: expected one of {', '.join(allowed)}")

    return check


def _matching(pattern: re.Pattern[str], what: str) -> Check:
    def check(value: jcs.Json, at: str) -> None:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise CsafRefused(f"{at}: expected {what}")

    return check


def _time(value: jcs.Json, at: str) -> None:
    _matching(_RFC3339, "an RFC 3339 time")(value, at)
    try:
        datetime.fromisoformat(str(value))
    except ValueError as error:
        raise CsafRefused(f"{at}: no such time") from error


def _uri(value: jcs.Json, at: str) -> None:
    _text(value, at)
    try:
        parts = urlsplit(str(value))
    except ValueError as error:
        raise CsafRefused(f"{at}: expected a URI") from error
    if not parts.scheme or not (parts.netloc or parts.path) or " " in str(value):
        raise CsafRefused(f"{at}: expected a URI")


def _list(item: Check, *, is_unique: bool = False) -> Check:
    def check(value: jcs.Json, at: str) -> None:
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise CsafRefused(f"{at}: expected a list with something in it")
        for index, entry in enumerate(value):
            item(entry, f"{at}/{index}")
        if is_unique and len({jcs.canonical(entry) for entry in value}) != len(value):
            raise CsafRefused(f"{at}: an entry is repeated")

    return check


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(value: jcs.Json, at: str) -> None:
        if not isinstance(value, Mapping):
            raise CsafRefused(f"{at}: expected an object")
        missing, unknown = sorted(set(required) - set(value)), sorted(set(value) - set(known))
        if missing or unknown:
            raise CsafRefused(f"{at}: missing {missing}, unknown {unknown}")
        for name, entry in value.items():
            known[name](entry, f"{at}/{name}")

    return check


_PRODUCT = _object(
    {"name": _text, "product_id": _text},
    {"product_identification_helper": _object({"purl": _text})},
)
_VERSION_BRANCH = _object({"category": _one_of("product_version"), "name": _text, "product": _PRODUCT})
_COMPONENT_BRANCH = _object(
    {"category": _one_of("product_name"), "name": _text, "branches": _list(_VERSION_BRANCH)},
)
_NOTES = _list(_object({"category": _one_of("summary", "general", "legal_disclaimer"), "text": _text}))
_DOCUMENT = _object(
    {
        "category": _one_of("csaf_security_advisory"),
        "csaf_version": _one_of("2.0"),
        "distribution": _object(
            {
                "text": _text,
                "tlp": _object({"label": _one_of("RED", "AMBER", "GREEN", "WHITE"), "url": _uri}),
            }
        ),
        "lang": _one_of("en", "ja"),
        "notes": _NOTES,
        "publisher": _object(
            {
                "category": _one_of("coordinator", "discoverer", "other", "translator", "user", "vendor"),
                "contact_details": _text,
                "name": _text,
                "namespace": _uri,
            }
        ),
        "title": _text,
        "tracking": _object(
            {
                "current_release_date": _time,
                "id": _matching(re.compile(r"\S(.*\S)?"), "an id without spaces around it"),
                "initial_release_date": _time,
                "revision_history": _list(
                    _object({"date": _time, "number": _matching(_VERSION, "a version"), "summary": _text})
                ),
                "status": _one_of("final", "interim"),
                "version": _matching(_VERSION, "a version"),
            }
        ),
    }
)
_PRODUCT_IDS = _list(_text, is_unique=True)
_VULNERABILITY = _object(
    {
        "ids": _list(_object({"system_name": _text, "text": _text}), is_unique=True),
        "notes": _NOTES,
        "product_status": _object({"known_affected": _PRODUCT_IDS}, {"fixed": _PRODUCT_IDS}),
        "remediations": _list(
            _object(
                {
                    "category": _one_of("mitigation", "workaround", "vendor_fix", "none_available", "no_fix_planned"),
                    "details": _text,
                    "product_ids": _PRODUCT_IDS,
                }
            )
        ),
    }
)
_ADVISORY = _object(
    {
        "document": _DOCUMENT,
        "product_tree": _object({"branches": _list(_COMPONENT_BRANCH)}),
        "vulnerabilities": _list(_VULNERABILITY),
    }
)
