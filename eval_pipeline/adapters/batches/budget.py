"""What batches may take of a scope's limit before anything is known of their cost."""

from collections.abc import Mapping
from functools import partial

import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.call_figures import NOTHING, Spent, spent_on, usual_tokens
from eval_pipeline.adapters.model_calls.call_plans import Expectations
from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.model_calls.spending import Purse, spender_of
from eval_pipeline.ports import ModelCall
from eval_pipeline.settings import Spender, SpendingLimit


class BatchBudget:
    """Sets aside, by scope, what calls under way by batch are expected to take.

    A batch is paid for as a whole, so the stop is before it is sent.
    """

    def __init__(self, engine: sa.Engine, limits: Mapping[Spender, SpendingLimit]) -> None:
        self._engine = engine
        self._limits = limits
        self._expectations = Expectations(partial(usual_tokens, engine))
        self._spent: dict[str, Spent] = {}
        self.reserved: dict[str, Spent] = {}

    def affordable(
        self, calls: Mapping[CallKey, ModelCall], *, price_share: float
    ) -> dict[CallKey, ModelCall]:
        """The calls, in their order, up to the first that would take its scope over its limit."""
        chosen: dict[CallKey, ModelCall] = {}
        more: dict[str, Spent] = {}
        for key, call in calls.items():
            total = more.get(key.scope, NOTHING) + self._expected(call, price_share)
            purse = self._purse(key.scope)
            if purse is not None and purse.exceeded_by(total) is not None:
                break
            more[key.scope] = total
            chosen[key] = call
        return chosen

    def reserve(self, calls: Mapping[CallKey, ModelCall], *, price_share: float) -> Spent:
        """Sets aside what these calls are expected to take, and says how much."""
        whole = NOTHING
        for key, call in calls.items():
            expected = self._expected(call, price_share)
            whole += expected
            self.reserved[key.scope] = self.reserved.get(key.scope, NOTHING) + expected
        return whole

    def _expected(self, call: ModelCall, price_share: float) -> Spent:
        full = self._expectations.of(call)
        return Spent(full.usd * price_share, full.calls, full.tokens)

    def _purse(self, scope: str) -> Purse | None:
        spender = spender_of(scope)
        limit = None if spender is None else self._limits.get(spender)
        if limit is None:
            return None
        if scope not in self._spent:
            self._spent[scope] = spent_on(self._engine, scope)
        elsewhere = self._spent[scope] + self.reserved.get(scope, NOTHING)
        return Purse(scope, limit, elsewhere=elsewhere)
