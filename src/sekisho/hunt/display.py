"""A hunt's progress on a terminal: a bar where a person watches, one line for each finished stage elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TaskID
from rich.text import Text

from sekisho.hunt.progress import OnProgress, Progress, Stage


@contextmanager
def shown_progress(console: Console) -> Iterator[OnProgress]:
    """Yield a callback that shows on `console`, which must not be where the report goes."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Bar(console=console, transient=True) as bar:
        yield _Bar(bar)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, progress: Progress) -> None:
        if progress.done >= progress.total:
            self._console.print(Text(f"{progress.stage.value}: {progress.done} of {progress.total}"))


class _Bar:
    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._tasks: dict[Stage, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bar.add_task(progress.stage.value)
        self._bar.update(self._tasks[progress.stage], completed=progress.done, total=progress.total)
