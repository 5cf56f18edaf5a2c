"""Which logs there are, and one checkpoint of each, taken so that they belong together.

A ledger is read while it is written. Each intent of a calls log names decisions that were published before it, and
the decisions log records checkpoints of the calls logs. So the checkpoints of all calls logs are taken between two
readings of one and the same checkpoint of decisions: then none of them says what the others do not hold yet.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sekisho.ledger.entries import EntryKind, decode_entry
from sekisho.ledger.errors import EntryRefused, LedgerNotFound, NoSuchLog
from sekisho.ledger.files import CHECKPOINT, TILES, VKEY
from sekisho.ledger.reading import read_key, read_note, read_tile
from sekisho.ledger.source import Source
from sekisho.tlog.checkpoint import CheckpointRefused, open_checkpoint
from sekisho.tlog.note import KeyRefused, NoteRefused
from sekisho.tlog.tile import TileRefused, parse_bundle, row_of

DECISIONS: Final = "decisions"
CALLS: Final = "calls"
# As the shape *log* of docs/specs/ledger-entries.md.
LOG_NAME: Final = re.compile(r"calls/[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
# The decisions log grows by a few entries a minute; the files between two readings of it are read in milliseconds.
_ATTEMPTS: Final = 10
_OPENED: Final = f'"kind":"{EntryKind.CALLS_LOG_OPENED.value}"'.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """What is to be read: log → the bytes of its checkpoint, None if it has none. Nothing is verified.

    `is_whole`: a whole ledger, its logs named as in the folder; else the one log at `place`.
    """

    place: Source
    is_whole: bool
    notes: Mapping[str, bytes | None]

    def source(self, log: str) -> Source:
        """Return where the files of `log` are."""
        return self.place.below(log) if self.is_whole else self.place


def locate(root: Source) -> tuple[bool, Source]:
    """Return whether a whole ledger or one log lies at `root`, and its place. Raises LedgerNotFound.

    What was named is looked at before what lies in it: a true copy planted below a damaged ledger, or in one of its
    logs, must not be verified in its stead.
    """
    if _has_log(root):
        return False, root
    for place in (root, root.below("ledger")):
        if _has_ledger(place):
            return True, place
    raise LedgerNotFound(f"no ledger at {root.place}")


def locate_log(root: Source, log: str | None) -> tuple[str, Source]:
    """Return name and place of the log called `log` (None: decisions) at `root`, or of the one log that lies there.

    Raises LedgerNotFound or NoSuchLog. A name is checked before it becomes part of a path.
    """
    is_whole, place = locate(root)
    if not is_whole:
        if log not in (None, place.name):
            raise NoSuchLog(
                f"{root.place} is one log", hint="Give the data directory or its ledger/ folder, and --log."
            )
        return place.name, place
    name = DECISIONS if log is None else log
    if name != DECISIONS and not LOG_NAME.fullmatch(name):
        raise NoSuchLog(f"no log has the name {name[:80]!r}")
    if read_note(place.below(name)) is None:
        raise NoSuchLog(f"no log {name} at {root.place}")
    return name, place.below(name)


def take_heads(root: Source, *, vkey: str | None) -> Heads:
    """Return the checkpoints of the ledger or log at `root`, one moment's. Raises LedgerNotFound.

    `vkey`: the decisions log's pinned key, if there is one: on the web, only a signed decisions log is asked for the
    names of the others. Steps: (1) what lies there; (2) decisions, the others, decisions again until it stood still.
    """
    # (1)
    is_whole, place = locate(root)
    if not is_whole:
        return Heads(place=place, is_whole=False, notes={place.name: read_note(place)})
    # (2)
    names = _Names(place, vkey)
    for _ in range(_ATTEMPTS):
        first = read_note(place.below(DECISIONS))
        notes = {name: read_note(place.below(name)) for name in names.at(first)}
        if read_note(place.below(DECISIONS)) == first:
            break
    return Heads(place=place, is_whole=True, notes={DECISIONS: first, **notes})


def _has_log(place: Source) -> bool:
    if place.folder is not None:
        return any((place.folder / name).exists() for name in (CHECKPOINT, VKEY, TILES))
    return read_note(place) is not None


def _has_ledger(place: Source) -> bool:
    if place.folder is not None:
        return (place.folder / DECISIONS).is_dir() or (place.folder / CALLS).is_dir()
    return read_note(place.below(DECISIONS)) is not None


@dataclass(slots=True)
class _Names:
    """The calls logs of a ledger: the folders that are there, or, on the web, those that the decisions log names."""

    place: Source
    vkey: str | None
    _named: list[str] = field(default_factory=list)
    _bundles: int = 0

    def at(self, note: bytes | None) -> list[str]:
        if self.place.folder is not None:
            folder = self.place.folder / CALLS
            return [f"{CALLS}/{path.name}" for path in sorted(folder.glob("*")) if path.is_dir()]
        return sorted({*self._named, *self._read(note)})

    def _read(self, note: bytes | None) -> Iterator[str]:
        """Yield what the entries behind the signed `note` name that was not read before."""
        source = self.place.below(DECISIONS)
        try:
            verifier = read_key(source, self.vkey)
            checkpoint = open_checkpoint(note or b"", verifier)
            for bundle in row_of(None, checkpoint.size):
                if bundle.index < self._bundles:
                    continue
                names = [
                    str(decode_entry(data).body["log"])
                    for data in parse_bundle(read_tile(source, bundle) or b"", bundle.width)
                    if _OPENED in data
                ]
                if not bundle.is_partial:
                    self._bundles = bundle.index + 1
                    self._named.extend(names)
                yield from names
        except (KeyRefused, NoteRefused, CheckpointRefused, TileRefused, EntryRefused):
            # What is wrong with the decisions log is said by its own check.
            return
