#!/usr/bin/env python3
"""The taint engine on code as people write it: the running interpreter's standard library and twenty popular packages.

Prints JSON, counts alone: how many files there are, how many were analysed, why others were not, time, memory, and how
many findings each rule has per thousand lines. Ends with 1 if a file is neither analysed nor reported, or if the
engine breaks off. The wheels of `robust.json` come from PyPI, are checked against their SHA-256, unpacked as data and
never built or run. Tests are left out: they are code about code.

    uv run --no-sync bench/robust.py [--keep FOLDER] [--only PACKAGE]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sekisho.findings import Mode
from sekisho.hunt import TaintEngine, fetch_release, survey, unpack_wheel
from sekisho.taint import is_template_path

HERE = Path(__file__).parent
STANDARD_LIBRARY = "standard library"
# Names that are left out, the same for the survey and for the count that it is compared with.
LEFT_OUT = ("test", "tests", "testing", "idle_test", "site-packages", "dist-packages", "__pycache__", "*.dist-info")


def files_below(folder: Path) -> set[str]:
    """Return the sources below `folder`, found without the survey that is judged by them."""
    found = set()
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.endswith(".dist-info")]
        paths = (Path(at, name).relative_to(folder).as_posix() for name in names if name not in LEFT_OUT)
        found.update(path for path in paths if path.endswith(".py") or is_template_path(path))
    return found


def look_at(folder: Path) -> dict[str, Any]:
    """Return the row of one package."""
    there = files_below(folder)
    surveyed = survey(folder, excludes=LEFT_OUT)
    began = time.perf_counter()
    look = TaintEngine().look(surveyed.sources, mode=Mode.BOTH, on_progress=lambda _: None)
    seconds = time.perf_counter() - began
    unread = {gap.path for gap in look.unread}
    analysed = {source.path for source in surveyed.sources} - unread
    reported = unread | {gap.path for gap in surveyed.not_analyzed}
    lines = sum(source.data.count(b"\n") for source in surveyed.sources)
    rules = Counter(claim.rule_id for claim in look.claims)
    reasons = Counter(gap.gap.value for gap in (*surveyed.not_analyzed, *look.unread) if not gap.path.endswith("/"))
    return {
        "files": len(there),
        "analysed": len(analysed),
        "lost": len(there - analysed - reported),
        "not_analysed": dict(sorted(reasons.items())),
        "in_part": len({gap.path for gap in look.partial} - unread),
        "kloc": round(lines / 1000, 1),
        "seconds": round(seconds, 1),
        "lines_per_s": round(lines / seconds),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "findings": len(look.claims),
        "per_kloc": round(len(look.claims) / lines * 1000, 2) if lines else None,
        "rules": dict(sorted(rules.items())),
    }


def look_apart(name: str, folder: Path) -> dict[str, Any]:
    """Run `look_at` in a process of its own, so that its memory is its own and its crash is counted."""
    done = subprocess.run([sys.executable, __file__, "--one", str(folder)], check=False, capture_output=True)
    row = json.loads(done.stdout) if done.returncode == 0 else {"crashed": done.returncode}
    print(json.dumps({name: row}), file=sys.stderr)
    return row


def summed(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the sums over all packages that did not crash."""
    whole = [row for row in rows.values() if "crashed" not in row]
    rules: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for row in whole:
        rules.update(row["rules"])
        reasons.update(row["not_analysed"])
    kloc = sum(row["kloc"] for row in whole)
    seconds = sum(row["seconds"] for row in whole)
    return {
        "crashed": len(rows) - len(whole),
        **{key: sum(row[key] for row in whole) for key in ("files", "analysed", "lost", "in_part", "findings")},
        "not_analysed": dict(sorted(reasons.items())),
        "kloc": round(kloc, 1),
        "lines_per_s": round(kloc * 1000 / seconds) if seconds else None,
        "peak_mb": max((row["peak_mb"] for row in whole), default=None),
        "per_kloc": round(sum(rules.values()) / kloc, 2) if kloc else None,
        "rules_per_kloc": {rule: round(count / kloc, 3) for rule, count in sorted(rules.items())},
    }


def main() -> None:
    """Fetch, look and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help="where the wheels stay, for the next run")
    parser.add_argument("--only", help="this package alone")
    options = parser.parse_args()
    if options.one:
        json.dump(look_at(options.one), sys.stdout)
        return
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        keep = options.keep or Path(scratch, "wheels")
        keep.mkdir(parents=True, exist_ok=True)
        if options.only in (None, STANDARD_LIBRARY):
            rows[STANDARD_LIBRARY] = look_apart(STANDARD_LIBRARY, Path(sysconfig.get_path("stdlib")))
        for wheel in json.loads((HERE / "robust.json").read_text()):
            if options.only in (None, wheel["package"]):
                file = fetch_release(wheel["package"], wheel["version"], wheel["sha256"], keep)
                folder = Path(scratch, wheel["package"])
                unpack_wheel(file, folder)
                rows[wheel["package"]] = look_apart(f"{wheel['package']} {wheel['version']}", folder)
    total = summed(rows)
    print(json.dumps({"packages": rows, "total": total}, indent=2))
    raise SystemExit(bool(total["crashed"] or total["lost"]))


if __name__ == "__main__":
    main()
