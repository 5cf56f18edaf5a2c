"""The terminal's table tells findings and gaps, and is never driven by the code it shows."""

import io
from dataclasses import replace
from typing import Any

from rich.console import Console

from sekisho.findings import Campaign, Gap, NotAnalyzed, OtherFiles
from sekisho.hunt import render_table


def _shown(campaign: Campaign, *, color: bool = False, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=color, no_color=not color)
    with console.capture() as capture:
        render_table(campaign, console)
    return capture.get()


def test_a_finding_is_shown_with_its_way(make_claim: Any, run_campaign: Any) -> None:
    """Severity, weakness, place, title, guards and each step from source to sink."""
    shown = _shown(run_campaign(make_claim(3)))
    for part in ("HIGH", "CWE-22", "app/store.py:3:1", "chooses the file", "app/web.py:1", "open(name)", "if name:"):
        assert part in shown
    assert "1 finding (1 high) in app: 2 files analysed by scripted 1" in shown


def test_a_narrow_terminal_still_shows_every_line_number(make_claim: Any, run_campaign: Any) -> None:
    """Code and reasons wrap; a place is never cut."""
    step = replace(make_claim(1).flow[0], path="app/a_rather_long_name.py", line=1234, expression="f(x) " * 40)
    assert "app/a_rather_long_name.py:1234" in _shown(run_campaign(make_claim(1, flow=(step,) * 3)), width=60)


def test_no_finding_still_says_what_was_not_looked_at(run_campaign: Any, small_survey: Any) -> None:
    """A clean result names its limits: left out by name in sum, everything else one by one."""
    survey = replace(
        small_survey,
        not_analyzed=(
            NotAnalyzed(path="app/big.py", gap=Gap.TOO_LARGE, detail="more than 5 bytes"),
            *(NotAnalyzed(path=f"t{n}/", gap=Gap.EXCLUDED, detail="left out by name") for n in range(3)),
        ),
        other_files=(OtherFiles(suffix=".js", count=4),),
    )
    shown = _shown(run_campaign(survey=survey))
    assert "0 findings in app" in shown
    assert "left out by name (tests, docs, vendored and hidden): 3" in shown
    assert "app/big.py: too-large: more than 5 bytes" in shown
    assert "4 .js" in shown


def test_markup_in_hostile_code_is_text(make_claim: Any, run_campaign: Any) -> None:
    """Square brackets in the hunted code style nothing and open no link."""
    shown = _shown(run_campaign(make_claim(1, title="[link=https://bad.example]x[/link][bold]y")), color=True)
    assert "[link=https://bad.example]x[/link][bold]y" in shown
    assert "\x1b]8" not in shown


def test_a_long_flow_and_many_gaps_are_cut_and_say_so(make_claim: Any, run_campaign: Any, small_survey: Any) -> None:
    """What is cut is counted."""
    gaps = tuple(NotAnalyzed(path=f"a{n}.py", gap=Gap.UNREADABLE, detail="OSError") for n in range(15))
    claim = make_claim(1, flow=make_claim(1).flow * 10)
    shown = _shown(run_campaign(claim, survey=replace(small_survey, not_analyzed=gaps)))
    assert "and 8 more" in shown
    assert "5 more; --format json lists all" in shown
