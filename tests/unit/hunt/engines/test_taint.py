"""The adapter of the data-flow engine: its words become claims, its gaps stay gaps."""

import subprocess
import sys
from typing import Any

import pytest

from sekisho import taint
from sekisho.findings import Gap, Mode, Severity
from sekisho.hunt import EngineFailed, Source, TaintEngine
from sekisho.hunt.progress import Progress, Stage, ignore_progress

SOURCE = "import os\n\n\ndef read(base, name):\n    「 = 1\n    return open(os.path.join(base, name))\n"


def _at(line: int, column: int, function: str = "read") -> taint.Location:
    return taint.Location(path="app/a.py", line=line, column=column, function=function)


def _found(**changes: Any) -> taint.TaintFinding:
    values: dict[str, Any] = {
        "rule_id": "path-traversal",
        "cwe": 22,
        "message": "A path leaves\x1b its folder.",
        "severity": taint.Severity.HIGH,
        "confidence": taint.Confidence.LOW,
        "mode": taint.Mode.LIBRARY,
        "location": _at(6, 12),
        "preconditions": ("A caller chooses the name.",),
        "flow": (
            taint.FlowStep(location=_at(4, 16), expression="name", why="a parameter"),
            taint.FlowStep(location=_at(6, 12), expression="open(\n…)", why="the sink"),
        ),
        "guards": (taint.GuardSeen(location=_at(5, 1), expression="x", why="says nothing"),),
        "fingerprint": "0" * 32,
    }
    return taint.TaintFinding(**(values | changes))


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have the engine find what is given."""

    def say(*found: taint.TaintFinding, gaps: tuple[taint.NotAnalyzed, ...] = ()) -> None:
        analysis = taint.Analysis(findings=found, not_analyzed=gaps, files=1, lines=1)
        monkeypatch.setattr(taint, "analyze_modules", lambda modules, *, mode, knowledge: analysis)

    return say


def _look(data: bytes = SOURCE.encode()) -> Any:
    sources = (Source(path="app/a.py", data=data), Source(path="app/b.py", data=b"x = 1\n"))
    return TaintEngine().look(sources, mode=Mode.BOTH, on_progress=ignore_progress)


def test_a_flow_becomes_a_claim(says: Any) -> None:
    """Numbers, places and steps are carried over, and every text is fit to show."""
    says(_found())
    (claim,) = _look().claims
    assert (claim.cwe, claim.severity, claim.location.function) == ("CWE-22", Severity.HIGH, "read")
    assert claim.title == "A path leaves\N{REPLACEMENT CHARACTER} its folder."
    assert [step.expression for step in claim.flow] == ["name", "open( …)"]
    assert claim.guards[0].why == "says nothing"


def test_columns_count_characters(says: Any) -> None:
    """The engine counts bytes, editors and SARIF characters: a Japanese name before it moves nothing."""
    says(_found(location=_at(5, 5 + len("「".encode()))))
    assert _look().claims[0].location.column == 6


def test_the_fingerprint_is_free_of_lines(says: Any) -> None:
    """The same flow two lines further down is the same finding."""
    says(_found())
    before = _look().claims[0].fingerprint
    moved = tuple(
        taint.FlowStep(location=_at(s.location.line + 2, 1), expression=s.expression, why=s.why) for s in _found().flow
    )
    says(_found(location=_at(8, 12), flow=moved))
    assert _look(b"#\n#\n" + SOURCE.encode()).claims[0].fingerprint == before


def test_a_long_flow_keeps_its_ends(says: Any) -> None:
    """Source and sink say most."""
    steps = tuple(taint.FlowStep(location=_at(1, 1), expression=str(n), why="") for n in range(200))
    says(_found(flow=steps))
    flow = _look().claims[0].flow
    assert (len(flow), flow[0].expression, flow[-1].expression) == (50, "0", "199")


def test_what_the_engine_did_not_finish_is_a_gap(says: Any) -> None:
    """A part that was not analysed is told; its file counts as read."""
    says(gaps=(taint.NotAnalyzed(path="app/a.py", reason="too many\nsteps"),))
    look = _look()
    assert look.unread == ()
    assert [(gap.gap, gap.detail) for gap in look.partial] == [(Gap.ENGINE_LIMIT, "too many steps")]


def test_an_engine_that_breaks_is_no_empty_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in the engine ends the hunt with a code, and without the error's text."""

    def broken(modules: Any, *, mode: Any) -> Any:
        raise RecursionError("a detail of the source")

    monkeypatch.setattr(taint, "analyze_modules", broken)
    with pytest.raises(EngineFailed) as failed:
        _look()
    assert "detail" not in str(failed.value)


def test_progress_is_told_stage_by_stage(says: Any) -> None:
    """Parsing counts files, the analysis begins and ends."""
    says()
    told: list[Progress] = []
    TaintEngine().look((Source(path="a.py", data=b""),), mode=Mode.LIBRARY, on_progress=told.append)
    assert [(step.stage, step.done) for step in told] == [(Stage.PARSE, 1), (Stage.ANALYZE, 0), (Stage.ANALYZE, 1)]


def test_hunting_needs_nothing_but_the_base_install() -> None:
    """`sekisho.hunt` imports no database, web framework, token library or HTTP client."""
    heavy = ["sqlalchemy", "starlette", "fastapi", "joserfc", "httpx2", "cedarpy", "pydantic"]
    code = f"import sys, sekisho.hunt; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n"
