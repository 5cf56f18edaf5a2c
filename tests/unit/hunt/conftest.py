"""Claims, an engine that says what it is told, and a small tree of sources."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sekisho.findings import Campaign, Confidence, Engine, FlowStep, Location, Mode, Severity
from sekisho.hunt import Claim, Look, Source, Survey, hunt


class ScriptedEngine:
    """For tests alone: looks at nothing and says what it was given."""

    identity = Engine(name="scripted", version="1")

    def __init__(self, look: Look) -> None:
        self._look = look

    def look(self, sources: Sequence[Source], *, mode: Mode, on_progress: Any) -> Look:
        return self._look


def _claim(number: int = 1, **changes: Any) -> Claim:
    values: dict[str, Any] = {
        "rule_id": "path-traversal",
        "cwe": "CWE-22",
        "title": "A caller's text chooses the file that is opened",
        "severity": Severity.HIGH,
        "confidence": Confidence.MEDIUM,
        "location": Location(path="app/store.py", line=number, column=1, function="read"),
        "flow": (
            FlowStep(path="app/web.py", line=1, expression="name", why="a parameter"),
            FlowStep(path="app/store.py", line=number, expression="open(name)", why="the sink"),
        ),
        "guards": (FlowStep(path="app/store.py", line=1, expression="if name:", why="says nothing of its form"),),
        "preconditions": ("A caller chooses the name.",),
        "fingerprint": f"{number:064x}",
    }
    return Claim(**(values | changes))


_SURVEY = Survey(
    name="app",
    sources=(Source(path="app/store.py", data=b"a\n" * 9), Source(path="app/web.py", data=b"b\n")),
    not_analyzed=(),
    other_files=(),
)


@pytest.fixture
def make_claim() -> Any:
    """Make claim `number`, at that line of app/store.py, with changes."""
    return _claim


@pytest.fixture
def small_survey() -> Survey:
    """Two files."""
    return _SURVEY


@pytest.fixture
def run_campaign(clock: Any, ids: Any) -> Any:
    """Hunt a survey with an engine that makes the claims given."""

    def run(*claims: Claim, survey: Survey = _SURVEY, unread: Any = (), partial: Any = ()) -> Campaign:
        look = Look(claims=claims, unread=tuple(unread), partial=tuple(partial))
        engine = ScriptedEngine(look)
        return hunt(survey, engine=engine, mode=Mode.BOTH, asset_id=None, clock=clock, ids=ids)

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Any:
    """Write files, given by relative path and content, below a folder; return the folder."""

    def write(files: dict[str, bytes | str]) -> Path:
        root = tmp_path / "target"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write
