"""Progress: lines where nobody watches, and never a word where the report goes."""

import io

from rich.console import Console

from sekisho.hunt import Progress, Stage
from sekisho.hunt.display import shown_progress


def test_without_a_terminal_there_is_one_line_for_each_finished_stage() -> None:
    """A log file gets lines, not a bar redrawn a thousand times."""
    console = Console(file=io.StringIO(), force_terminal=False)
    with console.capture() as capture, shown_progress(console) as on_progress:
        for done in range(4):
            on_progress(Progress(stage=Stage.PARSE, done=done, total=3))
    assert capture.get() == "parse: 3 of 3\n"


def test_on_a_terminal_there_is_a_bar_and_it_goes_away() -> None:
    """A person sees the bar move; when the report comes, it is gone."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    with shown_progress(console) as on_progress:
        on_progress(Progress(stage=Stage.PARSE, done=1, total=2))
        on_progress(Progress(stage=Stage.ANALYZE, done=0, total=1))
    assert "parse" in screen.getvalue()
    assert "\x1b[2K" in screen.getvalue()
