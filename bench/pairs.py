#!/usr/bin/env python3
"""What the taint engine finds in releases with a known vulnerability, and whether it falls silent on the fix.

Prints JSON. Each pair of `pairs.json` is a release with a published vulnerability and the release that fixed it. The
files come from PyPI, are checked against their SHA-256, unpacked as data and never built or run. Bandit and semgrep
(with the rules in `semgrep-rules.yaml`) look at the same folders, where they are found: on PATH, or under
`--tools FOLDER`. Only counts are printed of what is not the published vulnerability. Our engine runs three times: with
an empty cache, on unchanged sources, and after an edit of one file.

    uv run --no-sync bench/pairs.py [--keep FOLDER] [--tools FOLDER] [--only PACKAGE]
"""

import argparse
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from sekisho import hunt
from sekisho.findings import Mode
from sekisho.hunt import Cache, Source, TaintEngine
from sekisho.hunt.recon import DEFAULT_EXCLUDES, survey

HERE = Path(__file__).parent
MAX_DOWNLOAD_BYTES = 50_000_000
# CWE numbers that name one weakness, as different engines file it.
FAMILIES = tuple(
    frozenset(family)
    for family in (
        {77, 78, 88},
        {94, 95, 96, 74, 1336, 470},
        {89, 564, 943},
        {79, 80, 83, 116},
        {22, 23, 36, 73, 98},
        {611, 776, 827, 20, 91},
        {326, 327, 328, 347},
        {185, 400, 1333},
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One result of any engine. `line`: of the place it names, from 1."""

    cwes: frozenset[int]
    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one engine said of one release."""

    hits: tuple[Hit, ...]
    lines: int
    seconds: float
    peak_mb: float
    warm_seconds: float
    edited_seconds: float


def family(cwes: Sequence[int]) -> frozenset[int]:
    """Return all numbers that count as one of `cwes`."""
    return frozenset(cwes).union(*(group for group in FAMILIES if group & frozenset(cwes)))


def fetch(release: dict[str, str], folder: Path) -> Path:
    """Return the release's file below `folder`, downloaded if it is not there; its SHA-256 must be the listed one."""
    path = folder / release["file"]
    if not path.exists():
        with urllib.request.urlopen(release["url"], timeout=60) as answer:  # noqa: S310 (an address out of pairs.json)
            data = answer.read(MAX_DOWNLOAD_BYTES + 1)
        path.write_bytes(data)
    if hashlib.sha256(path.read_bytes()).hexdigest() != release["sha256"]:
        raise SystemExit(f"{path} is not the file that pairs.json names")
    return path


def unpack(path: Path, into: Path) -> Path:
    """Return `into` with the archive's content below it, without tests, docs and vendored code."""
    if not into.exists():
        if path.suffix in {".whl", ".zip"}:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(into)
        else:
            with tarfile.open(path) as archive:
                archive.extractall(into, filter="data")
        for found in sorted(into.rglob("*"), reverse=True):
            if any(found.match(pattern) for pattern in DEFAULT_EXCLUDES if pattern not in {"build", "dist"}):
                shutil.rmtree(found) if found.is_dir() else found.unlink()
    return into


def look_with_ours(folder: Path) -> Look:
    """Run our engine in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--one", str(folder)]
    return _look(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def print_one(folder: Path) -> None:
    """Print what our engine finds in `folder`: the other end of `look_with_ours`."""
    sources = survey(folder).sources
    with tempfile.TemporaryDirectory() as scratch:
        cold, seconds = _seconds(TaintEngine(cache=Cache(Path(scratch, "cache"))), sources)
        warm, warm_seconds = _seconds(TaintEngine(cache=Cache(Path(scratch, "cache"))), sources)
        edited = (replace(sources[0], data=sources[0].data + b"\n"), *sources[1:])
        _, edited_seconds = _seconds(TaintEngine(cache=Cache(Path(scratch, "cache"))), edited)
    if warm != cold:
        raise SystemExit("a second run says something else")
    look = cold
    hits = [
        {"cwes": [int(claim.cwe.removeprefix("CWE-"))], "path": claim.location.path, "line": claim.location.line}
        for claim in look.claims
    ]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = sum(source.data.count(b"\n") for source in sources)
    figures = {"seconds": seconds, "warm_seconds": warm_seconds, "edited_seconds": edited_seconds, "peak_mb": peak_mb}
    json.dump({"hits": hits, "lines": lines, **figures}, sys.stdout)


def _seconds(engine: TaintEngine, sources: Sequence[Source]) -> tuple[hunt.Look, float]:
    began = time.perf_counter()
    look = engine.look(sources, mode=Mode.BOTH, on_progress=lambda _: None)
    return look, time.perf_counter() - began


def look_with_bandit(tool: Path, folder: Path) -> Look:
    command = [str(tool), "-r", "-q", "-f", "json", "--exit-zero", str(folder)]
    said, seconds = _timed(command)
    hits = [
        {
            "cwes": [found["issue_cwe"]["id"]] if found.get("issue_cwe") else [],
            "path": str(Path(found["filename"]).relative_to(folder)),
            "line": found["line_number"],
        }
        for found in said["results"]
    ]
    return _look({"hits": hits, "lines": said["metrics"]["_totals"]["loc"], "seconds": seconds, "peak_mb": 0})


def look_with_semgrep(tool: Path, folder: Path) -> Look:
    rules = ["--config", str(HERE / "semgrep-rules.yaml"), "--metrics", "off", "--disable-version-check"]
    said, seconds = _timed([str(tool), "scan", *rules, "--json", "--quiet", "--no-git-ignore", str(folder)])
    hits = [
        {
            "cwes": [int(found["extra"]["metadata"]["cwe"])],
            "path": str(Path(found["path"]).relative_to(folder)),
            "line": found["start"]["line"],
        }
        for found in said["results"]
    ]
    return _look({"hits": hits, "lines": 0, "seconds": seconds, "peak_mb": 0})


def _timed(command: list[str]) -> tuple[Any, float]:
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True)
    return json.loads(done.stdout), time.perf_counter() - began


def _look(said: dict[str, Any]) -> Look:
    hits = tuple(
        Hit(cwes=frozenset(hit["cwes"]), path=hit["path"].replace("\\", "/"), line=hit["line"]) for hit in said["hits"]
    )
    return Look(
        hits=hits,
        lines=said["lines"],
        seconds=said["seconds"],
        peak_mb=said["peak_mb"],
        warm_seconds=said.get("warm_seconds", 0.0),
        edited_seconds=said.get("edited_seconds", 0.0),
    )


def spans(folder: Path, path: str, functions: Sequence[str]) -> tuple[str, list[range]]:
    """Return the path below `folder` of the file that `path` ends, and the lines of its `functions` (all, if none)."""
    found = next(one for one in sorted(folder.rglob(Path(path).name)) if one.as_posix().endswith(f"/{path}"))
    tree = Parser(Language(tree_sitter_python.language())).parse(found.read_bytes())
    wanted = set(functions)
    lines = [span for name, span in _definitions(tree.root_node, "") if name in wanted]
    return found.relative_to(folder).as_posix(), lines if wanted else [range(1, tree.root_node.end_point.row + 2)]


def _definitions(node: Node, prefix: str) -> Iterator[tuple[str, range]]:
    for child in node.children:
        name = child.child_by_field_name("name") if child.type in {"function_definition", "class_definition"} else None
        if name is not None and name.text is not None:
            qualified = f"{prefix}{name.text.decode()}"
            yield qualified, range(child.start_point.row + 1, child.end_point.row + 2)
            yield from _definitions(child, f"{qualified}.")
        else:
            yield from _definitions(child, prefix)


def hits_at(look: Look, pair: dict[str, Any], folder: Path) -> int:
    """Return how many of the hits name the right kind of weakness within the functions of the pair."""
    path, lines = spans(folder, pair["path"], pair["functions"])
    kinds = family(pair["cwe"])
    return sum(
        1
        for hit in look.hits
        if hit.cwes & kinds and hit.path.endswith(path) and any(hit.line in span for span in lines)
    )


def judge(engine: Any, pairs: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Return the row of one engine: each pair, and the sums."""
    rows, noise, lines, seconds, peak, warm, edited = [], 0, 0, 0.0, 0.0, 0.0, 0.0
    for pair in pairs:
        before, after = folder / pair["vulnerable"]["file"], folder / pair["fixed"]["file"]
        vulnerable, fixed = engine(before.with_suffix(".d")), engine(after.with_suffix(".d"))
        hits = hits_at(vulnerable, pair, before.with_suffix(".d"))
        left = hits_at(fixed, pair, after.with_suffix(".d"))
        rows.append(
            {"package": pair["package"], "cve": pair["cve"], "flagged": hits > 0, "gone": hits > 0 and not left}
        )
        noise += len(vulnerable.hits) - hits
        lines += vulnerable.lines
        seconds += vulnerable.seconds
        warm += vulnerable.warm_seconds
        edited += vulnerable.edited_seconds
        peak = max(peak, vulnerable.peak_mb)
        print(json.dumps(rows[-1]), file=sys.stderr)
    return {
        "flagged": sum(row["flagged"] for row in rows),
        "flagged_and_gone": sum(row["gone"] for row in rows),
        "pairs": rows,
        "noise_per_kloc": round(noise / lines * 1000, 2) if lines else None,
        "lines_per_s": round(lines / seconds) if lines else None,
        "lines_per_s_unchanged": round(lines / warm) if warm else None,
        "lines_per_s_one_file_edited": round(lines / edited) if edited else None,
        "peak_mb": round(peak) or None,
    }


def tool_at(name: str, tools: Path | None) -> Path | None:
    """Return the program `name` below `tools`, or on PATH."""
    found = shutil.which(name, path=str(tools)) if tools else shutil.which(name)
    return None if found is None else Path(found)


def main() -> None:
    """Fetch, look and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help="where the releases stay, for the next run")
    parser.add_argument("--tools", type=Path, help="the folder with bandit and semgrep")
    parser.add_argument("--only", help="this package alone")
    options = parser.parse_args()
    if options.one:
        print_one(options.one)
        return
    pairs = [pair for pair in json.loads((HERE / "pairs.json").read_text()) if options.only in (None, pair["package"])]
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for pair in pairs:
            for release in (pair["vulnerable"], pair["fixed"]):
                file = fetch(release, folder)
                unpack(file, file.with_suffix(".d"))
        result: dict[str, Any] = {"pairs": len(pairs), "sekisho": judge(look_with_ours, pairs, folder)}
        for name, look in (("bandit", look_with_bandit), ("semgrep", look_with_semgrep)):
            tool = tool_at(name, options.tools)
            result[name] = "not found" if tool is None else judge(lambda at, t=tool, f=look: f(t, at), pairs, folder)
        print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
