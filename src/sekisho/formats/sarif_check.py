"""The part of SARIF 2.1.0 that we write, as one table of shapes, with the limits and cross references beside it.

An unknown member is refused: a misspelt name would be ignored by every reader, and what it said would be lost.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar
from urllib.parse import unquote

from sekisho.core.errors import SekishoError
from sekisho.formats.jcs import Json

# What GitHub takes (docs.github.com, "SARIF results exceed one or more limits"); others take more.
MAX_RUNS = 20
MAX_RESULTS = 25_000
MAX_RULES = 25_000
MAX_LOCATIONS = 1_000
MAX_FLOW_LOCATIONS = 10_000
MAX_TAGS = 20

_LEVELS = {"none", "note", "warning", "error"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9._~/@!$&'()*+,;=-]|%[0-9A-F]{2})+", re.ASCII)

_Check = Callable[[Json, str], None]


class SarifRefused(SekishoError):
    """The value is not a SARIF log of the form that is written here."""

    code: ClassVar[str] = "SKS-FORMATS-003"
    hint = "The message names the member; compare it with SARIF 2.1.0."


def check_sarif(value: Json) -> None:
    """Raise SarifRefused unless `value` is a SARIF 2.1.0 log of the form, and within the limits, written here.

    Steps: (1) shapes, no member unknown; (2) every index points at what its name says; (3) artifact addresses
    are relative and stay below their base.
    """
    # (1)
    _LOG(value, "log")
    runs = _get(value, "runs")
    for number, run in enumerate(runs if isinstance(runs, list) else []):
        where = f"runs[{number}]"
        # (2)
        _check_rule_indexes(run, where)
        _check_artifact_indexes(run, where)
        _check_notification_indexes(run, where)
        # (3)
        _check_addresses(run, where)


def _check_rule_indexes(run: Json, where: str) -> None:
    ids = [_get(rule, "id") for rule in _list(run, "tool", "driver", "rules")]
    _require_unique(ids, f"{where}: two rules share an id")
    for number, result in enumerate(_list(run, "results")):
        _check_pointer(_get(result, "ruleIndex"), _get(result, "ruleId"), ids, f"{where}.results[{number}].ruleIndex")


def _check_notification_indexes(run: Json, where: str) -> None:
    ids = [_get(kind, "id") for kind in _list(run, "tool", "driver", "notifications")]
    _require_unique(ids, f"{where}: two kinds of notification share an id")
    for invocation in _list(run, "invocations"):
        for note in _list(invocation, "toolExecutionNotifications"):
            descriptor = _get(note, "descriptor")
            _check_pointer(_get(descriptor, "index"), _get(descriptor, "id"), ids, f"{where}: a notification")


def _check_artifact_indexes(run: Json, where: str) -> None:
    uris = [_get(_get(artifact, "location"), "uri") for artifact in _list(run, "artifacts")]
    _require_unique(uris, f"{where}: two artifacts share an address")
    for address in _addresses(_list(run, "results")):
        _check_pointer(_get(address, "index"), _get(address, "uri"), uris, f"{where}: an artifact index")


def _check_addresses(run: Json, where: str) -> None:
    bases = _get(run, "originalUriBaseIds")
    for address in _addresses(run):
        base = _get(address, "uriBaseId")
        if base is not None and (not isinstance(bases, Mapping) or base not in bases):
            raise SarifRefused(f"{where}: the base {base} is not defined")


def _check_pointer(index: Json, name: Json, names: list[Json], where: str) -> None:
    if index is None:
        return
    if not isinstance(index, int) or index >= len(names):
        raise SarifRefused(f"{where} points nowhere")
    if name is not None and names[index] != name:
        raise SarifRefused(f"{where} points at another than it names")


def _addresses(value: Json) -> Iterable[Mapping[str, Json]]:
    """Yield every artifactLocation under `value`."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in ("artifactLocation", "location") and isinstance(item, Mapping) and "uri" in item:
                yield item
            else:
                yield from _addresses(item)
    elif isinstance(value, list):
        for item in value:
            yield from _addresses(item)


def _require_unique(items: list[Json], law: str) -> None:
    if len({str(item) for item in items}) != len(items):
        raise SarifRefused(law)


def _get(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, Mapping) else None


def _list(value: Json, *names: str) -> list[Json]:
    for name in names:
        value = _get(value, name)
    return value if isinstance(value, list) else []


def _refuse(where: str, law: str) -> None:
    raise SarifRefused(f"{where}: {law}")


def _text(value: Json, where: str) -> None:
    if not isinstance(value, str) or not value:
        _refuse(where, "a text that is not empty")


def _flag(value: Json, where: str) -> None:
    if not isinstance(value, bool):
        _refuse(where, "true or false")


def _is_whole(value: Json, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _position(value: Json, where: str) -> None:
    if not _is_whole(value, 1):
        _refuse(where, "a whole number from 1")


def _index(value: Json, where: str) -> None:
    if not _is_whole(value, 0):
        _refuse(where, "a whole number from 0")


def _matching(pattern: re.Pattern[str], law: str) -> _Check:
    def check(value: Json, where: str) -> None:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            _refuse(where, law)

    return check


def _one_of(*choices: str) -> _Check:
    def check(value: Json, where: str) -> None:
        if value not in choices:
            _refuse(where, f"one of {', '.join(sorted(choices))}")

    return check


def _relative(value: Json, where: str) -> None:
    if not isinstance(value, str) or not _URI_REFERENCE.fullmatch(value):
        _refuse(where, "a relative address, percent-encoded")
        return
    # Decoded first: %2e%2e%2f climbs as well as ../ does.
    path = unquote(value)
    if path.startswith("/") or ".." in path.split("/") or "\\" in path:
        _refuse(where, "an address below its base")


def _bag(value: Json, where: str) -> None:
    if not isinstance(value, Mapping):
        _refuse(where, "an object")
        return
    tags = value.get("tags", [])
    if not isinstance(tags, list) or len(tags) > MAX_TAGS or not all(isinstance(tag, str) for tag in tags):
        _refuse(where, f"at most {MAX_TAGS} tags, all text")


def _many(check: _Check, *, most: int | None = None, least: int = 0) -> _Check:
    def check_list(value: Json, where: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise SarifRefused(f"{where}: a list of at least {least}")
        if most is not None and len(value) > most:
            raise SarifRefused(f"{where}: {len(value)} items, more than {most}")
        for number, item in enumerate(value):
            check(item, f"{where}[{number}]")

    return check_list


def _named(check: _Check) -> _Check:
    def check_items(value: Json, where: str) -> None:
        if not isinstance(value, Mapping):
            raise SarifRefused(f"{where}: an object")
        for name, item in value.items():
            check(item, f"{where}.{name}")

    return check_items


def _nullable(check: _Check) -> _Check:
    return lambda value, where: None if value is None else check(value, where)


def _shape(required: Mapping[str, _Check], optional: Mapping[str, _Check] | None = None) -> _Check:
    known = {**required, **(optional or {}), "properties": _bag}

    def check(value: Json, where: str) -> None:
        if not isinstance(value, Mapping):
            raise SarifRefused(f"{where}: an object")
        missing = sorted(set(required) - set(value))
        if missing:
            raise SarifRefused(f"{where}: without {', '.join(missing)}")
        unknown = sorted(set(value) - set(known))
        if unknown:
            raise SarifRefused(f"{where}: {', '.join(unknown)} is not a member that is written here")
        for name, item in value.items():
            known[name](item, f"{where}.{name}")

    return check


_LEVEL = _one_of(*_LEVELS)
_MESSAGE = _shape({"text": _text})
_ADDRESS = _shape({"uri": _relative}, {"uriBaseId": _text, "index": _index})
_REGION = _shape({"startLine": _position}, {"startColumn": _position, "snippet": _MESSAGE})
_LOCATION = _shape(
    {"physicalLocation": _shape({"artifactLocation": _ADDRESS}, {"region": _REGION})},
    {
        "logicalLocations": _many(_shape({"fullyQualifiedName": _text, "kind": _text})),
        "message": _MESSAGE,
    },
)
_RULE = _shape(
    {"id": _text},
    {
        "name": _text,
        "shortDescription": _MESSAGE,
        "fullDescription": _MESSAGE,
        "help": _MESSAGE,
        "helpUri": _text,
        "defaultConfiguration": _shape({"level": _LEVEL}),
    },
)
_DRIVER = _shape(
    {"name": _text},
    {
        "version": _text,
        "semanticVersion": _text,
        "informationUri": _text,
        "rules": _many(_RULE, most=MAX_RULES),
        "notifications": _many(_RULE),
    },
)
_NOTIFICATION = _shape(
    {"message": _MESSAGE},
    {
        "level": _LEVEL,
        "descriptor": _shape({"id": _text, "index": _index}),
        "locations": _many(_LOCATION),
    },
)
_MOMENT = _matching(_TIME, "a time in UTC")
_INVOCATION = _shape(
    {"executionSuccessful": _flag},
    {"startTimeUtc": _MOMENT, "endTimeUtc": _MOMENT, "toolExecutionNotifications": _many(_NOTIFICATION)},
)
_ARTIFACT = _shape(
    {"location": _ADDRESS},
    {
        "roles": _many(_one_of("analysisTarget")),
        "hashes": _shape({"sha-256": _matching(_SHA256, "64 hex digits")}),
    },
)
_THREAD_FLOW = _shape({"locations": _many(_shape({"location": _LOCATION}), most=MAX_FLOW_LOCATIONS, least=1)})
_RESULT = _shape(
    {"message": _MESSAGE},
    {
        "ruleId": _text,
        "ruleIndex": _index,
        "level": _LEVEL,
        "locations": _many(_LOCATION, most=MAX_LOCATIONS),
        "partialFingerprints": _named(_text),
        "codeFlows": _many(_shape({"threadFlows": _many(_THREAD_FLOW, least=1)})),
    },
)
_RUN = _shape(
    {"tool": _shape({"driver": _DRIVER})},
    {
        "invocations": _many(_INVOCATION),
        "originalUriBaseIds": _named(_shape({"description": _MESSAGE})),
        "artifacts": _many(_ARTIFACT),
        "results": _nullable(_many(_RESULT, most=MAX_RESULTS)),
        "columnKind": _one_of("unicodeCodePoints"),
    },
)
_LOG = _shape(
    {"version": _one_of("2.1.0"), "runs": _nullable(_many(_RUN, most=MAX_RUNS))},
    {"$schema": _text},
)
