"""Which rate to offer next: up until requests are refused, then in from both sides.

The limiter is drained before each probe, so that what a bucket has saved up does not carry a
rate that cannot last. Three probes well beyond the limit, with arrivals at random, say most of
what the bucket is; bisection with even arrivals then shows at which rates a client lives.
"""

import math
from dataclasses import dataclass
from typing import Final

from eval_pipeline.monitoring.load.steps import Step

BEYOND: Final = 1.6
CLOSE: Final = 0.1
OVERLOADS: Final = 3
DRAIN_SPEED: Final = 3.0
ENOUGH: Final = 1.12
"""Where the two rates of even arrivals lie so close together, the search ends."""


@dataclass(frozen=True)
class Probe:
    """A step to be made: arrivals at a rate, evenly or at random.

    `drain_per_second`: first ask at this rate until requests are refused; null: begin as it is.
    """

    rate: float
    even: bool
    drain_per_second: float | None


@dataclass
class RateSearch:
    """`first` is the first rate offered, `highest` the last where nothing is refused.

    `sustained` is the highest rate of even arrivals at which the limit was not met, `refused` the
    lowest at which it was. `kept_up` turns false where the system, and not its limit, gave way.
    """

    first: float
    highest: float
    steps: int
    sustained: float | None = None
    refused: float | None = None
    kept_up: bool = True
    _made: int = 0
    _met_at: float | None = None
    _overloads: int = 0
    _last: float = 0.0

    def next(self, guess: float | None) -> Probe | None:
        """The next probe, given what the fit says so far; None when the search is over."""
        if self._made >= self.steps or not self.kept_up:
            return None
        if self._met_at is None:
            return self._upward()
        limit = guess or self._met_at
        drain = DRAIN_SPEED * limit
        if self._overloads < OVERLOADS:
            return Probe(min(self.highest, BEYOND * limit), even=False, drain_per_second=drain)
        rate = self._between(limit)
        return None if rate is None else Probe(rate, even=True, drain_per_second=drain)

    def tell(self, probe: Probe, step: Step) -> None:
        """What became of a probe."""
        self._made += 1
        self._last = probe.rate
        self.kept_up = step.kept_up or step.limited
        if not self.kept_up:
            return
        if not probe.even:
            self._overloads += step.limited
            if step.limited and self._met_at is None:
                self._met_at = probe.rate
        elif step.limited:
            self.refused = min(probe.rate, self.refused or math.inf)
            if self.sustained is not None and self.sustained >= self.refused:
                self.sustained = None
        elif self.refused is None or probe.rate < self.refused:
            self.sustained = max(probe.rate, self.sustained or 0.0)

    def _upward(self) -> Probe | None:
        if self._last >= self.highest:
            return None
        rate = min(self.highest, 2 * self._last if self._last else self.first)
        return Probe(rate, even=False, drain_per_second=None)

    def _between(self, limit: float) -> float | None:
        """Close to the limit on either side first, then the middle of what is left."""
        low, high = self.sustained, self.refused
        if high is None:
            above = max(limit, low or 0.0) * (1 + CLOSE)
            return above if above <= 2 * limit else None
        if low is None:
            return min(limit, high) * (1 - CLOSE)
        return None if high / low <= ENOUGH else math.sqrt(low * high)
