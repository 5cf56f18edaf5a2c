"""Keeps the receipts of calls: the headers that later prove a call, as one JSON object a line. docs/receipts.md."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from sekisho.sidecar.errors import ReceiptNotKept

# What `sekisho ledger check-receipt` reads. Nothing else of an answer is kept.
NAMES = ("sekisho-request-id", "sekisho-intent-index", "sekisho-log", "sekisho-promise")
# A gate's promise has at most 480 characters; what is longer did not come from a gate.
_MAX_CHARACTERS = 1024


class ReceiptFile:
    """Appends receipts to a file of this user alone; made if there is none. Threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        """Raise ReceiptNotKept at once if the file cannot be written, before any call is made."""
        self._path = path
        self._append(b"")

    def keep(self, headers: Mapping[str, str]) -> None:
        """Append the receipt in an answer's `headers`, if there is one, or raise ReceiptNotKept."""
        if NAMES[-1] not in headers:
            return
        receipt = {name: headers[name][:_MAX_CHARACTERS] for name in NAMES if name in headers}
        # ASCII and one write: a header cannot end the line, and two writers' lines do not mix.
        self._append(json.dumps(receipt, ensure_ascii=True).encode() + b"\n")

    def _append(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags, 0o600)
            try:
                written = os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ReceiptNotKept(f"{self._path}: {error.strerror}; {line.decode()}") from error
        if written != len(line):
            raise ReceiptNotKept(f"{self._path}: no space left; {line.decode()}")
