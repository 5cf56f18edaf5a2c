"""A log followed as it grows: each new checkpoint must continue the one before, and only then are its entries shown."""

from collections.abc import Iterator

from sekisho.ledger.errors import LogDamaged
from sekisho.ledger.heads import DECISIONS, locate_log
from sekisho.ledger.proven import read_entries, read_head, require_grown
from sekisho.ledger.reading import read_key
from sekisho.ledger.source import Source
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.note import KeyRefused, NoteVerifier


class Follower:
    """Reads one log from its last entries on. Keeps the largest checkpoint that it has seen."""

    def __init__(self, source: Source, verifier: NoteVerifier) -> None:
        self._source = source
        self._verifier = verifier
        self._head: Checkpoint | None = None

    @classmethod
    def at(cls, root: Source, log: str | None, *, vkey: str | None) -> "Follower":
        """Return who follows the log called `log` (None: decisions) at `root`. Raises NoSuchLog or LogDamaged.

        `vkey`: the decisions log's pinned key. A calls log is followed by the key beside it: `verify` says whose it is.
        """
        name, source = locate_log(root, log)
        try:
            return cls(source, read_key(source, vkey if name == DECISIONS else None))
        except KeyRefused as error:
            raise LogDamaged(f"{source.place}: {error.message}") from error

    @property
    def head(self) -> Checkpoint | None:
        """The largest checkpoint that was verified so far."""
        return self._head

    def last(self, count: int) -> Iterator[tuple[int, bytes]]:
        """Yield index and bytes of the last `count` entries, and begin to follow behind them.

        Raises LogDamaged, as `more` does.
        """
        self._head = read_head(self._source, self._verifier)
        yield from read_entries(self._source, self._head, max(0, self._head.size - count))

    def more(self) -> Iterator[tuple[int, bytes]]:
        """Yield what came since, or raise LogForked if the log no longer begins with what it was.

        A smaller checkpoint is no fault as such: a cache may be behind. But it must be a beginning of the larger one.
        """
        old, new = self._head, read_head(self._source, self._verifier)
        if old is None or new.size < old.size:
            if old is not None:
                require_grown(self._source, new, old)
            return
        require_grown(self._source, old, new)
        self._head = new
        yield from read_entries(self._source, new, old.size)
