"""Twins: two small programs that differ in one thing, one vulnerable, one not. Kept as text under fixtures/taint."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "taint"

_OUTCOMES = pytest.StashKey[dict[int, Counter[str]]]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """One pair: relative path to source, for the vulnerable program and the safe one."""

    rule: str
    name: str
    vulnerable: Mapping[str, bytes]
    safe: Mapping[str, bytes]


def read_twins() -> list[Twins]:
    return [_twins(part) for file in sorted(FIXTURES.glob("*.twins")) for part in _parts(file)]


def _parts(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").removeprefix("=== ").split("\n=== ")


def _twins(part: str) -> Twins:
    head, _, rest = part.partition("\n--- vulnerable\n")
    vulnerable, _, safe = rest.partition("\n--- safe\n")
    rule, _, name = head.partition(": ")
    return Twins(rule=rule, name=name, vulnerable=_files(vulnerable), safe=_files(safe))


def _files(text: str) -> dict[str, bytes]:
    if not text.startswith("# file: "):
        return {"program.py": text.encode() + b"\n"}
    pieces = text.removeprefix("# file: ").split("\n# file: ")
    return {path: body.encode() + b"\n" for path, _, body in (piece.partition("\n") for piece in pieces)}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "twins" in metafunc.fixturenames:
        listed = read_twins()
        metafunc.parametrize("twins", listed, ids=[f"{pair.rule}: {pair.name}" for pair in listed])


@pytest.fixture(scope="session")
def all_twins() -> list[Twins]:
    return read_twins()


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> dict[int, Counter[str]]:
    """Counts of twins, found and falsely alarmed, by CWE; printed when the run ends."""
    return request.config.stash.setdefault(_OUTCOMES, defaultdict(Counter))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    by_cwe = config.stash.get(_OUTCOMES, None)
    for cwe, counts in sorted(by_cwe.items()) if by_cwe else ():
        terminalreporter.write_line(f"taint twins: CWE-{cwe:<5}{_line(counts)}")
    if by_cwe:
        terminalreporter.write_line(f"taint twins: in all   {_line(sum(by_cwe.values(), Counter()))}")


def _line(counts: Counter[str]) -> str:
    pairs = counts["pairs"]
    return (
        f"{pairs:>4} pairs, recall {counts['found'] / pairs:.2f}, false alarms {counts['false alarms'] / pairs:.2f}"
        f" ({counts['false alarms']})"
    )
