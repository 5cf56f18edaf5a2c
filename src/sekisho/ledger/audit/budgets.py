"""What each grant of an accord has used, over all calls logs, against what the parties signed.

Three-valued: what outcomes settled beyond the budget is over; what calls without an outcome might still add leaves it
open; the rest is within. What one call may cost is reserved before it, and settled after it: the sum of what was
settled is what was used, whatever the order of the logs.
"""

from dataclasses import dataclass, field, replace

from sekisho.ledger.audit.decided import Decided
from sekisho.ledger.audit.types import ClauseKind, Ground, Mark, Sheet
from sekisho.ledger.entries import Entry
from sekisho.trust import Budget


@dataclass(slots=True)
class _Account:
    """`open_calls`: reserved tokens of each call without an outcome, by its mark."""

    tokens: int = 0
    calls: int = 0
    open_calls: dict[Mark, int] = field(default_factory=dict)


@dataclass(slots=True)
class Budgets:
    """The accounts of the grants of one accord."""

    decided: Decided
    _accounts: dict[str, _Account] = field(default_factory=dict)

    def intend(self, grant: str, reserved_tokens: int, intent: Mark) -> None:
        """Take the intent of a call under `grant`."""
        self._accounts.setdefault(grant, _Account()).open_calls[intent] = reserved_tokens

    def settle(self, grant: str, intent: Mark, mark: Mark, answer: Entry) -> None:
        """Take the outcome of a call, and write down whether the budget has held so far."""
        account, settled = self._accounts[grant], int(str(answer.body["settled_tokens"]))
        del account.open_calls[intent]
        account.tokens += settled
        # As the gate counts: a call that ended before the lab had it is given back.
        account.calls += 1 if answer.body["outcome"] == "complete" or settled > 0 else 0
        budget = self._budget(grant)
        if budget is None:
            return
        over = _over(budget, account.tokens, account.calls)
        for ground in over:
            self._sheet.against.add(replace(mark, ground=ground))
        if not over:
            self._sheet.shows.add(mark)

    def finish(self) -> None:
        """Write down the calls without an outcome that could bring a grant over its budget."""
        for grant, account in self._accounts.items():
            budget = self._budget(grant)
            tokens = account.tokens + sum(account.open_calls.values())
            if budget is not None and _over(budget, tokens, account.calls + len(account.open_calls)):
                for intent in account.open_calls:
                    self._sheet.open.add(replace(intent, ground=Ground.NO_OUTCOME))

    @property
    def _sheet(self) -> Sheet:
        return self.decided.sheets[ClauseKind.BUDGETS]

    def _budget(self, grant: str) -> Budget | None:
        granted = self.decided.grants.get(grant)
        return granted.grant.budget if granted is not None and granted.grant is not None else None


def _over(budget: Budget, tokens: int, calls: int) -> tuple[Ground, ...]:
    spent = ((tokens > budget.tokens, Ground.TOKENS_OVER), (calls > budget.calls, Ground.CALLS_OVER))
    return tuple(ground for is_over, ground in spent if is_over)
