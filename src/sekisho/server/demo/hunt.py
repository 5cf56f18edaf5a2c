"""Act 6: a bank hunts in code that it has declared as its own; a published flaw is found, and gone in the fix."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sekisho.formats.sarif import check_sarif
from sekisho.hunt import ReleaseUnreachable, fetch_release, unpack_wheel
from sekisho.server.demo.stage import Stage
from sekisho.server.demo.story import ActFailed, ActSkipped, require

# CVE-2023-29159, published in May 2023: a path traversal in static file serving, mended in 0.27.0.
PACKAGE = "starlette"
VULNERABLE = ("0.26.1", "e87fce5d7cbdde34b76f0ac69013fd9d190d581d80681493016666e6f96c6d5e")
FIXED = ("0.27.0", "918416370e846586541235ccd38a474c08b80443ed31c578a418e2209b3eef91")
WEAKNESS, FILE, FUNCTION = "CWE-22", "starlette/staticfiles.py", "StaticFiles.lookup_path"
HUNT_TIMEOUT_S = 90


def play(stage: Stage) -> Mapping[str, Any]:
    """Fetch both releases, hunt in both, record both campaigns, and compare."""
    seen = {version: _hunt(stage, version, sha256) for version, sha256 in (VULNERABLE, FIXED)}
    found = _in_question(seen[VULNERABLE[0]])
    require(found, "the engine did not find the published path traversal in the vulnerable release")
    require(not _in_question(seen[FIXED[0]]), "the engine still reports the flaw in the release that mends it")
    sarif = stage.places.root / "reports" / f"{PACKAGE}-{VULNERABLE[0]}.sarif"
    check_sarif(json.loads(sarif.read_bytes()))
    assets = {VULNERABLE[0]: "mufg-web", FIXED[0]: "mufg-web-next"}
    recorded = {version: _record(stage, version, assets[version]) for version in seen}
    stage.findings["path-traversal"] = found[0]["id"]
    return {
        "hunted": [f"{PACKAGE} {version}" for version in seen],
        "found": f"{WEAKNESS} in {FILE}, {FUNCTION} (published as CVE-2023-29159)",
        "flow_steps": len(found[0]["flow"]),
        "in_the_fixed_release": "nothing there",
        "findings": {version: len(campaign["findings"]) for version, campaign in seen.items()},
        "not_analyzed": {version: len(campaign["coverage"]["not_analyzed"]) for version, campaign in seen.items()},
        "on_record": {version: len(campaign["new"]) for version, campaign in recorded.items()},
        "sarif": str(sarif),
    }


def _hunt(stage: Stage, version: str, sha256: str) -> Mapping[str, Any]:
    """Hunt in one release with the command that anybody would use; return the campaign in its JSON form."""
    reports = stage.places.root / "reports"
    reports.mkdir(exist_ok=True)
    code = stage.places.root / "hunted" / f"{PACKAGE}-{version}"
    try:
        unpack_wheel(fetch_release(PACKAGE, version, sha256, stage.cache), code)
    except ReleaseUnreachable as error:
        raise ActSkipped(f"no copy of {PACKAGE} {version} in the cache, and no network to fetch one") from error
    for form in ("json", "sarif"):
        _run_hunt(code, form, reports / f"{PACKAGE}-{version}.{form}")
    campaign = json.loads((reports / f"{PACKAGE}-{version}.json").read_bytes())
    if not isinstance(campaign, Mapping):
        raise ActFailed("the hunt wrote no campaign")
    return campaign


def _run_hunt(code: Path, form: str, out: Path) -> None:
    argv = (
        sys.executable,
        "-m",
        "sekisho.cli.main",
        "hunt",
        str(code),
        "--format",
        form,
        "-o",
        str(out),
        "--exit-zero",
    )
    done = subprocess.run(argv, capture_output=True, timeout=HUNT_TIMEOUT_S, check=False)  # noqa: S603  # our own command
    require(done.returncode == 0, f"sekisho hunt ended with status {done.returncode}")


def _in_question(campaign: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the findings of the published flaw's class in the published function."""
    return [
        finding
        for finding in campaign["findings"]
        if finding["cwe"] == WEAKNESS
        and finding["location"]["path"] == FILE
        and finding["location"]["function"] == FUNCTION
    ]


def _record(stage: Stage, version: str, asset: str) -> Mapping[str, Any]:
    report = (stage.places.root / "reports" / f"{PACKAGE}-{version}.json").read_bytes()
    query = f"institution_id={stage.institutions['mufg-bank']}&asset_id={stage.assets[asset]}"
    recorded = stage.office.post(f"/campaigns?{query}", report)
    if not isinstance(recorded, Mapping):
        raise ActFailed("the campaign was not recorded")
    return recorded
