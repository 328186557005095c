"""The hard cap of a load profile: what may be sent without the chance of passing a limit."""

import time
from dataclasses import dataclass, field

from eval_pipeline.adapters.model_calls.call_figures import NOTHING, Spent, spent_by
from eval_pipeline.adapters.model_calls.call_plans import Expectations
from eval_pipeline.adapters.model_calls.journal import Attempt, CallKey
from eval_pipeline.adapters.model_calls.spending import Purse
from eval_pipeline.ports import ModelCall


@dataclass
class LoadBudget:
    """Admits a request while it fits beside what is spent and what is under way.

    Unlike the runner's guard it never waits: load that waits for room is no load. `stopped` names
    the bound that ended the profile: calls, usd, tokens or minutes.
    """

    purse: Purse
    expectations: Expectations
    stopped: str | None = None
    paid: Spent = NOTHING
    _began: float = field(default_factory=time.monotonic)

    def admits(self, key: CallKey, call: ModelCall) -> bool:
        """Whether the request may be sent; it is reserved if so."""
        expected = self.expectations.of(call)
        minutes = self.purse.limit.minutes
        if minutes is not None and time.monotonic() - self._began >= 60 * minutes:
            self.stopped = self.stopped or "minutes"
        self.stopped = self.stopped or self.purse.exceeded_by(expected)
        if self.stopped is None:
            self.purse.reserve(key, expected)
        return self.stopped is None

    def pay(self, attempt: Attempt) -> None:
        """Takes what came back into account."""
        self.paid += spent_by(attempt)
        self.expectations.learn(attempt)
        self.purse.pay(attempt)
