"""The logs that a witness cosigns: a file with one verifier key a line. Private to the witness."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sekisho.core.errors import SekishoError
from sekisho.ledger.files import sync_folder
from sekisho.ledger.witness.errors import WitnessKeyRefused
from sekisho.tlog.note import NoteVerifier

# Some thousand logs; a file that is larger is not this one.
_MAX_SIZE_BYTES: Final = 1_048_576


def read_logs(path: Path) -> Mapping[str, tuple[NoteVerifier, ...]]:
    """Return the keys trusted for each origin, by the file at `path`; none if there is no file.

    A line is a vkey; empty lines and lines that begin with `#` are passed over. One bad line refuses the file: a
    witness that leaves a log out in silence is believed to guard it. Raises WitnessKeyRefused.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SIZE_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise WitnessKeyRefused(f"{path}: {error.strerror or error}") from error
    if len(data) > _MAX_SIZE_BYTES:
        raise WitnessKeyRefused(f"{path}: more than {_MAX_SIZE_BYTES} bytes")
    known: dict[str, tuple[NoteVerifier, ...]] = {}
    for number, line in enumerate(data.split(b"\n"), start=1):
        text = line.strip()
        if text and not text.startswith(b"#"):
            verifier = _parse(text, f"{path} line {number}")
            known[verifier.name] = (*known.get(verifier.name, ()), verifier)
    return known


def add_log(path: Path, vkey: str) -> bool:
    """Add `vkey` to the file at `path` durably, and say whether it was new. Raises KeyRefused, WitnessKeyRefused."""
    verifier = NoteVerifier.parse(vkey)
    if verifier in read_logs(path).get(verifier.name, ()):
        return False
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            # A line that a hand left without its end must not run into this one.
            is_open = file.seek(0, os.SEEK_END) > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
            file.write((b"\n" if is_open else b"") + f"{verifier.vkey}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise WitnessKeyRefused(f"{path}: {error.strerror or error}") from error
    return True


def _parse(line: bytes, where: str) -> NoteVerifier:
    try:
        return NoteVerifier.parse(line.decode("utf-8"))
    except (SekishoError, UnicodeDecodeError) as error:
        raise WitnessKeyRefused(f"{where} is not a log's key") from error
