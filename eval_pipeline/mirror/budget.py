"""What a candidate's mirrored answers may cost, and what they have."""

from typing import Any, Final

from eval_pipeline.ports import ModelSpec

CHARACTERS_PER_TOKEN: Final = 3
OUTPUT_TOKENS: Final = 1_000
"""Assumed of an answer that the request sets no limit to."""
MOST_TOKENS: Final = 2**31 - 1
"""A request may name a limit that no float can hold."""
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")


class Budget:
    """Admits requests while the limit allows them, with those under way at what they may cost.

    What came back without token counts has cost what was set aside for it: it may be billed.
    """

    def __init__(self, spec: ModelSpec, *, limit: float | None, spent: float) -> None:
        self._spec = spec
        self._limit = limit
        self._set_aside = 0.0
        self.spent = spent

    def expected(self, request: Any, *, characters: int) -> float:
        """The dearest that answering may come to, by an estimate of its tokens."""
        parameters = {**request, **dict(self._spec.parameters)}
        limits = [parameters.get(name) for name in _LIMITS]
        known = [
            min(limit, MOST_TOKENS) for limit in limits if isinstance(limit, int) and limit > 0
        ]
        written = min(known) if known else OUTPUT_TOKENS
        return (
            characters / CHARACTERS_PER_TOKEN * self._spec.usd_per_million_input_tokens
            + written * self._spec.usd_per_million_output_tokens
        ) / 1_000_000

    def admits(self, expected: float) -> bool:
        """Whether one more may be asked; sets its cost aside if so."""
        if self._limit is not None and self.spent + self._set_aside + expected > self._limit:
            return False
        self._set_aside += expected
        return True

    def pay(self, expected: float, cost: float | None) -> None:
        """What an answer cost stands for what was set aside."""
        self._set_aside -= expected
        self.spent += expected if cost is None else cost
