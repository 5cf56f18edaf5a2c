"""Parsing in processes apart: a file that breaks the parser costs that file, not the hunt.

The parser is C and reads hostile text. A process that dies, or works on one file for too long, takes its pool with
it; the files left over then go one by one through a process of their own, and what kills that is reported.
"""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeAlias

from sekisho.hunt.recon import Source
from sekisho.taint import ModuleIR, NotAnalyzed, lower

# A file of the largest size takes about a second.
FILE_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A file that made the parser raise, die or run for too long."""

    path: str
    reason: str


Lowered: TypeAlias = ModuleIR | NotAnalyzed | Broken


def lower_all(
    sources: Sequence[Source],
    *,
    jobs: int,
    on_done: Callable[[int], None],
    parse: Callable[[str, bytes], ModuleIR | NotAnalyzed] = lower,
) -> tuple[Lowered, ...]:
    """Return each source lowered, in order, by `jobs` processes; by this one if `jobs` is 1.

    `on_done` is told how many are ready. `parse` must be picklable; a test passes a hostile one.
    """
    if jobs == 1:
        return tuple(_lower_here(sources, on_done, parse))
    ready: dict[str, Lowered] = {}
    _lower_together(sources, min(jobs, len(sources)), ready, on_done, parse)
    _lower_apart([source for source in sources if source.path not in ready], ready, on_done, parse)
    return tuple(ready[source.path] for source in sources)


_Parse: TypeAlias = Callable[[str, bytes], ModuleIR | NotAnalyzed]
_OnDone: TypeAlias = Callable[[int], None]


def _lower_here(sources: Sequence[Source], on_done: _OnDone, parse: _Parse) -> list[Lowered]:
    ready: list[Lowered] = []
    for source in sources:
        ready.append(_lower_one(parse, source.path, source.data))
        on_done(len(ready))
    return ready


def _lower_together(
    sources: Sequence[Source], jobs: int, ready: dict[str, Lowered], on_done: _OnDone, parse: _Parse
) -> None:
    with _pool(jobs) as pool:
        try:
            futures = {pool.submit(_lower_in_time, parse, source.path, source.data): source.path for source in sources}
            for future in as_completed(futures):
                ready[futures[future]] = future.result()
                on_done(len(ready))
        except BrokenProcessPool:
            # Which file it was is not known: all that have no result are suspects.
            return


def _lower_apart(sources: Sequence[Source], ready: dict[str, Lowered], on_done: _OnDone, parse: _Parse) -> None:
    rest = list(sources)
    while rest:
        with _pool(1) as pool:
            while rest:
                source = rest.pop(0)
                try:
                    ready[source.path] = pool.submit(_lower_in_time, parse, source.path, source.data).result()
                except BrokenProcessPool:
                    ready[source.path] = Broken(path=source.path, reason="the parser died or ran for too long")
                    break
                finally:
                    on_done(len(ready))


def _pool(jobs: int) -> ProcessPoolExecutor:
    # Spawned, not forked: a fork of a process with threads may inherit a held lock.
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))


def _lower_in_time(parse: _Parse, path: str, data: bytes) -> Lowered:
    """Run in a worker. The alarm is not handled, so that it ends the process even inside C code."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(FILE_TIMEOUT_S)
    try:
        return _lower_one(parse, path, data)
    finally:
        signal.alarm(0)


def _lower_one(parse: _Parse, path: str, data: bytes) -> Lowered:
    try:
        return parse(path, data)
    except Exception as error:
        return Broken(path=path, reason=f"the parser failed: {type(error).__name__}")
