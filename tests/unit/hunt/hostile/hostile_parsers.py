"""Parsers that misbehave on some files, in a module of its own so that spawned processes can import it."""

import os
import time

from sekisho.taint import ModuleIR, NotAnalyzed


def parse(path: str, data: bytes) -> ModuleIR | NotAnalyzed:
    """Die, hang or raise where the file says so; else say that there is nothing."""
    if data == b"die":
        os._exit(1)
    if data == b"hang":
        time.sleep(60)
    if data == b"raise":
        raise RecursionError("a detail of the source that must not be shown")
    return NotAnalyzed(path=path, reason="read")
