"""Python's search for cycles, put off while an analysis runs.

An analysis makes millions of small values and keeps most of them to its end. None of them points back at what holds
it, so counting references frees what is done with, and each full search walks all of them to free nothing: a quarter
of the time of a large program.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Leave Python's collector of cycles out until the block ends. Blocks may be nested, and run in many threads: the
    one that switched it off switches it on again, and it is never left off."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
