"""The token endpoint's record of what was taken once: client assertions and proofs."""

import heapq
import threading
from datetime import datetime

from sekisho.core import Clock
from sekisho.tokens import ProofReplayed

# A minute of 1,600 token requests a second, which one control plane does not reach; about 30 MB when full.
MOST = 200_000


class TakenOnce:
    """Remembers ids until they can no longer be used. Thread-safe. Fills `sekisho.tokens.Replays`.

    In memory: what was made before this process began is refused by `started_at`, so a restart forgets nothing that
    could be used again.
    """

    def __init__(self, *, clock: Clock, most: int = MOST) -> None:
        self.started_at = clock.now()
        self._clock, self._most = clock, most
        self._lock = threading.Lock()  # guards both collections, which hold the same ids
        self._until: list[tuple[datetime, str]] = []
        self._taken: set[str] = set()

    def check_new(self, proof_id: str, until: datetime) -> None:
        """Take `proof_id` down until `until` (aware UTC), or raise ProofReplayed if it is there or there is no room."""
        now = self._clock.now()
        with self._lock:
            while self._until and self._until[0][0] <= now:
                self._taken.discard(heapq.heappop(self._until)[1])
            if proof_id in self._taken:
                raise ProofReplayed("used before")
            # Full: a proof that cannot be remembered could be used twice.
            if len(self._taken) >= self._most:
                raise ProofReplayed("no room to remember it")
            self._taken.add(proof_id)
            heapq.heappush(self._until, (until, proof_id))
