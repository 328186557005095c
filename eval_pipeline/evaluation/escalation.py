"""Which threshold of confidence a system's answers support, with a claim that survives the search.

Learn then Test (Angelopoulos, Bates, Candes, Jordan and Lei 2021) with fixed-sequence testing:
thresholds stand before the data, from the strictest to the loosest; the accuracy of what each
leaves is tested by the exact binomial test, and the search ends at the first that is not shown.
Whatever was rejected before holds at the stated confidence, all of it together, without correction.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from eval_pipeline.settings import EscalationSettings
from eval_pipeline.statistics.clusters import Floats

THRESHOLDS: Final = (*(number / 20 for number in range(20)), 0.97, 0.98, 0.99, 1.0)
"""Fixed before any data: one that was chosen by the data would need a correction."""
POWER: Final = 0.8
LEAST_SEEN: Final = 10


@dataclass(frozen=True)
class Tested:
    """One threshold: how many items it leaves, how many of them are right, and the exact p."""

    threshold: float
    items: int
    right: int
    p_value: float


@dataclass(frozen=True)
class Search:
    """The tests by threshold, strictest first, and the loosest threshold that is supported."""

    tested: tuple[Tested, ...]
    supported: float | None


def search_threshold(
    confidences: Floats, right: NDArray[np.bool_], *, policy: EscalationSettings
) -> Search:
    """Items are independent of one another: one of each conversation; NaN is never answered.

    The search begins at the strictest threshold that leaves `first_items`, or else at the loosest.
    That looks at confidences alone, so each test keeps its level: given the confidences the number
    of right answers is a sum of independent trials, and where that exceeds its expectation the
    binomial tail bounds it (Hoeffding 1956).
    """
    if policy.minimum_accuracy is None:
        return Search((), None)
    counts = {
        threshold: (
            int((confidences >= threshold).sum()),
            int(((confidences >= threshold) & right).sum()),
        )
        for threshold in THRESHOLDS
    }
    strictest_first = sorted(THRESHOLDS, reverse=True)
    enough = [one for one in strictest_first if counts[one][0] >= policy.first_items]
    sequence = strictest_first[strictest_first.index(enough[0]) :] if enough else [THRESHOLDS[0]]
    tested: list[Tested] = []
    supported = None
    for threshold in sequence:
        items, hits = counts[threshold]
        p_value = tail(hits, items, policy.minimum_accuracy)
        tested.append(Tested(threshold, items, hits, p_value))
        if p_value > 1 - policy.confidence:
            break
        supported = threshold
    return Search(tuple(tested), supported)


def tail(right: int, items: int, target: float) -> float:
    """P(at least so many right of so many items) at the target: the exact binomial p."""
    return float(scipy.stats.binom.sf(right - 1, items, target)) if items else 1.0


def items_needed(
    left: Sequence[tuple[int, int]], *, items: int, policy: EscalationSettings
) -> int | None:
    """How many items, of such confidences and accuracies as were seen, would support a threshold.

    `left`: by threshold how many of `items` it leaves and how many of those are right. The usual
    sample size of a one-sided test of a proportion, at power 0.8, at the threshold that needs the
    fewest; at least so many as an all-right sample needs. None where no accuracy that was seen on
    ten items is above the target: more items of the same kind would not help.
    """
    target = policy.minimum_accuracy
    needed = []
    for answered, right in left:
        if target is None or answered < LEAST_SEEN or right / answered <= target:
            continue
        accuracy = right / answered
        z_level, z_power = scipy.stats.norm.ppf((policy.confidence, POWER))
        spread = z_level * math.sqrt(target * (1 - target))
        spread += z_power * math.sqrt(accuracy * (1 - accuracy))
        least = math.log(1 - policy.confidence) / math.log(target)
        tests = max((spread / (accuracy - target)) ** 2, least, policy.first_items)
        needed.append(math.ceil(tests * items / answered))
    return min(needed, default=None)
