"""The token endpoint's record of what was taken once: client assertions and proofs."""

import heapq
import threading
from collections import Counter
from datetime import datetime

from sekisho.core import Clock
from sekisho.tokens import ProofReplayed

# A minute of 1,600 token requests a second, which one control plane does not reach; about 30 MB when full.
MOST = 200_000
# One holder's share: nobody asks for ten tokens a second, and a flood by one must not shut the others out.
MOST_OF_ONE = 1_000


class TakenOnce:
    """Remembers ids until they can no longer be used. Thread-safe. Fills `sekisho.tokens.Replays`.

    In memory: what was made before this process began is refused by `started_at`, so a restart forgets nothing that
    could be used again.
    """

    def __init__(self, *, clock: Clock, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self.started_at = clock.now()
        self._clock, self._most, self._most_of_one = clock, most, most_of_one
        self._lock = threading.Lock()  # guards the three collections, which hold the same ids
        self._until: list[tuple[datetime, str]] = []
        self._taken: set[str] = set()
        self._of_holder: Counter[str] = Counter()

    def check_new(self, proof_id: str, until: datetime) -> None:
        """Take `proof_id` down until `until` (aware UTC), or raise ProofReplayed if it is there or there is no room.

        `proof_id`: who holds it, a dot, and the holder's own id of it.
        """
        holder = proof_id.partition(".")[0]
        with self._lock:
            self._forget_lapsed()
            if proof_id in self._taken:
                raise ProofReplayed("used before")
            # Full: a proof that cannot be remembered could be used twice.
            if len(self._taken) >= self._most or self._of_holder[holder] >= self._most_of_one:
                raise ProofReplayed("no room to remember it")
            self._taken.add(proof_id)
            self._of_holder[holder] += 1
            heapq.heappush(self._until, (until, proof_id))

    def _forget_lapsed(self) -> None:
        now = self._clock.now()
        while self._until and self._until[0][0] <= now:
            lapsed = heapq.heappop(self._until)[1]
            self._taken.discard(lapsed)
            holder = lapsed.partition(".")[0]
            self._of_holder[holder] -= 1
            if not self._of_holder[holder]:
                del self._of_holder[holder]
