"""Parsing in processes apart: a file that breaks the parser costs that file, not the hunt.

The parser is C and reads hostile text. A process that dies, or works on one file for too long, takes its pool with
it; the files left over then go one by one through a process of their own, and what kills that is reported.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeAlias

from sekisho.hunt.recon import Source
from sekisho.taint import ModuleIR, NotAnalyzed, lower

# A file of the largest size takes about a second.
FILE_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A file that made the parser raise, die or run for too long."""

    path: str
    reason: str


Lowered: TypeAlias = ModuleIR | NotAnalyzed | Broken
Parse: TypeAlias = Callable[[str, bytes], ModuleIR | NotAnalyzed]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What every process is told: how to parse, and how long a file may take."""

    parse: Parse
    timeout_s: float


def lower_all(
    sources: Sequence[Source],
    *,
    jobs: int,
    on_done: Callable[[int], None],
    parse: Parse = lower,
    timeout_s: float = FILE_TIMEOUT_S,
) -> tuple[Lowered, ...]:
    """Return each source lowered, in order, by `jobs` processes; by this one, without a limit of time, if `jobs` is 1.

    `on_done` is told how many are ready. `parse` must be picklable: tests pass a hostile one.
    """
    if jobs == 1:
        return tuple(_lower_here(sources, on_done, parse))
    work, ready = _Work(parse=parse, timeout_s=timeout_s), dict[str, Lowered]()
    for path, lowered in _lower_together(sources, min(jobs, len(sources)), work):
        ready[path] = lowered
        on_done(len(ready))
    for path, lowered in _lower_apart([source for source in sources if source.path not in ready], work):
        ready[path] = lowered
        on_done(len(ready))
    return tuple(ready[source.path] for source in sources)


def _lower_here(sources: Sequence[Source], on_done: Callable[[int], None], parse: Parse) -> Iterator[Lowered]:
    for number, source in enumerate(sources, start=1):
        yield _lower_one(parse, source.path, source.data)
        on_done(number)


def _lower_together(sources: Sequence[Source], jobs: int, work: _Work) -> Iterator[tuple[str, Lowered]]:
    """Yield what is ready, in any order, until the first process dies: which file it was is not known then."""
    with _pool(jobs) as pool:
        try:
            paths = {pool.submit(_lower_in_time, work, source.path, source.data): source.path for source in sources}
            for future in as_completed(paths):
                yield paths[future], future.result()
        except BrokenProcessPool:
            return


def _lower_apart(sources: Sequence[Source], work: _Work) -> Iterator[tuple[str, Lowered]]:
    """Yield each source, lowered one at a time: the one whose process dies is the one that killed it."""
    rest = deque(sources)
    while rest:
        with _pool(1) as pool:
            while rest:
                source = rest.popleft()
                try:
                    yield source.path, pool.submit(_lower_in_time, work, source.path, source.data).result()
                except BrokenProcessPool:
                    yield source.path, Broken(path=source.path, reason="the parser died or ran for too long")
                    break


def _pool(jobs: int) -> ProcessPoolExecutor:
    # Spawned, not forked: a fork of a process with threads may inherit a held lock.
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))


def _lower_in_time(work: _Work, path: str, data: bytes) -> Lowered:
    """Run in a worker. The alarm is not handled, so that it ends the process even inside C code."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, work.timeout_s)
    try:
        return _lower_one(work.parse, path, data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _lower_one(parse: Parse, path: str, data: bytes) -> Lowered:
    try:
        return parse(path, data)
    except Exception as error:  # one file's fault is told as a gap, and the others are still looked at
        return Broken(path=path, reason=f"the parser failed: {type(error).__name__}")
