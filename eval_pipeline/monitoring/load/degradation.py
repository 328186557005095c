"""Where a system slows down, from a closed loop's steps: each with so many requests at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from eval_pipeline.monitoring.intervals import Measured, quantile_of
from eval_pipeline.monitoring.load.steps import Step, of_phase

FLAT: Final = 1.15
"""Throughput that rises by less from one step of the ramp to the next has stopped rising."""

LEAST_SERVED: Final = 20
"""Of fewer answers a 95th percentile is their largest, and says nothing."""


@dataclass(frozen=True)
class Degradation:
    """Requests at once from which p95 exceeds `ratio` times that of the first step.

    Interpolated on logarithmic scales between `lower`, the last step that kept within, and
    `upper`, the first beyond. Null where no step did, and `lower` is then the largest that kept
    within. `knee` is where more requests at once only wait longer, by Little's law: best
    throughput times the latency of an idle system; null while throughput still rises. Steps that
    a rate limit cut short say nothing of either.
    """

    at: float | None
    lower: float | None
    upper: float | None
    knee: float | None
    best_per_second: float | None


def degradation(steps: Sequence[Step], *, ratio: float, confidence: float) -> Degradation:
    """Of the closed-loop steps with answers enough, by requests at once."""
    measured = [
        (float(step.concurrency or 0), p95_of(step, confidence), step)
        for step in of_phase(steps, "concurrency")
        if len(step.served) >= LEAST_SERVED and not step.limited
    ]
    if not measured:
        return Degradation(None, None, None, None, None)
    measured.sort(key=lambda entry: entry[0])
    idle = measured[0][1].value or math.inf
    best = max(step.served_per_second for _, _, step in measured)
    knee = _knee([step for _, _, step in measured], best)
    beyond = next(
        (place for place, found in enumerate(measured) if _over(found[1], ratio * idle)), 0
    )
    if not beyond:
        return Degradation(None, measured[-1][0], None, knee, best)
    (below, before, _), (above, after, _) = measured[beyond - 1], measured[beyond]
    at = _between(below, above, before.value or 0.0, after.value or 0.0, level=ratio * idle)
    return Degradation(at, below, above, knee, best)


def _knee(steps: list[Step], best: float) -> float | None:
    """Null unless two steps in a row bring the same throughput."""
    speeds = [step.served_per_second for step in steps]
    if not any(after < FLAT * before for before, after in pairwise(speeds)):
        return None
    idle = sum(request.latency_seconds for request in steps[0].served) / len(steps[0].served)
    return best * idle


def p95_of(step: Step, confidence: float) -> Measured:
    """The 95th percentile of what was served, with its interval."""
    return quantile_of(
        [request.latency_seconds for request in step.served], 0.95, confidence=confidence
    )


def _over(measured: Measured, level: float) -> bool:
    return measured.value is not None and measured.value > level


def _between(below: float, above: float, before: float, after: float, *, level: float) -> float:
    """Where the line between two points reaches `level`, both axes logarithmic."""
    share = math.log(level / before) / math.log(after / before)
    return float(below * (above / below) ** min(1.0, max(0.0, share)))
