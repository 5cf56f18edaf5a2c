"""Act 7: the finding becomes protection for those who run the component, and for nobody's attack."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sekisho.core import format_utc
from sekisho.formats.csaf import check_csaf
from sekisho.server.demo.hunt import FILE, FIXED, FUNCTION, PACKAGE, VULNERABLE
from sekisho.server.demo.stage import Stage
from sekisho.server.demo.story import require

EMBARGO = timedelta(days=90)
# What a reader of the notice could start an attack from. None of it may be in a notice.
DETAIL = (FILE, FUNCTION, "lookup_path", "commonprefix", "staticfiles", "traversal", "CWE-22")


def play(stage: Stage) -> Mapping[str, Any]:
    """Record who runs what, open the case under embargo, send the notices, and look at what they say."""
    for name, version in (("regional-bank", VULNERABLE[0]), ("fintech", FIXED[0])):
        query = f"institution_id={stage.institutions[name]}"
        stage.office.post(f"/inventories?{query}", json.dumps(_sbom(version)).encode())
    case = stage.office.post("/cases", _case(stage))
    owner = {"institution_id": stage.institutions["mufg-bank"]}
    issued = stage.office.post(f"/cases/{case['id']}/notices", owner)
    notified = {notice["institution"] for notice in issued["notices"]}
    require(stage.institutions["regional-bank"] in notified, "the regional bank got no notice")
    require(stage.institutions["fintech"] not in notified, "the fintech, which is not affected, got a notice")
    files = [Path(path) for notice in issued["notices"] for path in notice["files"]]
    notice = next(path for path in files if path.suffix == ".json")
    _check_notice(files, notice)
    again = stage.office.post(f"/cases/{case['id']}/notices", owner)
    require(not again["ledger"]["indexes"], "sending the notices again sent something twice")
    return {
        "case": case["id"],
        "embargo": f"until {format_utc(stage.clock.now() + EMBARGO)[:10]}",
        "notified": ["regional-bank"],
        "not_affected": issued["not_affected"],
        "unknown_exposure": issued["unknown"],
        "notice": str(notice),
        "notice_for_people": [str(path) for path in files if path.suffix == ".html"],
        "technical_detail_in_notice": False,
    }


def _sbom(version: str) -> Mapping[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [
            {"type": "library", "name": PACKAGE, "version": version, "purl": f"pkg:pypi/{PACKAGE}@{version}"},
            {"type": "library", "name": "anyio", "version": "3.7.1", "purl": "pkg:pypi/anyio@3.7.1"},
        ],
    }


def _case(stage: Stage) -> Mapping[str, Any]:
    return {
        "institution_id": stage.institutions["mufg-bank"],
        "finding_id": stage.findings["path-traversal"],
        "package": f"pkg:pypi/{PACKAGE}",
        "ranges": [f"vers:pypi/<{FIXED[0]}"],
        "fixed_version": FIXED[0],
        "mitigation_kind": "workaround",
        "mitigation": {
            "en": "Let the web server in front serve static files; do not expose the application's own file serving.",
            "ja": "静的ファイルは前段のWebサーバーで配信し、アプリ自身のファイル配信を公開しないでください。",
        },
        "basis": {
            "en": "Members run the component in services that customers reach; the workaround can be applied at once.",
            "ja": "加盟機関が顧客向けサービスで当該部品を利用しており、回避策を直ちに適用できるためです。",
        },
        "lifts_at": format_utc(stage.clock.now() + EMBARGO),
    }


def _check_notice(files: list[Path], notice: Path) -> None:
    check_csaf(json.loads(notice.read_bytes()))
    text = "\n".join(path.read_text() for path in files).lower()
    leaked = [word for word in DETAIL if word.lower() in text]
    require(not leaked, f"a notice says what it must not: {len(leaked)} words of detail")
    require("静的ファイル" in text, "the notice lacks the mitigation")
