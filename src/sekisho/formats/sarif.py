"""SARIF 2.1.0 (OASIS, errata 01): what code scanners write and code hosts read.

`write_sarif` makes the bytes from plain values; equal values give equal bytes. `check_sarif` knows the part of
the format that is written here, and refuses the rest: a schema cannot see that an index points nowhere, and a
code host drops what is over its limits without a word.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sekisho.core.utc import format_utc
from sekisho.formats.jcs import Json
from sekisho.formats.sarif_check import SarifRefused, check_sarif

__all__ = ["Flaw", "Note", "Rule", "Run", "SarifRefused", "Source", "Step", "check_sarif", "write_sarif"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "SRCROOT"
FINGERPRINT = "sekishoFingerprint/v1"

_CWE = re.compile(r"CWE-([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule. `cwe`: CWE-22; `security_severity`: GitHub's number as text, "0.1" to "10.0"."""

    id: str
    title: str
    description: str
    help: str
    cwe: str
    level: str
    security_severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A place in the code: relative POSIX path, line and column from 1, the code there, and a remark on it."""

    path: str
    line: int
    column: int | None
    code: str
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A result. `function`: qualified name, "" at module level; `flow`: from source to sink; `facts`: sorted names."""

    rule_id: str
    level: str
    message: str
    at: Step
    function: str
    flow: tuple[Step, ...]
    fingerprint: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that was analysed, and the SHA-256 of its bytes in hex."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that was not looked at. `kind`: a stable word such as `too-large`; `path` may end in `/`."""

    kind: str
    path: str
    text: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one tool. `base`: what the paths are relative to, in words; `facts`: names and texts."""

    tool: str
    version: str
    home: str
    base: str
    started_at: datetime
    finished_at: datetime
    successful: bool
    rules: tuple[Rule, ...]
    sources: tuple[Source, ...]
    flaws: tuple[Flaw, ...]
    notes: tuple[Note, ...]
    facts: tuple[tuple[str, str], ...] = ()


def write_sarif(run: Run) -> bytes:
    """Return `run` as a SARIF log: UTF-8, indented, ending in a line feed; or raise SarifRefused.

    Raises when a result names a rule or a path that is not among the rules and sources, or a limit is passed.
    """
    value: dict[str, Json] = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(run)]}
    check_sarif(value)
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def _run(run: Run) -> Json:
    rules = {rule.id: index for index, rule in enumerate(run.rules)}
    sources = {source.path: index for index, source in enumerate(run.sources)}
    kinds = {kind: index for index, kind in enumerate(sorted({note.kind for note in run.notes}))}
    return {
        "tool": {
            "driver": {
                "name": run.tool,
                "semanticVersion": run.version,
                "informationUri": run.home,
                "rules": [_rule(rule) for rule in run.rules],
                "notifications": [_notification_kind(kind) for kind in kinds],
            }
        },
        "invocations": [
            {
                "executionSuccessful": run.successful,
                "startTimeUtc": format_utc(run.started_at),
                "endTimeUtc": format_utc(run.finished_at),
                "toolExecutionNotifications": [_note(note, kinds) for note in run.notes],
            }
        ],
        "originalUriBaseIds": {ROOT: {"description": {"text": run.base}}},
        "artifacts": [_source(source) for source in run.sources],
        "results": [_result(flaw, rules, sources) for flaw in run.flaws],
        "columnKind": "unicodeCodePoints",
        "properties": dict(run.facts),
    }


def _rule(rule: Rule) -> Json:
    match = _CWE.fullmatch(rule.cwe)
    if match is None:
        raise SarifRefused(f"rule {rule.id}: a weakness is written CWE-22")
    return {
        "id": rule.id,
        "name": _name(rule.id),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.description},
        "help": {"text": rule.help},
        "helpUri": f"https://cwe.mitre.org/data/definitions/{int(match[1])}.html",
        "defaultConfiguration": {"level": rule.level},
        "properties": {
            # The tag's form is CodeQL's, which code hosts look for: three digits at least.
            "tags": ["security", f"external/cwe/cwe-{int(match[1]):03d}"],
            "security-severity": rule.security_severity,
        },
    }


def _kind_id(kind: str) -> str:
    return f"not-analyzed-{kind}"


def _name(rule_id: str) -> str:
    # 3.49.7: for people; validators ask for Pascal case.
    return "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", rule_id))


def _notification_kind(kind: str) -> Json:
    return {
        "id": _kind_id(kind),
        "name": _name(_kind_id(kind)),
        "shortDescription": {"text": f"Not analysed: {kind.replace('-', ' ')}."},
        "fullDescription": {"text": "Something was not looked at, so that its silence says nothing."},
        "help": {"text": "The message of each notification says what was left out and why."},
    }


def _note(note: Note, kinds: dict[str, int]) -> Json:
    return {
        "descriptor": {"id": _kind_id(note.kind), "index": kinds[note.kind]},
        "level": note.level,
        "message": {"text": note.text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(note.path), "uriBaseId": ROOT}}}],
    }


def _source(source: Source) -> Json:
    return {
        "location": {"uri": _uri(source.path), "uriBaseId": ROOT},
        "roles": ["analysisTarget"],
        "hashes": {"sha-256": source.sha256},
    }


def _result(flaw: Flaw, rules: dict[str, int], sources: dict[str, int]) -> Json:
    if flaw.rule_id not in rules:
        raise SarifRefused(f"a result names the rule {flaw.rule_id}, which is not listed")
    result: dict[str, Json] = {
        "ruleId": flaw.rule_id,
        "ruleIndex": rules[flaw.rule_id],
        "level": flaw.level,
        "message": {"text": flaw.message},
        "locations": [_primary(flaw, sources)],
        "partialFingerprints": {FINGERPRINT: flaw.fingerprint},
    }
    if flaw.flow:
        steps: list[Json] = [_step(step, sources) for step in flaw.flow]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if flaw.facts:
        result["properties"] = dict(flaw.facts)
    return result


def _step(step: Step, sources: dict[str, int]) -> Json:
    place = _place(step, sources)
    place["message"] = {"text": step.remark}
    return {"location": place}


def _primary(flaw: Flaw, sources: dict[str, int]) -> dict[str, Json]:
    place = _place(flaw.at, sources)
    if flaw.function:
        place["logicalLocations"] = [{"fullyQualifiedName": flaw.function, "kind": "function"}]
    return place


def _place(step: Step, sources: dict[str, int]) -> dict[str, Json]:
    if step.path not in sources:
        raise SarifRefused(f"a result lies in {step.path}, which is not among the files analysed")
    region: dict[str, Json] = {"startLine": step.line}
    if step.column is not None:
        region["startColumn"] = step.column
    if step.code:
        region["snippet"] = {"text": step.code}
    artifact: dict[str, Json] = {"uri": _uri(step.path), "uriBaseId": ROOT, "index": sources[step.path]}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _uri(path: str) -> str:
    # A colon in the first segment would read as a scheme (RFC 3986 4.2): `quote` encodes it.
    return quote(path, safe="/")
