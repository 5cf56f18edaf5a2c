"""What all tests share: a steady clock, counted ids, and the shared test vectors where they are present."""

import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sekisho.core import SteadyClock

# Where others wait for the outcome, the same code has the same outcome; elsewhere each run tries something new.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
if os.environ.get("CI"):
    settings.load_profile("ci")

_VECTORS = Path(os.environ.get("SEKISHO_VECTORS", Path(__file__).parents[2] / "shared" / "vectors"))


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of published test vectors; a checkout that stands alone skips the tests that need it."""
    if not (_VECTORS / "README.md").is_file():
        pytest.skip("no test vectors: set SEKISHO_VECTORS to their folder")
    return _VECTORS


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the commands under test out of the cache of whoever runs the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def clock() -> SteadyClock:
    """A clock that stands at a fixed moment."""
    return SteadyClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))


class CountedIds:
    """Ids that count upwards, for tests alone: `grt_00000000000000000000000001`."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._count):026d}"


@pytest.fixture
def ids() -> CountedIds:
    """An id source that counts."""
    return CountedIds()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with one line for every judge: ran, or skipped and why."""
    lines = dict(sorted(_judge_lines(terminalreporter)))
    if lines:
        terminalreporter.section("independent judges")
        for name, line in lines.items():
            terminalreporter.write_line(f"{name}: {line}")


def _judge_lines(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, str]]:
    for outcome in ("passed", "failed", "skipped"):
        for report in reporter.stats.get(outcome, []):
            parts = report.nodeid.split("/")
            if parts[:2] != ["tests", "judges"] or len(parts) < 4:
                continue
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            yield parts[2], f"skipped: {reason.removeprefix('Skipped: ')}" if outcome == "skipped" else "ran"
