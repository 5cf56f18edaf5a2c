"""Step 7, reserve, and the money side of step 11, settle: what each grant has spent. Pure state, one event loop.

No method awaits, so between looking and taking nothing can slip in. The ledger is the memory: after a restart
`Spent` is rebuilt from this gate's own entries, and an intent without an outcome counts as spent in full.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sekisho.access import Denied
from sekisho.core import Reason
from sekisho.core.ids import GrantId
from sekisho.labs import Answer
from sekisho.ledger import Entry, EntryKind

# Reserved for the answer when the caller sets no limit: what the SDKs' examples ask for, and the smallest default
# of the labs' agents. The lab is not told; what it really used is settled, and the next call sees it.
DEFAULT_OUTPUT_TOKENS = 4_096
# A chat template adds a few tokens to each message that no byte of the request pays for.
TEMPLATE_TOKENS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What one call may cost at most. `tokens`: input and output together."""

    grant: str
    tokens: int


@dataclass(slots=True)
class _Account:
    tokens_spent: int = 0
    tokens_reserved: int = 0
    calls: int = 0  # settled and under way


class Budgets:
    """What each grant has spent and reserved, in tokens and calls."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def reserve(
        self, grant: str, *, tokens: int, calls: int, request_bytes: int, output_tokens: int | None, choices: int
    ) -> Reservation:
        """Take the most that a call can cost out of `grant`'s budget of `tokens` and `calls`, or raise Denied.

        A token covers at least one byte of the request, so its length bounds the input. `output_tokens`: the caller's
        own limit for each of the `choices` answers it asks for; None reserves DEFAULT_OUTPUT_TOKENS for each, or what
        is left of the budget if that is less.
        """
        account = self._accounts.setdefault(grant, _Account())
        left = tokens - account.tokens_spent - account.tokens_reserved
        most_input = request_bytes + TEMPLATE_TOKENS
        need = most_input + choices * (1 if output_tokens is None else output_tokens)
        if account.calls >= calls or need > left:
            raise Denied(Reason.BUDGET_SPENT, grant_id=GrantId(grant))
        taken = need if output_tokens is not None else min(left, most_input + choices * DEFAULT_OUTPUT_TOKENS)
        account.tokens_reserved += taken
        account.calls += 1
        return Reservation(grant=grant, tokens=taken)

    def settle(self, reservation: Reservation, *, tokens: int, counts: bool) -> None:
        """Turn `reservation` into `tokens` spent; `counts` says whether the call itself was used up."""
        account = self._accounts[reservation.grant]
        account.tokens_reserved -= reservation.tokens
        account.tokens_spent += tokens
        account.calls -= 0 if counts else 1

    def spent(self, grant: str) -> tuple[int, int]:
        """Return the tokens settled and the calls counted of `grant`."""
        account = self._accounts.get(grant, _Account())
        return account.tokens_spent, account.calls

    def restore(self, entries: Iterable[Entry]) -> None:
        """Rebuild from `entries` of this gate's calls log, oldest first."""
        open_intents: dict[str, Reservation] = {}
        for entry in entries:
            body = entry.body
            if entry.kind is EntryKind.CALL_INTENDED:
                grant, tokens = _text(body, "grant"), _number(body, "reserved_tokens")
                open_intents[_text(body, "request_id")] = Reservation(grant=grant, tokens=tokens)
                self._spend(grant, tokens=tokens, calls=1)
            elif entry.kind is EntryKind.CALL_ANSWERED:
                intent = open_intents.pop(_text(body, "request_id"), None)
                if intent is not None:
                    settled = _number(body, "settled_tokens")
                    counts = is_used_up(_text(body, "outcome"), settled)
                    self._spend(intent.grant, tokens=settled - intent.tokens, calls=0 if counts else -1)

    def _spend(self, grant: str, *, tokens: int, calls: int) -> None:
        account = self._accounts.setdefault(grant, _Account())
        account.tokens_spent += tokens
        account.calls += calls


def is_used_up(outcome: str, settled_tokens: int) -> bool:
    """Say whether a call counts against the budget of calls: it does unless it ended before the lab had it.

    Derived from the outcome entry alone, so that a restart counts as the running gate did.
    """
    return outcome == "complete" or settled_tokens > 0


def settled_tokens(reservation: Reservation, *, forwarded: bool, status: int, answer: Answer | None) -> int:
    """Return the tokens that a call cost. `status`: the lab's, 0 if it gave none; `answer`: as far as it came.

    (1) Nothing was forwarded: nothing was spent. (2) The lab refused with an error status: it produced nothing.
    (3) The lab ended its answer and told its usage: that. (4) Otherwise nobody knows, and the reservation counts as
    spent, or what was told and seen if that is more: a lab counts as it goes, so what it told before the end is no
    total, and a caller without a limit of its own has no other end than leaving.
    """
    if not forwarded or status >= 400:
        return 0
    if answer is None:
        return reservation.tokens
    told = (answer.input_tokens or 0) + (answer.output_tokens or 0)
    if answer.complete and answer.input_tokens is not None and answer.output_tokens is not None:
        return told
    # An event brings at least one token.
    return max(reservation.tokens, told, answer.events)


def _text(body: Mapping[str, object], name: str) -> str:
    return str(body[name])


def _number(body: Mapping[str, object], name: str) -> int:
    value = body[name]
    return value if isinstance(value, int) else 0
