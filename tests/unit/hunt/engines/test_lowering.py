"""Parsing hostile files: each costs itself, whatever it does to the process that parses it."""

from pathlib import Path

import pytest

from sekisho.hunt import Source
from sekisho.hunt.engines.lowering import Broken, Lowered, lower_all


def _lower(monkeypatch: pytest.MonkeyPatch, jobs: int, *contents: bytes) -> tuple[tuple[Lowered, ...], list[int]]:
    # Spawned processes get the search path of this one.
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "hostile"))
    import hostile_parsers  # type: ignore[import-not-found]

    sources = [Source(path=f"{number}.py", data=data) for number, data in enumerate(contents)]
    done: list[int] = []
    lowered = lower_all(sources, jobs=jobs, on_done=done.append, parse=hostile_parsers.parse, timeout_s=1.0)
    return lowered, done


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order_and_are_counted(monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    """However many processes, the result is the same."""
    lowered, done = _lower(monkeypatch, jobs, b"", b"raise", b"")
    assert [item.path for item in lowered] == ["0.py", "1.py", "2.py"]
    assert [isinstance(item, Broken) for item in lowered] == [False, True, False]
    assert done == [1, 2, 3]


def test_a_file_that_kills_or_holds_the_parser_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in C and a parse without end: both files are reported, all others are read."""
    lowered, done = _lower(monkeypatch, 2, b"", b"die", b"", b"hang", b"", b"raise")
    assert [isinstance(item, Broken) for item in lowered] == [False, True, False, True, False, True]
    assert done == [1, 2, 3, 4, 5, 6]


def test_an_error_s_text_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message could quote the source: the kind of error is enough."""
    (broken,), _ = _lower(monkeypatch, 1, b"raise")
    assert isinstance(broken, Broken)
    assert broken.reason == "the parser failed: RecursionError"
