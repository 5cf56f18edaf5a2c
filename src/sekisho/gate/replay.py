"""The replay window of step 2: a proof opens one request (RFC 9449 11.1). Pure state, one event loop.

Proofs carry a nonce of this process, so what a restart forgets, the nonce refuses. Full means no: a proof that
cannot be remembered could be used twice.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from sekisho.gate import limits
from sekisho.tokens import ProofReplayed

# One key may fill this part of the window, so that one caller's flood does not shut the others out.
_SHARE_OF_ONE_KEY = 8
_TAG_BYTES = 16


class ReplayWindow:
    """Remembers proofs for `window_s` to twice as long, in two generations, so that forgetting costs nothing."""

    def __init__(
        self,
        *,
        window_s: float,
        monotonic: Callable[[], float],
        most: int = limits.MAX_REMEMBERED_PROOFS,
    ) -> None:
        """`window_s`: from a proof's earliest use to its last possible one; both clock skews included."""
        self._window_s = window_s
        self._monotonic = monotonic
        self._most_each = max(1, most // 2)
        self._most_of_one_key = max(1, self._most_each // _SHARE_OF_ONE_KEY)
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._of_key: Counter[str] = Counter()
        self._turn_at = monotonic() + window_s

    def check_new(self, proof_id: str, until: datetime) -> None:
        """Remember `proof_id` (thumbprint, dot, jti), or raise ProofReplayed if it is known or there is no room.

        `until` lies within `window_s`, or the proof would have been refused as too new: it need not be stored. The
        caller MUST have verified the proof first, so that strangers cannot fill the window.
        """
        self._turn()
        tag = hashlib.blake2b(proof_id.encode(), digest_size=_TAG_BYTES).digest()
        if tag in self._young or tag in self._old:
            raise ProofReplayed("the proof was used before")
        thumbprint = proof_id.partition(".")[0]
        if len(self._young) >= self._most_each or self._of_key[thumbprint] >= self._most_of_one_key:
            raise ProofReplayed("no room to remember another proof")
        self._young.add(tag)
        self._of_key[thumbprint] += 1

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _turn(self) -> None:
        now = self._monotonic()
        if now < self._turn_at:
            return
        # After a pause of two windows even the younger generation has lapsed.
        self._old = self._young if now < self._turn_at + self._window_s else set()
        self._young, self._of_key = set(), Counter()
        self._turn_at = now + self._window_s
